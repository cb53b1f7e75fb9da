"""The pure decision: what becomes of a command, given the state.

``decide`` never changes anything. Its checks run in this order, and the first that says no names the
refusal; the table tests have a row for each, in the same order:

1. the key: the same request replays its answer, another request is ``idempotency-key-reused``
2. ``programme-not-found``, ``partner-not-permitted``, ``programme-closed``
3. ``member-not-found``, ``member-closed``, ``member-frozen``
4. ``occurred-in-future``, ``occurred-too-long-ago``
5. the amount: ``currency-mismatch``, ``zero-points``, ``amount-out-of-range``
6. the points: ``insufficient-points``

A reversal asks instead, after the key: ``transaction-not-found`` (unknown and another partner's look the
same), ``not-reversible``, ``already-reversed``, ``currency-mismatch``, ``reversal-exceeds-original``. A
return must always be possible, so neither a closed programme nor a frozen member refuses it.

Points that have lapsed are posted as expired by the first command that is not refused; they come first
among its drafts.
"""

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import MICROSECONDS_PER_DAY, MICROSECONDS_PER_SECOND
from ledger.rules.commands import MAXIMUM_MINOR, MAXIMUM_POINTS, Earn, Expire, Redeem, Reverse, Submission, TakeBack
from ledger.rules.earning import Award, award, out_of_range, wrong_currency
from ledger.rules.expiry import lapse_drafts
from ledger.rules.journal import LotOpening, Posting, TransactionKind
from ledger.rules.lots import consume_lots, usable_lots
from ledger.rules.outcomes import Decided, Decision, Draft, KeyReused, NeedsLots, Refused, Replayed, Reversal
from ledger.rules.programmes import Programme
from ledger.rules.reversals import (
    Extent,
    extent_asked,
    extent_by_spend,
    place,
    reverse_earn,
    reverse_redemption,
)
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, MemberState, OriginalState, PointsState

CLOCK_TOLERANCE_SECONDS = 60
"""How far a till's clock may be ahead of ours before its event counts as future."""

BALANCE_LIMIT = 1 << 62


def decide(submission: Submission, state: LedgerState) -> Decision:
    """Decide one command; see the module for the order of checks."""
    known = state.keys.get(submission.key_digest)
    if known is not None:
        if known.request_digest == submission.request_digest:
            return Replayed(known)
        return KeyReused()
    command = submission.command
    if isinstance(command, Earn):
        return _decide_earn(command, submission, state)
    if isinstance(command, Redeem):
        return _decide_redeem(command, submission, state)
    if isinstance(command, Reverse):
        return _decide_reverse(command, submission, state)
    if isinstance(command, TakeBack):
        return _decide_take_back(command, submission, state)
    return _decide_expire(command, submission, state)


def _decide_earn(command: Earn, submission: Submission, state: LedgerState) -> Decision:
    admitted = _admit(command, submission, state)
    if isinstance(admitted, Refused):
        return admitted
    awarded = award(command, admitted.programme, admitted.occurred_at)
    if isinstance(awarded, Refused):
        return awarded
    points = admitted.points
    if points.posted + awarded.points > BALANCE_LIMIT:
        return out_of_range("balance", points.posted + awarded.points, BALANCE_LIMIT)
    opening = _opening(command, submission, state, admitted, awarded)
    draft = Draft(
        kind=TransactionKind.EARN,
        lane=submission.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=awarded.points,
        occurred_at=admitted.occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=_earn_postings(points, opening),
        lots=(opening,),
        scene=command.scene,
        channel=command.channel,
        outlet=command.outlet,
        spend_minor=command.spend_minor,
        programme_version=awarded.version.version,
        has_details=True,
    )
    return _after_lapses(points, admitted.now, [draft])


def _opening(
    command: Earn, submission: Submission, state: LedgerState, admitted: "_Admitted", awarded: Award
) -> LotOpening:
    occurred_at = admitted.occurred_at
    available_from = command.available_from
    return LotOpening(
        lot=state.lanes[submission.lane].next_lot,
        funding=state.registry.partners[submission.partner].funding,
        terms_version=None,
        earned_at=occurred_at,
        available_from=min(occurred_at, admitted.now) if available_from is None else available_from,
        expires_on=awarded.version.expires_on(admitted.programme.business_day(occurred_at)),
        original=awarded.points,
    )


def _earn_postings(points: PointsState, opening: LotOpening) -> list[Posting]:
    credit = Posting(
        AccountKind.ISSUANCE, opening.funding, AccountKind.AVAILABLE, points.member, opening.original, opening.lot
    )
    if not points.shortfalls:
        return [credit]
    repaid, _ = Repayment(points).from_credit(opening.lot, opening.funding, opening.original)
    return [credit, *repaid]


def _decide_redeem(command: Redeem, submission: Submission, state: LedgerState) -> Decision:
    admitted = _admit(command, submission, state)
    if isinstance(admitted, Refused):
        return admitted
    if wrong := _wrong_amount(command, admitted.programme):
        return wrong
    points = admitted.points
    if points.available < command.points:
        return Refused(
            "insufficient-points",
            "The member has fewer available points than requested.",
            {"requested": command.points, "available": points.available},
        )
    usable = usable_lots(points, admitted.now)
    if not points.lots_complete and sum(lot.remaining for lot in usable) < command.points:
        return NeedsLots()
    draft = Draft(
        kind=TransactionKind.REDEEM,
        lane=submission.lane,
        programme=points.programme,
        partner=submission.partner,
        member=points.member,
        points=command.points,
        occurred_at=admitted.occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[
            Posting(AccountKind.AVAILABLE, points.member, AccountKind.REDEEMED, submission.partner, taken, lot.lot)
            for lot, taken in consume_lots(usable, command.points)
        ],
        scene=command.scene,
        channel=command.channel,
        outlet=command.outlet,
        cash_minor=command.cash_minor,
        has_details=True,
    )
    return _after_lapses(points, admitted.now, [draft])


def _decide_reverse(command: Reverse, submission: Submission, state: LedgerState) -> Decision:
    original = None if submission.original is None else state.originals.get(submission.original)
    if original is None or original.partner != submission.partner:
        return Refused("transaction-not-found", "No transaction of yours has this id.", {"id": command.transaction})
    programme = state.registry.programme_numbered(original.programme)
    extent = extent_asked(original, programme, command.points, command.spend_minor, command.currency)
    if isinstance(extent, Refused):
        return extent
    points = state.members[original.member].points_in(original.programme)
    draft = _reversal_draft(submission, state, original, extent, None)
    return _after_lapses(points, state.lanes[original.lane].now, [draft])


def _reversal_draft(
    submission: Submission,
    state: LedgerState,
    original: OriginalState,
    extent: Extent,
    occurred_at: int | None,
) -> Draft:
    programme = state.registry.programme_numbered(original.programme)
    points = state.members[original.member].points_in(original.programme)
    if original.kind == TransactionKind.EARN:
        effect = reverse_earn(state, original, programme, extent.points)
    else:
        effect = reverse_redemption(state, original, programme, points, extent.points)
    now = state.lanes[original.lane].now
    return Draft(
        kind=TransactionKind.REVERSE,
        lane=original.lane,
        programme=original.programme,
        partner=original.partner,
        member=original.member,
        points=extent.points,
        occurred_at=now if occurred_at is None else occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=effect.postings,
        lots=effect.lots,
        spend_minor=extent.spend_minor if original.spend_minor is not None else None,
        programme_version=original.programme_version,
        reversal=Reversal(place(original), extent.points, extent.spend_minor, effect.expired_counted),
        has_details=True,
    )


def _decide_take_back(command: TakeBack, submission: Submission, state: LedgerState) -> Decision:
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return _no_programme(command.programme)
    member = _known_member(submission, state)
    if isinstance(member, Refused):
        return member
    now = state.lanes[submission.lane].now
    if wrong := _wrong_time(command.occurred_at, now, None) or wrong_currency(command.currency, programme):
        return wrong
    earns = [
        earn
        for earn in state.earns.get((member.number, programme.number, submission.partner), ())
        if earn.occurred_at <= command.occurred_at and earn.rest_spend_minor > 0
    ]
    earns.sort(key=lambda earn: (earn.occurred_at, earn.sequence), reverse=True)
    drafts: list[Draft] = []
    rest_minor = command.spend_minor
    for earn in earns:
        if rest_minor == 0:
            break
        spend_minor = min(rest_minor, earn.rest_spend_minor)
        extent = extent_by_spend(earn, programme, spend_minor)
        if isinstance(extent, Refused):
            return extent
        rest_minor -= spend_minor
        drafts.append(_reversal_draft(submission, state, earn, extent, command.occurred_at))
    if not drafts:
        return Refused(
            "no-earlier-earn",
            "The member has no earlier earn with you that is not taken back yet.",
            {"spend_minor": command.spend_minor},
        )
    return _after_lapses(member.points_in(programme.number), now, drafts, rest_minor)


def _decide_expire(command: Expire, submission: Submission, state: LedgerState) -> Decision:
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return _no_programme(command.programme)
    member = _known_member(submission, state)
    if isinstance(member, Refused):
        return member
    points = member.points_in(programme.number)
    return Decided(lapse_drafts(points, state.lanes[submission.lane].now), own=0)


def _after_lapses(points: PointsState, now: int, drafts: list[Draft], unmatched_minor: int = 0) -> Decided:
    """Put the lapses of the member before the command's own drafts."""
    lapses = lapse_drafts(points, now) if points.lapsed else []
    return Decided(lapses + drafts, len(drafts), unmatched_minor)


class _Admitted(msgspec.Struct, frozen=True):
    """An earn or a redemption that everything but its amount allows."""

    programme: Programme
    points: PointsState
    occurred_at: int
    now: int


def _admit(command: Earn | Redeem, submission: Submission, state: LedgerState) -> _Admitted | Refused:
    """Check programme, permission, member and time, in the documented order."""
    programme = _programme(command, submission.partner, state)
    if isinstance(programme, Refused):
        return programme
    member = _active_member(submission, state)
    if isinstance(member, Refused):
        return member
    now = state.lanes[submission.lane].now
    occurred_at = now if command.occurred_at is None else command.occurred_at
    if wrong := _wrong_time(occurred_at, now, programme):
        return wrong
    return _Admitted(programme, member.points_in(programme.number), occurred_at, now)


def _programme(command: Earn | Redeem, partner: int, state: LedgerState) -> Programme | Refused:
    code = command.programme
    programme = state.registry.programmes.get(code)
    if programme is None:
        return _no_programme(code)
    earns = isinstance(command, Earn)
    if partner not in (programme.issuers if earns else programme.acceptors):
        what = "issue" if earns else "accept"
        return Refused("partner-not-permitted", f"You may not {what} points of programme {code}.", {"programme": code})
    if not programme.is_open:
        return Refused("programme-closed", f"Programme {code} is closed.", {"programme": code})
    return programme


def _no_programme(code: str) -> Refused:
    return Refused("programme-not-found", "No programme has this code.", {"programme": code})


def _known_member(submission: Submission, state: LedgerState) -> MemberState | Refused:
    member = None if submission.member is None else state.members.get(submission.member)
    if member is None:
        return Refused("member-not-found", "You know no member by this name.")
    return member


def _active_member(submission: Submission, state: LedgerState) -> MemberState | Refused:
    member = _known_member(submission, state)
    if isinstance(member, Refused) or member.status == "active":
        return member
    if member.status == "closed":
        return Refused("member-closed", "The member's account is closed.")
    return Refused("member-frozen", "The member's account is frozen.")


def _wrong_time(occurred_at: int, now: int, programme: Programme | None) -> Refused | None:
    if occurred_at > now + CLOCK_TOLERANCE_SECONDS * MICROSECONDS_PER_SECOND:
        return Refused(
            "occurred-in-future",
            "The event's time is later than the ledger's clock.",
            {"field": "occurred_at"},
        )
    if programme is None or programme.maximum_age_days is None:
        return None
    if occurred_at < now - programme.maximum_age_days * MICROSECONDS_PER_DAY:
        return Refused(
            "occurred-too-long-ago",
            f"The programme takes events up to {programme.maximum_age_days} days old.",
            {"field": "occurred_at", "maximum_age_days": programme.maximum_age_days},
        )
    return None


def _wrong_amount(command: Redeem, programme: Programme) -> Refused | None:
    if command.cash_minor is not None:
        if wrong := wrong_currency(command.currency, programme):
            return wrong
        if command.cash_minor > MAXIMUM_MINOR:
            return out_of_range("cash", command.cash_minor, MAXIMUM_MINOR)
    if command.points > MAXIMUM_POINTS:
        return out_of_range("points", command.points, MAXIMUM_POINTS)
    return None
