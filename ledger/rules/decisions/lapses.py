"""Lapses: what time has ended is posted before anything else touches the member.

Lapsed lots are left to each decision, whose figures leave them out already. A hold past its time gives
points back, repays what is owed and may let lots lapse: so it is posted on a copy of the member first, and
the decision sees the member as it is afterwards.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from ledger.ids import Place
from ledger.rules.admission import known_member, no_programme, programmes_of
from ledger.rules.commands import Expire, Submission
from ledger.rules.decisions.holds import hold_expiry_draft
from ledger.rules.expiry import lapse_drafts
from ledger.rules.outcomes import Decided, Decision, Draft
from ledger.rules.recording import append
from ledger.rules.state import HoldState, LedgerState, MemberState, PointsState


def decide_expire(command: Expire, submission: Submission, state: LedgerState) -> Decision:
    """Post what has lapsed of a member's points in a programme."""
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return no_programme(command.programme)
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    points = member.points_in(programme.number)
    return Decided(lapse_drafts(points, state.lanes[member.lane].now), own=0)


def release_due_holds(submission: Submission, state: LedgerState) -> tuple[LedgerState, list[Draft]]:
    """The state as it is once all holds past their time are released, and the drafts that release them.

    Only in the programmes that the command touches: of others nothing may have been read.
    """
    drafts: list[Draft] = []
    programmes = programmes_of(submission, state.registry)
    for member in _members(submission, state):
        for points in [member.points[number] for number in programmes if number in member.points]:
            now = state.lanes[points.lane].now
            due = [hold for hold in points.holds if hold.remaining and hold.expires_at <= now]
            if not due:
                continue
            state = _apart(state, points)
            due.sort(key=lambda hold: (hold.expires_at, hold.sequence))
            for hold in due:
                copied = state.members[hold.member].points_in(hold.programme)
                draft = hold_expiry_draft(state, copied, state.holds[hold.place])
                append(state, draft, submission)
                drafts.append(draft)
    return state, drafts


def _members(submission: Submission, state: LedgerState) -> Iterable[MemberState]:
    numbers = {submission.member, submission.receiver, *(number for _, number in submission.more_members)}
    for number in sorted(number for number in numbers if number is not None):
        member = state.members.get(number)
        if member is not None:
            yield member


def _apart(state: LedgerState, points: PointsState) -> LedgerState:
    """A state whose lane, and whose points of one member in one programme, may be changed without the other."""
    member = state.members[points.member]
    lots = {(lot.lane, lot.lot): replace(lot) for lot in points.lots}
    for hold in points.holds:
        for lot in hold.lots:
            lots.setdefault((hold.lane, lot), replace(state.lots[hold.lane, lot]))
    holds: dict[Place, HoldState] = {hold.place: replace(hold, lots=dict(hold.lots)) for hold in points.holds}
    copied = replace(
        points,
        lots=[lots[lot.lane, lot.lot] for lot in points.lots],
        shortfalls=[replace(shortfall) for shortfall in points.shortfalls],
        holds=list(holds.values()),
    )
    lane = state.lanes[points.lane]
    return replace(
        state,
        lanes={**state.lanes, lane.lane: replace(lane)},
        members={**state.members, member.number: replace(member, points={**member.points, points.programme: copied})},
        lots={**state.lots, **lots},
        children={
            root: [lots.get((child.lane, child.lot), child) for child in children]
            for root, children in state.children.items()
        },
        holds={**state.holds, **holds},
        party_changes=dict(state.party_changes),
        changed_lots=dict(state.changed_lots),
        changed_holds=dict(state.changed_holds),
        changed_shortfalls=dict(state.changed_shortfalls),
        entries=[],
        details=[],
        origins=[],
    )
