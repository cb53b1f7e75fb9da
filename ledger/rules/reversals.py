"""Reversals: the new, opposite transaction that names its original.

Of a redemption, the lots it used come back, last used first; where one has lapsed, as a child lot with
the programme's grace. Of an earn, what is free in its own lot and children is taken back first; what
has expired moves nothing, since it has already gone back to the issuer; the rest becomes a shortfall of
the member, repaid from later credits, unless the programme lets the issuer bear it.
"""

from datetime import timedelta

import msgspec
from msgspec.structs import replace

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.earning import points_kept, wrong_currency
from ledger.rules.expiry import expiry_postings
from ledger.rules.journal import LotOpening, LotOrigin, Posting, TransactionKind
from ledger.rules.lots import spend_order
from ledger.rules.outcomes import Refused
from ledger.rules.programmes import Programme
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, LotState, OriginalState, PointsState

REVERSIBLE = frozenset({TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE})


class Extent(msgspec.Struct, frozen=True):
    """How much of an original is taken back: points, and the spend they rested on."""

    points: int
    spend_minor: int


class Effect(msgspec.Struct, frozen=True):
    """Postings and lot openings of a reversal; ``expired_counted`` is what moves nothing."""

    postings: list[Posting]
    lots: tuple[LotOpening, ...] = ()
    expired_counted: int = 0
    origins: tuple[LotOrigin, ...] = ()


def extent_asked(
    original: OriginalState,
    programme: Programme,
    points: int | None,
    spend_minor: int | None,
    currency: str | None,
) -> Extent | Refused:
    """What a request for points, for spend, or for all of the rest takes back."""
    if original.kind not in REVERSIBLE:
        return Refused("not-reversible", "Only an earn, a redemption or a capture can be reversed.")
    if original.rest_points == 0 and original.rest_spend_minor == 0:
        return Refused(
            "already-reversed",
            "All of the transaction has been reversed before.",
            {"points": original.points},
        )
    if spend_minor is not None:
        if original.spend_minor is None:
            return Refused("not-reversible", "The transaction rests on no spend; name points instead.")
        if wrong := wrong_currency(currency, programme):
            return wrong
        return extent_by_spend(original, programme, spend_minor)
    if points is None:
        return Extent(original.rest_points, original.rest_spend_minor)
    if points > original.rest_points:
        return Refused(
            "reversal-exceeds-original",
            f"{points} points are more than the {original.rest_points} not yet reversed.",
            {"requested": points, "reversible": original.rest_points},
        )
    return Extent(points, 0)


def extent_by_spend(original: OriginalState, programme: Programme, spend_minor: int) -> Extent | Refused:
    """Take back spend: the points kept are those that the money kept would have earned."""
    if spend_minor > original.rest_spend_minor:
        return Refused(
            "reversal-exceeds-original",
            "The spend is more than what is not yet reversed.",
            {
                "requested_minor": spend_minor,
                "reversible_minor": original.rest_spend_minor,
            },
        )
    kept = points_kept(programme, original.programme_version, original.rest_spend_minor - spend_minor)
    return Extent(max(original.rest_points - kept, 0), spend_minor)


def reverse_earn(
    state: LedgerState,
    original: OriginalState,
    programme: Programme,
    points: PointsState,
    amount_points: int,
    opened: int = 0,
) -> Effect:
    """Take points back from an earn's own lot and what came from it, as they would be used; the rest is owed.

    ``points`` are those of the present member: of lots that a merge or move has taken to it. ``opened`` is
    how many lots the same command opens before.
    """
    now = state.lanes[points.lane].now
    root = state.lots[original.lane, original.uses[0][0]]
    postings: list[Posting] = []
    rest = amount_points
    family = list(state.family(root))
    own = sorted((lot for lot in family if lot.member == points.member), key=spend_order)
    for lot in own:
        taken = 0 if lot.lapses_at <= now else min(lot.remaining, rest)
        if taken:
            postings.append(_to_issuance(AccountKind.AVAILABLE, points, lot.lot, lot.funding, taken))
            rest -= taken
    lapsed = sum(lot.remaining for lot in own if lot.lapses_at <= now)
    gone = sum(lot.expired for lot in family) + lapsed - original.expired_counted
    counted = min(rest, gone)
    rest -= counted
    if rest == 0 or programme.shortfall_policy != "member":
        return Effect(postings, expired_counted=counted)
    owed = own[0] if own else lot_taken_over(root, state.lanes[points.lane].next_lot + opened, rest)
    postings.append(_to_issuance(AccountKind.SHORTFALL, points, owed.lot, root.funding, rest))
    if isinstance(owed, LotOpening):
        return Effect(postings, (owed,), counted, (LotOrigin(owed.lot, root.lane, root.lot),))
    return Effect(postings, expired_counted=counted)


def _to_issuance(kind: AccountKind, points: PointsState, lot: int, funding: int, amount_points: int) -> Posting:
    return Posting(kind, points.member, AccountKind.ISSUANCE, funding, amount_points, lot)


def lot_taken_over(lot: LotState, number: int, amount_points: int) -> LotOpening:
    """A lot of another member or lane with the same funding, terms and expiry."""
    return LotOpening(
        lot=number,
        funding=lot.funding,
        terms_version=lot.terms_version,
        earned_at=lot.earned_at,
        available_from=lot.available_from,
        expires_on=lot.expires_on,
        original=amount_points,
    )


def reverse_redemption(
    state: LedgerState,
    original: OriginalState,
    programme: Programme,
    points: PointsState,
    amount_points: int,
) -> Effect:
    """Give back the lots that a redemption used, last used first, repaying shortfalls on the way."""
    restore = _Restore(state, original, programme, points)
    skip = original.reversed_points
    rest = amount_points
    for lot_number, used in reversed(original.uses):
        skipped = min(skip, used)
        skip -= skipped
        piece = min(used - skipped, rest)
        if piece:
            restore.give_back(state.lots[original.lane, lot_number], piece)
            rest -= piece
    return Effect(restore.postings, tuple(restore.openings), origins=tuple(restore.origins))


class _Restore:
    """Collects the postings and new lots of one return, for the member that the points belong to now."""

    def __init__(
        self,
        state: LedgerState,
        original: OriginalState,
        programme: Programme,
        points: PointsState,
    ) -> None:
        lane = state.lanes[points.lane]
        self._now = lane.now
        self._next_lot = lane.next_lot
        self._original = original
        self._programme = programme
        self._member = points.member
        self._repayment = Repayment(points)
        self.postings: list[Posting] = []
        self.openings: list[LotOpening] = []
        self.origins: list[LotOrigin] = []

    def give_back(self, lot: LotState, amount_points: int) -> None:
        """Credit one lot, or a new one where it has lapsed or was another member's."""
        lapsed = lot.lapses_at <= self._now
        number = lot.lot
        if lapsed or lot.member != self._member:
            number = self._open(lot, amount_points, lapsed=lapsed)
        self.postings.append(
            Posting(
                AccountKind.REDEEMED,
                self._original.partner,
                AccountKind.AVAILABLE,
                self._member,
                amount_points,
                number,
            )
        )
        repaid, rest = self._repayment.from_credit(number, lot.funding, amount_points)
        self.postings += repaid
        if lapsed and rest and self._programme.restore_grace_days == 0:
            self.postings += expiry_postings(self._member, lot.programme, number, lot.funding, rest)

    def _open(self, lot: LotState, amount_points: int, *, lapsed: bool) -> int:
        opening = lot_taken_over(lot, self._next_lot + len(self.openings), amount_points)
        if lapsed:
            grace = timedelta(days=self._programme.restore_grace_days)
            opening = replace(opening, expires_on=self._programme.business_day(self._now) + grace)
        if lot.member == self._member:
            opening = replace(opening, restored_from=lot.lot if lot.restored_from is None else lot.restored_from)
        else:
            self.origins.append(LotOrigin(opening.lot, lot.lane, lot.lot))
        self.openings.append(opening)
        return opening.lot


def place(original: OriginalState) -> Place:
    """The place of the transaction that a reversal names."""
    return Place(original.lane, original.sequence)
