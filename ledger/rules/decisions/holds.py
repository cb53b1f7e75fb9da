"""Holds: points reserved, captured in one or several parts, released by the partner or by time.

A hold names its lots. A lot whose last day passes under a hold stays usable by that hold alone, and lapses
when it is released. A capture or void must be possible whatever has become of member and programme since:
the goods may be on their way.
"""

import hashlib

from ledger.ids import REQUEST_DIGEST_BYTES, Place
from ledger.rules.accounts import AccountKind
from ledger.rules.admission import Admitted, admit, too_few_points, wrong_amount
from ledger.rules.business_day import MICROSECONDS_PER_DAY
from ledger.rules.commands import Capture, PlaceHold, Submission, VoidHold
from ledger.rules.expiry import after_lapses, expiry_postings
from ledger.rules.journal import Particulars, Posting, TransactionKind
from ledger.rules.lots import consume_lots, spend_order, usable_lots
from ledger.rules.outcomes import Decision, Draft, NeedsLanes, NeedsLots, Refused
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import HoldState, LedgerState, LotState, PointsState

DEFAULT_HOLD_DAYS = 7
LONGEST_HOLD_DAYS = 366


def decide_hold(command: PlaceHold, submission: Submission, state: LedgerState) -> Decision:
    """Reserve lots in their order, for the acceptor that asks."""
    admitted = admit(command, submission, state)
    if not isinstance(admitted, Admitted):
        return admitted
    if wrong := wrong_amount(command.points, command.cash_minor, command.currency, admitted.programme):
        return wrong
    points, now = admitted.points, admitted.now
    expires_at = _end_of(command, now)
    if isinstance(expires_at, Refused):
        return expires_at
    if points.available < command.points:
        return too_few_points(command.points, points.available)
    usable = usable_lots(points, now)
    if not points.lots_complete and sum(lot.remaining for lot in usable) < command.points:
        return NeedsLots()
    draft = Draft(
        kind=TransactionKind.HOLD,
        lane=points.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=command.points,
        occurred_at=admitted.occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[
            Posting(AccountKind.AVAILABLE, points.member, AccountKind.HELD, points.member, taken, lot.lot)
            for lot, taken in consume_lots(usable, command.points)
        ],
        scene=command.scene,
        channel=command.channel,
        outlet=command.outlet,
        cash_minor=command.cash_minor,
        particulars=Particulars(expires_at=expires_at),
        has_details=True,
    )
    return after_lapses(points, now, [draft])


def _end_of(command: PlaceHold, now: int) -> int | Refused:
    expires_at = now + DEFAULT_HOLD_DAYS * MICROSECONDS_PER_DAY if command.expires_at is None else command.expires_at
    if now < expires_at <= now + LONGEST_HOLD_DAYS * MICROSECONDS_PER_DAY:
        return expires_at
    return Refused(
        "hold-expiry-out-of-range",
        f"A hold ends after now and within {LONGEST_HOLD_DAYS} days.",
        {"field": "expires_at", "longest_days": LONGEST_HOLD_DAYS},
    )


def decide_capture(command: Capture, submission: Submission, state: LedgerState) -> Decision:
    """Take held points; a final capture releases the rest."""
    hold = _open_hold(command.hold, submission, state)
    if not isinstance(hold, HoldState):
        return hold
    programme = state.registry.programme_numbered(hold.programme)
    if wrong := wrong_amount(None, command.cash_minor, command.currency, programme):
        return wrong
    captured = hold.remaining if command.points is None else command.points
    if captured > hold.remaining:
        return Refused(
            "capture-exceeds-hold",
            f"{captured} points are more than the {hold.remaining} still held.",
            {"requested": captured, "held": hold.remaining},
        )
    points = state.members[hold.member].points_in(hold.programme)
    taken, left = _divide(held_lots(state, hold), captured)
    postings = [
        Posting(AccountKind.HELD, hold.member, AccountKind.REDEEMED, hold.partner, amount, lot.lot)
        for lot, amount in taken
    ]
    if command.final:
        postings += release_postings(points, left, state.lanes[hold.lane].now)
    draft = _ending(TransactionKind.CAPTURE, hold, submission, state, captured, postings, command.cash_minor)
    return after_lapses(points, state.lanes[hold.lane].now, [draft])


def decide_void(command: VoidHold, submission: Submission, state: LedgerState) -> Decision:
    """Release all that is still held."""
    hold = _open_hold(command.hold, submission, state)
    if not isinstance(hold, HoldState):
        return hold
    points = state.members[hold.member].points_in(hold.programme)
    now = state.lanes[hold.lane].now
    postings = release_postings(points, held_lots(state, hold), now)
    draft = _ending(TransactionKind.VOID, hold, submission, state, hold.remaining, postings, None)
    return after_lapses(points, now, [draft])


def hold_expiry_key(hold: Place) -> bytes:
    """The key of a hold's expiry: a hold ends once."""
    return hashlib.sha256(f"hold-expiry:{hold.lane}:{hold.number}".encode()).digest()


def hold_expiry_draft(state: LedgerState, points: PointsState, hold: HoldState) -> Draft:
    """Release a hold whose time is over."""
    key = hold_expiry_key(hold.place)
    return Draft(
        kind=TransactionKind.HOLD_EXPIRE,
        lane=hold.lane,
        programme=hold.programme,
        partner=hold.partner,
        member=hold.member,
        points=hold.remaining,
        occurred_at=hold.expires_at,
        key_digest=key,
        request_digest=key[:REQUEST_DIGEST_BYTES],
        postings=release_postings(points, held_lots(state, hold), state.lanes[hold.lane].now),
        scene=hold.scene,
        channel=hold.channel,
        outlet=hold.outlet,
        particulars=Particulars(hold=hold.sequence),
    )


def held_lots(state: LedgerState, hold: HoldState) -> list[tuple[LotState, int]]:
    """The lots of a hold with what is still held of each, in the order of use, lapsed ones too."""
    parts = [(state.lots[hold.lane, lot], amount) for lot, amount in hold.lots.items() if amount]
    parts.sort(key=lambda part: spend_order(part[0]))
    return parts


def release_postings(points: PointsState, parts: list[tuple[LotState, int]], now: int) -> list[Posting]:
    """Held points become available again, repay what the member owes, and lapse where the lot has lapsed."""
    repayment = Repayment(points)
    postings: list[Posting] = []
    for lot, amount in parts:
        postings.append(Posting(AccountKind.HELD, lot.member, AccountKind.AVAILABLE, lot.member, amount, lot.lot))
        repaid, rest = repayment.from_credit(lot.lot, lot.funding, amount)
        postings += repaid
        if rest and lot.lapses_at <= now:
            postings += expiry_postings(lot.member, lot.programme, lot.lot, lot.funding, rest)
    return postings


def _open_hold(identifier: str, submission: Submission, state: LedgerState) -> HoldState | Refused | NeedsLanes:
    """Find the hold that a partner names, wherever it has moved to; it must still hold something."""
    hold = None if submission.hold is None else state.holds.get(submission.hold)
    if hold is None or hold.partner != submission.partner:
        return Refused("hold-not-found", "No hold of yours has this id.", {"id": identifier})
    present = hold
    while present.moved_to is not None:
        present = state.holds[present.moved_to]
    holder = (present.lane, present.member)
    if present is not hold and (present.lane not in state.lanes or holder not in submission.more_members):
        return NeedsLanes(frozenset({present.lane}), frozenset({holder}))
    if present.remaining == 0:
        return Refused("hold-not-open", "The hold was captured, voided or has expired.", {"id": identifier})
    return present


def _divide(
    parts: list[tuple[LotState, int]], amount_points: int
) -> tuple[list[tuple[LotState, int]], list[tuple[LotState, int]]]:
    """The first ``amount_points`` of some lots, and what is left of them."""
    taken: list[tuple[LotState, int]] = []
    left: list[tuple[LotState, int]] = []
    rest = amount_points
    for lot, amount in parts:
        piece = min(amount, rest)
        rest -= piece
        if piece:
            taken.append((lot, piece))
        if amount > piece:
            left.append((lot, amount - piece))
    return taken, left


def _ending(
    kind: TransactionKind,
    hold: HoldState,
    submission: Submission,
    state: LedgerState,
    amount_points: int,
    postings: list[Posting],
    cash_minor: int | None,
) -> Draft:
    return Draft(
        kind=kind,
        lane=hold.lane,
        programme=hold.programme,
        partner=hold.partner,
        member=hold.member,
        points=amount_points,
        occurred_at=state.lanes[hold.lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=postings,
        scene=hold.scene,
        channel=hold.channel,
        outlet=hold.outlet,
        cash_minor=cash_minor,
        particulars=Particulars(hold=hold.sequence),
        has_details=True,
    )
