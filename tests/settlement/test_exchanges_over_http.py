"""Exchanges between programmes over HTTP: two persons agree on a rate, a member exchanges, the day is settled."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.street import problem
from tests.databases import LedgerDatabase
from tests.service import Service
from tests.settlement.finance_office import TODAY, FinanceOffice

RATE: dict[str, Any] = {"operation": "exchange-rate", "target_programme": "MILES", "issuer": "SKY", "starts_on": TODAY}
STEP = {"give": 5, "get": 4, "price": "0.0115"}


@pytest.fixture
def office(database: LedgerDatabase) -> Iterator[FinanceOffice]:
    """An office with a second programme, in which SKY issues, and the contracts of both."""
    with Service.start(database, sandbox=True) as service:
        opened = FinanceOffice(service)
        service.add_programme("MILES")
        opened.keys["SKY"] = service.add_partner("SKY", ["MILES"])
        opened.agree(opened.terms("BANK", starts_on=TODAY, reserve="0.0100"))
        opened.agree(opened.terms("SKY", starts_on=TODAY, reserve=None, fee="0", reimbursement="0.0100"))
        opened.agree(
            opened.terms(
                "SKY", starts_on=TODAY, programme="MILES", reserve="0.0105", reimbursement=None, commission="0"
            )
        )
        yield opened


def agree_on_rate(office: FinanceOffice, **changes: Any) -> None:
    office.agree(office.propose(**{**RATE, **STEP, **changes}))


def earn(office: FinanceOffice, points: int) -> None:
    body = {"programme": "CITY", "member": office.member, "points": points, "scene": "food"}
    office.send("POST", "/v1/earnings", body, by="BANK").raise_for_status()


def exchange(office: FinanceOffice, points: int, *, by: str = "member", **changes: Any) -> Any:
    body = {"programme": "CITY", "target_programme": "MILES", "points": points, **changes}
    return office.send("POST", "/v1/exchanges", body, by=by)


def available(office: FinanceOffice, programme: str) -> int:
    answer = office.send("GET", f"/v1/members/{office.member}/balances?programme={programme}", by="member")
    return int(answer.raise_for_status().json()["available"])


def test_points_become_those_of_another_programme_and_settle_with_a_margin(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 1_500)
    answered = exchange(office, 1_000)
    assert answered.status_code == 201, answered.text
    posted = answered.json()
    assert (posted["kind"], posted["points"], posted["balance"]["available"]) == ("exchange", 1_000, 500)
    assert posted["exchanged"] == {
        "burnt": {"programme": "CITY", "points": 1_000},
        "earned": {"programme": "MILES", "points": 800},
    }
    assert posted["explanation"] == "1000 points of CITY were exchanged for 800 points of MILES."
    assert (available(office, "CITY"), available(office, "MILES")) == (500, 800)

    batch = office.settle_day(TODAY)
    parties = {party["party"]: party for party in batch["parties"]}
    [line] = parties["SKY"]["lines"]
    assert (line["kind"], line["points"], line["amount"]["amount"]) == ("exchange_price", 1_000, "9.20")
    assert batch["operator"]["exchange_margin"]["amount"] == "0.80"
    assert (batch["points"]["exchanged"], batch["points"]["closing"]) == (1_000, 500)
    of_miles = office.settle_day(TODAY, "MILES")
    [issued] = [line for party in of_miles["parties"] for line in party["lines"]]
    assert (issued["kind"], issued["points"], issued["amount"]["amount"]) == ("issue_charge", 800, "-10.40")
    for each in (batch, of_miles):
        office.step(each["id"], "submit").raise_for_status()
        office.step(each["id"], "approve", by="finance-approver").raise_for_status()
    balances = office.balances()
    assert balances[2100, "SKY"] + balances[1100, "SKY"] == -920 + 1_040
    assert balances[4030, ""] == -80
    report = office.audit()
    assert report.is_clean, report.differences


def test_the_statement_of_who_issued_elsewhere_names_the_line_and_its_transactions(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 1_500)
    exchange(office, 1_000).raise_for_status()
    batch = office.settle_day(TODAY)
    office.step(batch["id"], "submit").raise_for_status()
    office.step(batch["id"], "approve", by="finance-approver").raise_for_status()
    path = f"/v1/settlement-batches/{batch['id']}/statements/SKY"
    statement = office.send("GET", f"{path}?language=en", by="SKY").raise_for_status().json()
    [table] = [table for table in statement["tables"] if table["key"] == "lines"]
    [row] = table["rows"]
    assert row["line"] == "Points exchanged, paid per point issued"
    assert (row["price"], row["amount"]["amount"]) == ("0.0115", "9.20")
    lines = office.send("GET", f"{path}/lines/1/transactions", by="SKY").raise_for_status().json()
    [table] = lines["tables"]
    assert [row["points"] for row in table["rows"]] == [1_000]


def test_an_exchange_is_taken_once_however_often_it_is_sent(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 100)
    body = {"programme": "CITY", "target_programme": "MILES", "points": 50}
    answers = [
        office.service.request(
            "POST", "/v1/exchanges", key=office.keys["member"], json=body, headers={"Idempotency-Key": "once"}
        )
        for _ in range(3)
    ]
    assert [answer.content for answer in answers] == [answers[0].content] * 3
    assert [answer.headers.get("idempotency-replayed") for answer in answers] == [None, "true", "true"]
    assert available(office, "MILES") == 40
    problem(
        office.service.request(
            "POST",
            "/v1/exchanges",
            key=office.keys["member"],
            json=body | {"points": 5},
            headers={"Idempotency-Key": "once"},
        ),
        422,
        "idempotency-key-reused",
    )


def test_a_quote_tells_what_an_exchange_would_come_to_and_records_nothing(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 100)
    body = {"operation": "exchange", "programme": "CITY", "target_programme": "MILES", "points": 50}
    quote = office.send("POST", "/v1/quotes", body, by="member").raise_for_status().json()
    assert quote["transaction"]["exchanged"]["earned"] == {"programme": "MILES", "points": 40}
    assert (available(office, "CITY"), available(office, "MILES")) == (100, 0)
    refused = office.send("POST", "/v1/quotes", body | {"points": 51}, by="member").raise_for_status().json()
    assert (refused["posts"], refused["refusal"]["code"]) == (False, "exchange-not-whole")


def test_each_side_is_a_line_of_its_programmes_statement(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 100)
    exchange(office, 50).raise_for_status()
    for programme, points in (("CITY", -50), ("MILES", 40)):
        path = f"/v1/members/{office.member}/statement?programme={programme}"
        line = office.send("GET", path, by="member").raise_for_status().json()["lines"][0]
        assert (line["kind"], line["points"]) == ("exchange", points)
        assert line["explanation"] == "50 points of CITY were exchanged for 40 points of MILES."


def test_only_with_the_members_leave_are_its_points_exchanged(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 100)
    problem(exchange(office, 50, by="BANK"), 403, "forbidden")
    problem(exchange(office, 50, by="operator"), 403, "forbidden")
    other = office.service.add_member(office.keys["BANK"], "m-2")
    problem(exchange(office, 50, member=other), 404, "member-not-found")
    body = {"programme": "CITY", "target_programme": "MILES", "points": 50, "member": "ref:m-1"}
    by_bank = office.send("POST", "/v1/exchanges", body, by="BANK", Member_Token=office.keys["member"])
    assert by_bank.raise_for_status().json()["partner"] == "BANK"
    assert available(office, "CITY") == 50


def test_the_issuer_hears_of_what_was_issued_in_its_name(office: FinanceOffice) -> None:
    agree_on_rate(office)
    earn(office, 100)
    exchange(office, 50).raise_for_status()
    events = office.send("GET", "/v1/events", by="SKY").raise_for_status().json()["events"]
    [event] = [event for event in events if event["type"] == "citypoints.transaction.exchange.v1"]
    assert (event["data"]["programme"], event["data"]["points"]) == ("MILES", 40)
    assert "balance" not in event["data"]


def test_rates_are_for_all_to_see_and_their_price_for_finance_and_the_issuer(office: FinanceOffice) -> None:
    agree_on_rate(office)
    agree_on_rate(office, starts_on="2026-12-01", get=0, price="0")
    for by, price in (("member", None), ("BANK", None), ("support", None), ("SKY", "0.0115"), ("auditor", "0.0115")):
        rates = office.send("GET", "/v1/programmes/CITY/exchange-rates", by=by).raise_for_status().json()["items"]
        assert [(rate["give"], rate["get"], rate["starts_on"]) for rate in rates] == [
            (5, 4, TODAY),
            (5, 0, "2026-12-01"),
        ]
        assert rates[0].get("price") == price
        assert (rates[0]["target_programme"], rates[0]["issuer"]) == ("MILES", "SKY")
    problem(office.send("GET", "/v1/programmes/NONE/exchange-rates"), 404, "programme-not-found")


def test_what_is_not_offered_or_no_whole_step_is_refused_by_name(office: FinanceOffice) -> None:
    earn(office, 100)
    problem(exchange(office, 50), 409, "exchange-not-offered")
    agree_on_rate(office)
    problem(exchange(office, 51), 409, "exchange-not-whole")
    problem(exchange(office, 105), 409, "insufficient-points")
    problem(exchange(office, 50, target_programme="CITY"), 409, "exchange-not-offered")
    problem(exchange(office, 50, target_programme="NONE"), 404, "programme-not-found")
    problem(exchange(office, 0), 400, "malformed-request")
    office.service.permit("MILES", "SKY", may_issue=False, may_accept=False)
    problem(exchange(office, 50), 409, "exchange-not-offered")


def test_a_rate_is_agreed_on_by_two_persons_and_never_for_the_past(office: FinanceOffice) -> None:
    proposed = office.propose(**{**RATE, **STEP})
    problem(office.decide(proposed, by="finance-clerk"), 403, "forbidden")
    office.agree(proposed)
    office.agree(proposed)
    problem(office.propose(**{**RATE, **STEP}), 409, "terms-in-the-past")
    problem(office.propose(**{**RATE, **STEP, "starts_on": "2026-11-22"}), 409, "terms-in-the-past")
    later = {**RATE, **STEP, "starts_on": "2026-12-01"}
    first, second = office.propose(**later), office.propose(**later)
    office.agree(first)
    problem(office.decide(second), 409, "terms-in-the-past")


HOSTILE: list[tuple[dict[str, Any], int, str, str]] = [
    ({"target_programme": "CITY"}, 400, "malformed-request", "$.target_programme"),
    ({"target_programme": "NONE"}, 404, "programme-not-found", ""),
    ({"issuer": "NOBODY"}, 404, "partner-not-found", ""),
    ({"issuer": "BANK"}, 400, "malformed-request", "$.issuer"),
    ({"give": 0}, 400, "malformed-request", "$.give"),
    ({"give": 1_000_001}, 400, "malformed-request", "$.give"),
    ({"get": -1}, 400, "malformed-request", "$.get"),
    ({"get": 0}, 400, "malformed-request", "$.price"),
    ({"price": "0.0000001"}, 400, "malformed-request", "$.price"),
    ({"price": "-1"}, 400, "malformed-request", "$.price"),
    ({"starts_on": "9999-12-31"}, 400, "malformed-request", "$.starts_on"),
]


@pytest.mark.parametrize(("fields", "status", "code", "field"), HOSTILE, ids=lambda value: str(value)[:40])
def test_a_rate_that_cannot_be_is_refused_by_the_name_of_its_field(
    shared_office: FinanceOffice, fields: dict[str, Any], status: int, code: str, field: str
) -> None:
    office = shared_office
    if "SKY" not in office.keys:
        office.service.add_programme("MILES")
        office.keys["SKY"] = office.service.add_partner("SKY", ["MILES"])
    refused = problem(office.propose(**{**RATE, **STEP, **fields}), status, code)
    assert refused.get("field", "").endswith(field)


def test_a_rate_whose_issuer_could_not_be_paid_is_refused_before_anybody_exchanges(
    shared_office: FinanceOffice,
) -> None:
    office = shared_office
    if "POOR" not in office.keys:
        office.service.add_programme("COINS")
        office.keys["POOR"] = office.service.add_partner("POOR", ["COINS"])
    offered = {**RATE, **STEP, "target_programme": "COINS", "issuer": "POOR"}
    refused = problem(office.propose(**offered), 409, "contract-missing")
    assert (refused["partner"], refused["programme"]) == ("POOR", "CITY")
