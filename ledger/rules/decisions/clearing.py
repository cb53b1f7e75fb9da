"""What settlement posts: points between parties, and the commitment to money between them."""

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import Clear, Submission
from ledger.rules.journal import Particulars, Posting, TransactionKind
from ledger.rules.money_postings import CLEARING_LANE, money_commitment
from ledger.rules.outcomes import Decided, Decision, Draft, NeedsLanes, Refused
from ledger.rules.state import LedgerState

SETTLED_KINDS = frozenset({AccountKind.REDEEMED, AccountKind.ISSUANCE})


def decide_clear(command: Clear, submission: Submission, state: LedgerState) -> Decision:
    """Move settled points from acceptors back to who funded them, and keep what money moves with them.

    Raises ValueError for postings that no settlement makes: they come from the ledger's own code.
    """
    programme = state.registry.programmes.get(command.programme)
    if programme is None:
        return Refused("programme-not-found", "No programme has this code.", {"programme": command.programme})
    if CLEARING_LANE not in state.lanes:
        return NeedsLanes(frozenset({CLEARING_LANE}))
    _refuse_foreign_postings(command)
    draft = Draft(
        kind=TransactionKind.SETTLE if command.points else TransactionKind.MONEY,
        lane=CLEARING_LANE,
        programme=programme.number,
        partner=submission.partner,
        member=0,
        points=sum(posting.amount for posting in command.points),
        occurred_at=state.lanes[CLEARING_LANE].now,
        key_digest=submission.key_digest,
        request_digest=submission.request_digest,
        postings=list(command.points),
        particulars=Particulars(about=command.about, money=money_commitment(command.money) if command.money else None),
        money=command.money,
    )
    return Decided([draft])


def _refuse_foreign_postings(command: Clear) -> None:
    for posting in command.points:
        if {posting.debit_kind, posting.credit_kind} != SETTLED_KINDS or posting.amount <= 0 or posting.lot is not None:
            raise ValueError(f"no settlement posts {posting}")
    for money in command.money:
        if money.amount_minor <= 0 or (money.debit, money.debit_party) == (money.credit, money.credit_party):
            raise ValueError(f"no settlement posts {money}")


def settled(acceptor: int, funding: int, amount_points: int) -> Posting:
    """The posting that settles an acceptor's points with their funding; returns above redemptions go the other way."""
    if amount_points < 0:
        return Posting(AccountKind.ISSUANCE, funding, AccountKind.REDEEMED, acceptor, -amount_points)
    return Posting(AccountKind.REDEEMED, acceptor, AccountKind.ISSUANCE, funding, amount_points)
