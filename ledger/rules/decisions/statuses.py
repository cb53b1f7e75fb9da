"""Freezing, unfreezing and closing a member: transactions without postings, of no programme.

Closing asks that nothing is left: holds are ended and debts settled first, and points only go when their
member has said so.
"""

from ledger.rules.admission import known_member, refuse_status
from ledger.rules.commands import Close, Freeze, Submission, Unfreeze
from ledger.rules.expiry import given_up_drafts
from ledger.rules.journal import TransactionKind
from ledger.rules.outcomes import Decided, Decision, Draft, NeedsLots, Refused
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.rules.state import LedgerState, MemberState


def decide_freeze(command: Freeze, submission: Submission, state: LedgerState) -> Decision:  # noqa: ARG001 - as all
    """Stop a member's points."""
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    if member.status != "active":
        return refuse_status(member.status)
    return Decided([_status_draft(TransactionKind.FREEZE, submission, state, member)])


def decide_unfreeze(command: Unfreeze, submission: Submission, state: LedgerState) -> Decision:  # noqa: ARG001 - as all
    """Let a frozen member's points be used again."""
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    if member.status == "closed":
        return refuse_status(member.status)
    if member.status != "frozen":
        return Refused("member-not-frozen", "The member's account is not frozen.")
    return Decided([_status_draft(TransactionKind.UNFREEZE, submission, state, member)])


def decide_close(command: Close, submission: Submission, state: LedgerState) -> Decision:
    """End a membership with nothing left in it."""
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    if member.status == "closed":
        return refuse_status(member.status)
    points = member.all_points()
    left: dict[str, object] = {
        "available": sum(p.available for p in points),
        "pending": sum(p.pending for p in points),
        "held": sum(p.held for p in points),
        "shortfall": sum(p.shortfall for p in points),
    }
    is_blocked = left["held"] or left["shortfall"]
    if is_blocked or (not command.gives_up_points and (left["available"] or left["pending"])):
        return Refused(
            "member-not-empty",
            "Before an account is closed its holds end, its debts are settled, and its points are used or given up.",
            left,
        )
    if not all(p.lots_complete for p in points):
        return NeedsLots()
    now = state.lanes[member.lane].now
    given_up = [draft for p in points for draft in given_up_drafts(p, now)]
    return Decided([*given_up, _status_draft(TransactionKind.CLOSE, submission, state, member)])


def _status_draft(kind: TransactionKind, submission: Submission, state: LedgerState, member: MemberState) -> Draft:
    return Draft(
        kind=kind,
        lane=member.lane,
        programme=0,
        partner=LEDGER_ITSELF,
        member=member.number,
        points=0,
        occurred_at=state.lanes[member.lane].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=[],
        has_details=True,
    )
