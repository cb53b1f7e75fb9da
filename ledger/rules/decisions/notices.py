"""Notices of points about to expire: each once for a member, day and lead, provable later."""

import hashlib
from datetime import date

from ledger.rules.admission import known_member, no_programme
from ledger.rules.commands import Notice, Submission
from ledger.rules.journal import Particulars, TransactionKind
from ledger.rules.outcomes import Decided, Decision, Draft, NeedsLots
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.rules.state import LedgerState, MemberState

LEAD_DAYS = (7, 30, 60)
"""How many days before the last day a member is told, soonest first."""


def notice_key(public_id: str, programme: int, expires_on: date, days_before: int) -> bytes:
    """The key of a notice; by the public id, so a move to another lane repeats none."""
    return hashlib.sha256(f"notice:{public_id}:{programme}:{expires_on}:{days_before}".encode()).digest()


def decide_notice(command: Notice, submission: Submission, state: LedgerState) -> Decision:
    """Record a notice, where the member still has free points with that last day."""
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return no_programme(command.programme)
    member = known_member(submission.member, submission, state)
    if not isinstance(member, MemberState):
        return member
    points = member.points_in(programme.number)
    if not points.lots_complete:
        return NeedsLots()
    amount = sum(lot.remaining for lot in points.lots if lot.expires_on == command.expires_on)
    key = notice_key(member.public_id, programme.number, command.expires_on, command.days_before)
    # Of another key where a merge has come between: the next run tells the present member, once.
    if amount == 0 or member.status == "closed" or submission.key_digest != key:
        return Decided([], own=0)
    draft = Draft(
        kind=TransactionKind.NOTICE,
        lane=member.lane,
        programme=programme.number,
        partner=LEDGER_ITSELF,
        member=member.number,
        points=amount,
        occurred_at=state.lanes[member.lane].now,
        key_digest=key,
        request_digest=submission.request_digest,
        postings=[],
        particulars=Particulars(expires_on=command.expires_on, days_before=command.days_before),
    )
    return Decided([draft])
