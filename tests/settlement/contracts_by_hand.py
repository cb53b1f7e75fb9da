"""Contracts and flows of the cases that are worked by hand, and what a batch moved, as a table."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from ledger.rules.programmes import ExchangeRate
from settlement.figures import BatchFigures, Opening, settle
from settlement.flows import Flow, FlowKind
from settlement.lines import Funding
from settlement.terms import ContractTerms, TermsBook

BANK, SHOP, CINEMA, OWN, HOTEL, AGENCY = 1, 2, 3, 4, 5, 6
OF_BANK, OF_SHOP, OF_OWN, OF_HOTEL, OF_AGENCY, SHARED, SHARED_WITH_OWN = 11, 12, 14, 15, 16, 21, 22
FUNDINGS = {
    OF_BANK: Funding(lead=BANK, shares=((BANK, 1),)),
    OF_SHOP: Funding(lead=SHOP, shares=((SHOP, 1),)),
    OF_OWN: Funding(lead=OWN, shares=((OWN, 1),)),
    OF_HOTEL: Funding(lead=HOTEL, shares=((HOTEL, 1),)),
    OF_AGENCY: Funding(lead=AGENCY, shares=((AGENCY, 1),)),
    # A campaign: the bank pays three parts, the shop one, at the bank's prices.
    SHARED: Funding(lead=BANK, shares=((BANK, 3), (SHOP, 1))),
    SHARED_WITH_OWN: Funding(lead=OWN, shares=((BANK, 1), (OWN, 1))),
}


def contract(partner: int, version: int = 1, **terms: Any) -> ContractTerms:
    """A version of a contract; it starts on the 24th of November 2026, the second on the day after."""
    known: dict[str, Any] = {"programme": 1, "currency": "CNY", "starts_on": date(2026, 11, 23 + version)}
    return ContractTerms(partner=partner, version=version, **(known | terms))


def flow(kind: FlowKind, funding: int, points: int, version: int = 1, **more: int) -> Flow:
    """A flow of one transaction."""
    return Flow(kind=kind, funding=funding, version=version, points=points, transactions=1, **more)


def redeemed(acceptor: int, funding: int, points: int, **more: int) -> Flow:
    return flow(FlowKind.REDEEM, funding, points, acceptor=acceptor, **({"acceptor_version": 1} | more))


def returned(acceptor: int, funding: int, points: int, **more: int) -> Flow:
    return flow(FlowKind.RETURN, funding, points, acceptor=acceptor, **({"acceptor_version": 1} | more))


def exchanged(rate: ExchangeRate, funding: int, points: int) -> Flow:
    return flow(FlowKind.EXCHANGE, funding, points, acceptor=rate.issuer, acceptor_version=rate.number)


def batch(
    contracts: list[ContractTerms],
    flows: list[Flow],
    after: BatchFigures | None = None,
    quotes: dict[str, int] | None = None,
    rates: Sequence[ExchangeRate] = (),
) -> BatchFigures:
    """Settle flows after another batch, or as the first."""
    opening = Opening()
    if after is not None:
        opening = Opening(
            positions=after.positions,
            obligation_minor=after.obligation_closing_minor,
            deferred_fee_minor=after.deferred_fee_closing_minor,
        )
    currencies = {terms.partner: terms.currency for terms in contracts}
    numbered = {rate.number: rate for rate in rates}
    return settle(flows, TermsBook(contracts), FUNDINGS, opening, "CNY", quotes, currencies, numbered)


def lines(figures: BatchFigures) -> dict[tuple[int, str], int]:
    """Amounts by party and kind, without those of zero; versions together."""
    amounts: Counter[tuple[int, str]] = Counter()
    for line in figures.lines:
        amounts[line.party, line.kind] += line.amount_minor
    return {place: amount for place, amount in amounts.items() if amount}


def ledger(figures: BatchFigures, currency: str = "CNY") -> dict[tuple[int, int] | int, int]:
    """What each account moved by, debits positive: by account and party, or by account where it is the operator's."""
    accounts: Counter[tuple[int, int] | int] = Counter()
    for posting in figures.money:
        if posting.currency == currency:
            accounts[_place(posting.debit, posting.debit_party)] += posting.amount_minor
            accounts[_place(posting.credit, posting.credit_party)] -= posting.amount_minor
    return {place: amount for place, amount in accounts.items() if amount}


def _place(account: int, party: int) -> tuple[int, int] | int:
    return (account, party) if party else account
