"""Netting by contract: what is paid out, what is asked for, and which postings make it so; in fen."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.money_postings import MoneyPosting
from settlement.netting import Netting, PartyBalances, is_of_party, net_party
from tests.settlement.contracts_by_hand import SHOP, contract

RECEIVABLE, PAYABLE, REFUNDABLE, PREFUNDING = 1100, 2100, 2110, 2120


def net(balances: PartyBalances, **terms: Any) -> Netting:
    return net_party(SHOP, "CNY", balances, contract(SHOP, **terms))


def moves(netting: Netting) -> list[tuple[int, int, int]]:
    for posting in netting.postings:
        assert (posting.currency, posting.debit_party, posting.credit_party) == ("CNY", SHOP, SHOP)
    return [(posting.debit, posting.credit, posting.amount_minor) for posting in netting.postings]


def test_what_a_party_owes_and_is_owed_becomes_one_sum() -> None:
    # owes 300 as issuer, is owed 326 as acceptor: 26 are paid.
    netting = net(PartyBalances(receivable=300, payable=326))
    assert moves(netting) == [(PAYABLE, RECEIVABLE, 300)]
    assert (netting.payable_minor, netting.refundable_minor, netting.due_minor) == (26, 0, 0)


def test_what_lapsed_pays_charges_after_what_was_accepted() -> None:
    netting = net(PartyBalances(receivable=500, payable=100, refundable=450))
    assert moves(netting) == [(PAYABLE, RECEIVABLE, 100), (REFUNDABLE, RECEIVABLE, 400)]
    assert (netting.payable_minor, netting.refundable_minor, netting.due_minor) == (50, 50, 0)


def test_a_contract_without_netting_pays_and_asks_for_both_sums() -> None:
    netting = net(PartyBalances(receivable=300, payable=326, refundable=10), nets=False)
    assert moves(netting) == []
    assert (netting.payable_minor, netting.refundable_minor, netting.due_minor) == (336, 10, 300)


def test_a_debit_rest_of_returns_is_carried_or_collected_by_contract() -> None:
    # The returns of the day were 24.50 more than the redemptions.
    owing = PartyBalances(receivable=100, payable=-2_450)
    collected = net(owing, debit_rest="collect")
    carried = net(owing, debit_rest="carry")
    assert (collected.payable_minor, collected.due_minor) == (0, 2_550)
    assert (carried.payable_minor, carried.due_minor) == (0, 100)
    assert moves(carried) == moves(collected) == []
    # Carried to the next batch, it lowers what is paid there: 30.00 less 24.50.
    next_day = net(PartyBalances(payable=-2_450 + 3_000), debit_rest="carry")
    assert (next_day.payable_minor, next_day.due_minor) == (550, 0)


def test_what_lapsed_first_fills_a_debit_rest_where_the_contract_nets() -> None:
    balances = PartyBalances(payable=-2_450, refundable=3_000)
    netting = net(balances, debit_rest="carry")
    assert moves(netting) == [(REFUNDABLE, PAYABLE, 2_450)]
    assert (netting.payable_minor, netting.refundable_minor, netting.due_minor) == (550, 550, 0)
    apart = net(balances, debit_rest="carry", nets=False)
    assert (apart.payable_minor, apart.due_minor) == (3_000, 0)


@pytest.mark.parametrize("nets", [True, False])
def test_prefunding_pays_charges_first_and_only_as_far_as_it_goes(*, nets: bool) -> None:
    netting = net(PartyBalances(receivable=1_000, payable=200, prefunding=900), nets=nets)
    assert moves(netting)[0] == (PREFUNDING, RECEIVABLE, 900)
    assert (netting.payable_minor, netting.due_minor) == ((100, 0) if nets else (200, 100))
    # What it holds beyond the charges stays the party's prefunding: it is not paid out.
    rich = net(PartyBalances(receivable=1_000, prefunding=5_000), nets=nets)
    assert moves(rich) == [(PREFUNDING, RECEIVABLE, 1_000)]
    assert (rich.payable_minor, rich.due_minor) == (0, 0)


def test_more_refunds_than_charges_are_the_partys_own_money() -> None:
    netting = net(PartyBalances(receivable=-840), nets=False)
    assert moves(netting) == [(RECEIVABLE, REFUNDABLE, 840)]
    assert (netting.payable_minor, netting.refundable_minor, netting.due_minor) == (840, 840, 0)


def test_netting_again_moves_nothing() -> None:
    balances = PartyBalances(receivable=300, payable=326, refundable=7, prefunding=50)
    netting = net(balances)
    apply(balances, netting.postings)
    again = net(balances)
    assert again.postings == ()
    assert (again.payable_minor, again.due_minor) == (netting.payable_minor, netting.due_minor)


def apply(balances: PartyBalances, postings: tuple[MoneyPosting, ...]) -> None:
    for posting in postings:
        balances.add(posting.debit, posting.amount_minor)
        balances.add(posting.credit, -posting.amount_minor)


amounts = st.integers(-5_000, 5_000)
positive = st.integers(0, 5_000)


@given(
    balances=st.builds(PartyBalances, receivable=amounts, payable=amounts, refundable=positive, prefunding=positive),
    nets=st.booleans(),
    debit_rest=st.sampled_from(["collect", "carry"]),
)
def test_netting_neither_makes_nor_loses_money(balances: PartyBalances, debit_rest: str, *, nets: bool) -> None:
    def owed(found: PartyBalances) -> int:
        return found.payable + found.refundable + found.prefunding - found.receivable

    before = owed(balances)
    netting = net(balances, nets=nets, debit_rest=debit_rest)
    apply(balances, netting.postings)
    assert owed(balances) == before
    assert all(posting.amount_minor > 0 for posting in netting.postings)
    assert balances.receivable >= 0
    assert balances.refundable >= 0
    assert balances.prefunding >= 0
    carried = min(balances.payable, 0) if debit_rest == "carry" else 0
    assert netting.payable_minor - netting.due_minor + balances.prefunding + carried == before
    assert netting.payable_minor >= netting.refundable_minor >= 0
    if nets:
        # One sum: nobody is paid and asked at once.
        assert 0 in (netting.payable_minor, netting.due_minor)


def test_only_accounts_between_a_party_and_the_operator_are_netted() -> None:
    netted = {account for account in range(1_000, 9_200) if is_of_party(account, SHOP)}
    assert netted == {RECEIVABLE, PAYABLE, REFUNDABLE, PREFUNDING}
    assert not is_of_party(RECEIVABLE, 0)
