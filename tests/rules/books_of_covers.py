"""What covers must have used, counted from the journal alone and without looking at a posting on a cover."""

from collections import Counter
from fractions import Fraction
from math import ceil, floor

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Transaction, TransactionKind
from ledger.rules.programmes import Registry
from tests.rules.books import Books

A = AccountKind


def check_covers(registry: Registry, books: Books) -> None:
    """A cover has used what is left of earns cost, each rounded up, less what recoveries cost, each rounded down."""
    for cover in registry.covers.values():
        expected = _used(registry, books, cover.partner or 0)
        assert books.balances[A.USED, cover.number, cover.programme] == expected


def _used(registry: Registry, books: Books, partner: int) -> int:
    taken: Counter[tuple[int | None, int | None]] = Counter()
    for transaction in books.transactions.values():
        taken[transaction.reverses_lane, transaction.reverses_sequence] += _taken_out(transaction)
    used = 0
    for (lane, sequence), transaction in books.transactions.items():
        if transaction.kind == TransactionKind.EARN:
            left = transaction.points - taken[lane, sequence]
            used += ceil(left * _cost(registry, partner, transaction.lots[0].funding))
        if transaction.kind == TransactionKind.EXCHANGE and transaction.lots and transaction.programme == 1:
            used += ceil(transaction.points * _cost(registry, partner, transaction.lots[0].funding))
        for posting in transaction.postings:
            if transaction.programme == 1 and (posting.debit_kind, posting.credit_kind) == (A.AVAILABLE, A.SHORTFALL):
                funding = books.lots[lane, posting.counter_lot or 0].opening.funding
                used -= floor(posting.amount * _cost(registry, partner, funding))
    return used


def _taken_out(transaction: Transaction) -> int:
    if transaction.kind != TransactionKind.REVERSE:
        return 0
    out_of_lots = (A.AVAILABLE, A.ISSUANCE)
    return sum(p.amount for p in transaction.postings if (p.debit_kind, p.credit_kind) == out_of_lots)


def _cost(registry: Registry, partner: int, funding: int) -> Fraction:
    """What a point costs a partner, in 1/10,000 of the currency: its share at the price of whoever leads."""
    shares = dict(registry.fundings[funding])
    campaign = registry.campaign_funded(funding)
    lead = next(iter(shares)) if campaign is None else campaign.lead
    if partner not in shares:
        return Fraction(0)
    [price] = registry.cover_prices[1, lead]
    return Fraction(price.price_micros * shares[partner], 100 * sum(shares.values()))
