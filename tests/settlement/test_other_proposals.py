"""Adjustments, the reserve, limits and accounts: money moves when a second person approves, and once."""

from typing import Any

import pytest

from tests.api.street import problem
from tests.settlement.finance_office import FinanceOffice

ACCOUNT = {"name": "城市积分清算有限公司", "account": "6222020200998877665", "clearing_code": "102100000012"}
GIFT = {"operation": "adjustment", "party": "CAFE", "direction": "give", "about": "CITY-20261122-1"}


def cny(amount: str) -> dict[str, str]:
    return {"currency": "CNY", "amount": amount}


def test_an_adjustment_is_posted_once_at_the_operators_cost_and_taken_back_the_other_way_round(
    own_office: FinanceOffice,
) -> None:
    proposed = own_office.propose(**GIFT, amount=cny("12.50"))
    assert own_office.balances() == {}
    for _ in range(2):
        assert own_office.agree(proposed)["outcome"] == "adjustment of CITY-20261122-1"
    assert own_office.balances() == {(5000, ""): 1250, (2100, "CAFE"): -1250}
    own_office.agree(own_office.propose(**GIFT | {"direction": "take"}, amount=cny("2.50")))
    assert own_office.balances() == {(5000, ""): 1000, (2100, "CAFE"): -1000}
    report = own_office.audit()
    assert report.is_clean, report.differences


def test_the_reserve_is_funded_and_released(own_office: FinanceOffice) -> None:
    own_office.agree(own_office.propose(operation="reserve", direction="fund", amount=cny("100000.00")))
    own_office.agree(own_office.propose(operation="reserve", direction="release", amount=cny("40000.00")))
    assert own_office.balances() == {(1010, ""): 60_000_00, (1000, ""): -60_000_00}
    assert own_office.audit().is_clean


def test_a_proposal_that_was_rejected_moves_nothing(shared_office: FinanceOffice) -> None:
    before = shared_office.balances()
    shared_office.decide(shared_office.propose(**GIFT, amount=cny("12.50")), "rejection").raise_for_status()
    assert shared_office.balances() == before


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({**GIFT, "amount": cny("0.00")}, "$.amount"),
    ({**GIFT, "amount": cny("-1.00")}, "$.amount.amount"),
    ({**GIFT, "amount": cny("0.001")}, "$.amount.amount"),
    ({**GIFT, "amount": cny("10000000000000.01")}, "$.amount"),
    ({**GIFT, "amount": cny("9999999999999999999")}, "$.amount.amount"),
    ({**GIFT, "amount": {"currency": "JPY", "amount": "100"}}, "$.amount.currency"),
    ({**GIFT, "amount": {"currency": "CNY", "amount": 12.5}}, "$.amount.amount"),
    ({**GIFT, "amount": cny("1.00"), "direction": "both"}, "$.direction"),
    ({"operation": "reserve", "direction": "fund", "amount": cny("0.00")}, "$.amount"),
    ({"operation": "limit", "role": "finance-clerk", "amount": cny("1.00")}, "$.role"),
    ({"operation": "limit", "role": "manager", "amount": {"currency": "USD", "amount": "1.00"}}, "$.amount.currency"),
    ({"operation": "account", "currency": "ZZZ", "beneficiary": ACCOUNT}, "$.currency"),
    ({"operation": "account", "currency": "CNY", "beneficiary": ACCOUNT | {"clearing_code": "ABCD"}}, "clearing_code"),
    ({"operation": "period", "through": "9999-12-31"}, "$.through"),
    ({"operation": "period", "through": "0001-01-01"}, "$.through"),
    ({"operation": "nothing"}, "$.operation"),
]


@pytest.mark.parametrize(("fields", "field"), HOSTILE, ids=lambda value: str(value)[:60])
def test_a_proposal_of_what_cannot_be_is_refused_by_the_name_of_its_field(
    shared_office: FinanceOffice, fields: dict[str, Any], field: str
) -> None:
    refused = problem(shared_office.propose(**fields), 400, "malformed-request")
    assert refused["field"].endswith(field)


def test_a_period_with_an_open_day_is_not_closed(shared_office: FinanceOffice) -> None:
    problem(shared_office.propose(operation="period", through="2999-12-31"), 409, "day-not-over")


def test_an_adjustment_for_nobody_is_refused(shared_office: FinanceOffice) -> None:
    problem(shared_office.propose(**GIFT | {"party": "NOBODY"}, amount=cny("1.00")), 404, "partner-not-found")


def test_our_account_is_shown_whole_only_to_finance(shared_office: FinanceOffice) -> None:
    proposed = shared_office.propose(operation="account", currency="CNY", beneficiary=ACCOUNT)
    assert proposed.json()["request"]["account"] == "****7665"
    for by, account in (("manager", ACCOUNT["account"]), ("operator", "****7665")):
        listed = shared_office.send("GET", "/v1/settlement-proposals?limit=200", by=by).json()["items"]
        [found] = [one for one in listed if one["id"] == proposed.json()["id"]]
        assert found["request"]["account"] == account
