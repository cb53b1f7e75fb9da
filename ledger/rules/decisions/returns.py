"""Reversals: of a named transaction, and of a member's latest earns where a cancellation names none."""

from ledger.rules.admission import Stop, in_closed_period, in_future, known_member, no_programme
from ledger.rules.caps import CapDraw, give_back
from ledger.rules.commands import Reverse, Submission, TakeBack
from ledger.rules.earning import wrong_currency
from ledger.rules.expiry import after_lapses
from ledger.rules.journal import Particulars, TransactionKind
from ledger.rules.outcomes import Decision, Draft, NeedsLanes, Refused, Reversal
from ledger.rules.reversals import (
    Effect,
    Extent,
    extent_asked,
    extent_by_spend,
    place,
    reverse_earn,
    reverse_redemption,
)
from ledger.rules.state import LedgerState, MemberState, OriginalState, PointsState


def decide_reverse(command: Reverse, submission: Submission, state: LedgerState) -> Decision:
    """Take back a named earn, redemption or capture, for the member that it belongs to now."""
    original = None if submission.original is None else state.originals.get(submission.original)
    if original is None or original.partner != submission.partner:
        return Refused("transaction-not-found", "No transaction of yours has this id.", {"id": command.transaction})
    if original.programme == 0:
        return Refused("not-reversible", "Only an earn, a redemption or a capture can be reversed.")
    programme = state.registry.programme_numbered(original.programme)
    extent = extent_asked(original, programme, command.points, command.spend_minor, command.currency)
    if isinstance(extent, Refused):
        return extent
    member = known_member(original.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    points = member.points_in(original.programme)
    drafts = _reversal_drafts(submission, state, original, points, extent)
    if not isinstance(drafts, list):
        return drafts
    return after_lapses(points, state.lanes[points.lane].now, drafts[-1:], before=drafts[:-1])


def decide_take_back(command: TakeBack, submission: Submission, state: LedgerState) -> Decision:
    """Take spend back from a member's latest earns with this partner up to a time, latest first."""
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return no_programme(command.programme)
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    now = state.lanes[member.lane].now
    wrong = in_future(command.occurred_at, now) or in_closed_period(command.occurred_at, programme)
    wrong = wrong or wrong_currency(command.currency, programme)
    if wrong:
        return wrong
    points = member.points_in(programme.number)
    before: list[Draft] = []
    own: list[Draft] = []
    rest_minor = command.spend_minor
    for earn in _earlier_earns(command, submission, state, member.number, programme.number):
        if rest_minor == 0:
            break
        spend_minor = min(rest_minor, earn.rest_spend_minor)
        extent = extent_by_spend(earn, programme, spend_minor)
        if isinstance(extent, Refused):
            return extent
        rest_minor -= spend_minor
        if earn.lane not in state.lanes:
            return NeedsLanes(frozenset({earn.lane}))
        opened = sum(len(draft.lots) for draft in own)
        drafts = _reversal_drafts(submission, state, earn, points, extent, command.occurred_at, opened)
        if not isinstance(drafts, list):
            return drafts
        before += drafts[:-1]
        own.append(drafts[-1])
    if not own:
        return Refused(
            "no-earlier-earn",
            "The member has no earlier earn with you that is not taken back yet.",
            {"spend_minor": command.spend_minor},
        )
    return after_lapses(points, now, own, before=before, unmatched_minor=rest_minor)


def _earlier_earns(
    command: TakeBack, submission: Submission, state: LedgerState, member: int, programme: int
) -> list[OriginalState]:
    earns = [
        earn
        for earn in state.earns.get((member, programme, submission.partner), ())
        if earn.occurred_at <= command.occurred_at and earn.rest_spend_minor > 0
    ]
    earns.sort(key=lambda earn: (earn.occurred_at, earn.sequence), reverse=True)
    return earns


def _reversal_drafts(
    submission: Submission,
    state: LedgerState,
    original: OriginalState,
    points: PointsState,
    extent: Extent,
    occurred_at: int | None = None,
    opened: int = 0,
) -> list[Draft] | Stop:
    """The reversal as the last draft, after what it gives back to caps in other lanes.

    ``opened`` is how many lots the earlier drafts of the same command open.
    """
    programme = state.registry.programme_numbered(original.programme)
    drawn = CapDraw()
    if original.kind == TransactionKind.EARN:
        effect = reverse_earn(state, original, programme, points, extent.points, opened)
        if original.cap_uses:
            given = give_back(state, submission, original, points.lane, effect.postings)
            if not isinstance(given, CapDraw):
                return given
            drawn = given
    else:
        effect = reverse_redemption(state, original, programme, points, extent.points)
    return [*drawn.drafts, _draft(submission, state, original, points, extent, effect, drawn, occurred_at)]


def _draft(
    submission: Submission,
    state: LedgerState,
    original: OriginalState,
    points: PointsState,
    extent: Extent,
    effect: Effect,
    drawn: CapDraw,
    occurred_at: int | None,
) -> Draft:
    return Draft(
        kind=TransactionKind.REVERSE,
        lane=points.lane,
        programme=original.programme,
        partner=original.partner,
        member=points.member,
        points=extent.points,
        occurred_at=state.lanes[points.lane].now if occurred_at is None else occurred_at,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[*effect.postings, *drawn.postings],
        lots=effect.lots,
        spend_minor=extent.spend_minor if original.spend_minor is not None else None,
        programme_version=original.programme_version,
        reversal=Reversal(place(original), extent.points, extent.spend_minor, effect.expired_counted),
        particulars=Particulars(origins=effect.origins) if effect.origins else None,
        has_details=True,
    )
