"""Netting: who owes whom what at the end of a batch, by contract, and the postings that make it one sum.

The contract says whether what a party owes as issuer and is owed as acceptor become one sum, and whether a debit
rest of returns is collected or carried to the next batch.
"""

import msgspec

from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from settlement.terms import ContractTerms

_A = MoneyAccount


class PartyBalances(msgspec.Struct, kw_only=True):
    """What stands between a party and the operator in one currency, in minor units.

    ``receivable`` is what it owes (1100); ``payable`` what it is owed as acceptor (2100), below zero after returns;
    ``refundable`` (2110) and ``prefunding`` (2120) are the party's own money.
    """

    receivable: int = 0
    payable: int = 0
    refundable: int = 0
    prefunding: int = 0

    def add(self, account: int, debit_minor: int) -> None:
        """Move the balance of one of its accounts by debits less credits."""
        if account == _A.ISSUER_RECEIVABLE:
            self.receivable += debit_minor
        elif account == _A.ACCEPTOR_PAYABLE:
            self.payable -= debit_minor
        elif account == _A.REFUNDABLE:
            self.refundable -= debit_minor
        elif account == _A.PREFUNDING:
            self.prefunding -= debit_minor


class Netting(msgspec.Struct, frozen=True):
    """What is left after netting: ``payable_minor`` is paid out, ``due_minor`` collected; of a netted party one.

    ``refundable_minor`` is the part of the payable that stands on 2110.
    """

    postings: tuple[MoneyPosting, ...]
    payable_minor: int
    refundable_minor: int
    due_minor: int


def net_party(party: int, currency: str, balances: PartyBalances, terms: ContractTerms) -> Netting:
    """Net one party's balances by its contract."""
    found = msgspec.structs.replace(balances)
    postings: list[MoneyPosting] = []

    def move(debit: MoneyAccount, credit: MoneyAccount, amount_minor: int) -> None:
        if amount_minor > 0:
            postings.append(MoneyPosting(currency, debit, party, credit, party, amount_minor))
            found.add(debit, amount_minor)
            found.add(credit, -amount_minor)

    # More refunds than charges: the party's own money, like what comes back of expired points.
    move(_A.ISSUER_RECEIVABLE, _A.REFUNDABLE, -found.receivable)
    move(_A.PREFUNDING, _A.ISSUER_RECEIVABLE, min(found.prefunding, found.receivable))
    if terms.nets:
        move(_A.ACCEPTOR_PAYABLE, _A.ISSUER_RECEIVABLE, min(found.payable, found.receivable))
        move(_A.REFUNDABLE, _A.ISSUER_RECEIVABLE, min(found.refundable, found.receivable))
        move(_A.REFUNDABLE, _A.ACCEPTOR_PAYABLE, min(found.refundable, -found.payable))
    rest = max(-found.payable, 0) if terms.debit_rest == "collect" else 0
    return Netting(tuple(postings), max(found.payable, 0) + found.refundable, found.refundable, found.receivable + rest)


def is_of_party(account: int, party: int) -> bool:
    """Whether an account is one that netting looks at."""
    return party != OPERATOR and account in (
        _A.ISSUER_RECEIVABLE,
        _A.ACCEPTOR_PAYABLE,
        _A.REFUNDABLE,
        _A.PREFUNDING,
    )
