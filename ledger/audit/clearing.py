"""What settlement's own transactions must look like; their money is checked by ``ledger.audit.money``."""

from ledger.audit.books import ISSUANCE, REDEEMED
from ledger.audit.case import Case
from ledger.rules.journal import Particulars
from ledger.rules.money_postings import CLEARING_LANE

_SETTLED = frozenset({(REDEEMED, ISSUANCE), (ISSUANCE, REDEEMED)})


def check_settlement(case: Case) -> None:
    """An approved batch: points go from acceptors to who funded them, or back where returns were more."""
    _check_posted(case)
    transaction = case.transaction
    if not transaction.postings:
        case.differ("postings", 0, "at least one: without points it is of another kind")
    for posting in transaction.postings:
        if (posting.debit_kind, posting.credit_kind) not in _SETTLED or posting.lot is not None:
            case.differ("posting of a settlement", posting, "from an acceptor's redeemed to an issuance, or back")


def check_money_only(case: Case) -> None:
    """A payment, a receipt, or another movement of money alone."""
    _check_posted(case)
    case.compare("postings", case.transaction.postings, ())


def _check_posted(case: Case) -> None:
    transaction, found = case.transaction, case.particulars
    case.check_frame()
    case.compare("lane", transaction.lane, CLEARING_LANE)
    case.compare("points", transaction.points, sum(posting.amount for posting in transaction.postings))
    case.compare("lots opened", len(transaction.lots), 0)
    case.compare("particulars", found, Particulars(about=found.about, money=found.money))
    if not found.about:
        case.differ("what it is about", found.about, "a batch, a payment, or another matter of settlement")
