"""A batch over HTTP: who prepares it never approves it, limits hold, every step is told, twice is once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.api.street import problem
from tests.settlement.finance_office import PAID_AT, PROGRAMME, TODAY, FinanceOffice

BATCH = "CITY-20261123-1"
ACCOUNT = {"name": "城市积分清算有限公司", "account": "6222020200998877665", "clearing_code": "102100000012"}


@pytest.fixture
def office(own_office: FinanceOffice) -> FinanceOffice:
    """An office with contracts and a day on which BANK gave 10,000 points and CAFE took 3,000."""
    for partner in ("BANK", "CAFE"):
        terms = own_office.terms(partner, reserve="0.01", fee="0.002", reimbursement="0.01", starts_on="2026-01-01")
        own_office.agree(terms)
    own_office.agree(own_office.propose(operation="account", currency="CNY", beneficiary=ACCOUNT))
    point(own_office, "BANK", "/v1/earnings", own_office.member, 10_000)
    reference = own_office.service.post("/v1/members", {"reference": "m-2"}, key=own_office.keys["CAFE"]).json()
    point(own_office, "BANK", "/v1/earnings", f"card:{reference['card']}", 5_000)
    point(own_office, "CAFE", "/v1/redemptions", "ref:m-2", 3_000)
    return own_office


def point(office: FinanceOffice, partner: str, path: str, member: str, points: int, programme: str = PROGRAMME) -> None:
    body = {"programme": programme, "member": member, "points": points, "scene": "food"}
    office.service.post(path, body, key=office.keys[partner]).raise_for_status()


def limit(office: FinanceOffice, role: str, amount: str) -> None:
    money = {"currency": "CNY", "amount": amount}
    office.agree(office.propose(operation="limit", role=role, amount=money))


def states(batch: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(step["state"], step["person"], step["reason"]) for step in batch["steps"]]


def test_a_batch_goes_from_draft_to_instructed_and_tells_who_did_what(office: FinanceOffice) -> None:
    batch = office.settle_day(TODAY)
    # 15,000 points at 0.012; 3,000 taken at 0.01 less 2 %.
    assert {one["party"]: one["net"]["amount"] for one in batch["parties"]} == {"BANK": "-180.00", "CAFE": "29.40"}
    assert (batch["id"], batch["state"], batch["payments"]) == (BATCH, "draft", [])
    office.step(BATCH, "submit").raise_for_status()
    approved = office.step(BATCH, "approve", by="finance-approver", reason="checked").raise_for_status().json()
    assert office.balances() == {
        (1100, "BANK"): 180_00,
        (2000, ""): -120_00,
        (2100, "CAFE"): -29_40,
        (4000, ""): -30_00,
        (4010, ""): -60,
    }
    [payment] = approved["payments"]
    assert (payment["party"], payment["amount"]["amount"]) == ("CAFE", "29.40")
    [notice] = approved["notices"]
    assert (notice["party"], notice["amount"]["amount"], notice["due_on"]) == ("BANK", "180.00", "2026-11-30")
    instructed = office.step(BATCH, "instruct", reason="pay").raise_for_status().json()
    assert states(instructed) == [
        ("draft", "finance-clerk one", "run"),
        ("submitted", "finance-clerk one", "agrees"),
        ("approved", "finance-approver one", "checked"),
        ("instructed", "finance-clerk one", "pay"),
    ]
    report = office.audit()
    assert report.is_clean, report.differences
    paid = office.send("GET", f"/v1/settlement-batches/{BATCH}/payment-file").content
    assert PAID_AT["account"].encode() in paid
    assert PAID_AT["account"] not in office.service.log()


def test_nobody_approves_what_the_same_person_prepared_under_whatever_key(office: FinanceOffice) -> None:
    office.settle_day(TODAY)
    office.step(BATCH, "submit", by="manager").raise_for_status()
    problem(office.step(BATCH, "approve"), 403, "forbidden")
    for person in ("finance-clerk one", "manager one"):
        key = office.staff_key(person, "finance-approver", "manager")
        problem(office.step(BATCH, "approve", by=key), 409, "second-person-required")
    assert office.balances() == {}
    office.step(BATCH, "approve", by="finance-approver").raise_for_status()


def test_a_role_approves_up_to_its_limit_and_the_last_limit_holds(office: FinanceOffice) -> None:
    limit(office, "finance-approver", "29.40")
    limit(office, "finance-approver", "29.39")
    limit(office, "manager", "29.40")
    office.settle_day(TODAY)
    office.step(BATCH, "submit").raise_for_status()
    refused = problem(office.step(BATCH, "approve", by="finance-approver"), 403, "approval-limit-exceeded")
    assert (refused["pays_out_minor"], refused["limit_minor"]) == (29_40, 29_39)
    assert office.balances() == {}
    office.step(BATCH, "approve", by="manager").raise_for_status()


def test_run_twice_at_once_is_one_batch_and_approved_twice_at_once_is_posted_once(office: FinanceOffice) -> None:
    office.settle_day(TODAY)
    office.step(BATCH, "cancel", reason="once more").raise_for_status()
    with ThreadPoolExecutor(4) as executor:

        def at_once(send: Any) -> list[httpx.Response]:
            return list(executor.map(lambda _: send(), range(4)))

        ran = at_once(lambda: office.send("POST", "/v1/settlement-batches", {"programme": PROGRAMME}))
        assert {answer.status_code for answer in ran} == {201}
        assert len({answer.content for answer in ran}) == 1
        again = ran[0].json()["id"]
        assert again == "CITY-20261123-2"
        office.step(again, "submit").raise_for_status()
        approved = at_once(lambda: office.step(again, "approve", by="finance-approver"))
        assert {answer.status_code for answer in approved} == {201}
        assert len({answer.content for answer in approved}) == 1
    assert office.balances()[2100, "CAFE"] == -29_40
    listed = office.send("GET", f"/v1/settlement-batches?programme={PROGRAMME}").json()["items"]
    assert listed == [{"id": again, "state": "approved"}, {"id": BATCH, "state": "cancelled"}]


def test_a_step_that_does_not_follow_is_refused_and_one_that_is_done_stays_done(office: FinanceOffice) -> None:
    office.settle_day(TODAY)
    problem(office.step(BATCH, "approve", by="finance-approver"), 409, "batch-not-in-state")
    problem(office.step(BATCH, "instruct"), 409, "batch-not-in-state")
    problem(office.step(BATCH, "close"), 409, "batch-not-in-state")
    first, second = office.step(BATCH, "submit"), office.step(BATCH, "submit", by="manager")
    assert first.json() == second.json()
    office.step(BATCH, "approve", by="finance-approver").raise_for_status()
    problem(office.step(BATCH, "cancel"), 409, "batch-not-in-state")


def test_new_terms_start_after_the_last_closed_day(office: FinanceOffice) -> None:
    office.settle_day(TODAY)
    refused = problem(office.terms("BANK", starts_on=TODAY), 409, "terms-in-the-past")
    assert refused["after"] == TODAY
    office.agree(office.terms("BANK", starts_on="2026-11-24"))


def test_a_missing_contract_is_named_and_nothing_is_half_done(own_office: FinanceOffice) -> None:
    own_office.agree(own_office.terms("CAFE", starts_on="2026-01-01"))
    point(own_office, "BANK", "/v1/earnings", own_office.member, 10)
    with pytest.raises(httpx.HTTPStatusError):
        own_office.settle_day(TODAY)
    run = own_office.send("POST", "/v1/settlement-batches", {"programme": PROGRAMME})
    named = problem(run, 409, "contract-missing")
    assert (named["partner"], named["programme"], named["side"]) == ("BANK", PROGRAMME, "issuer")
    assert own_office.send("GET", f"/v1/settlement-batches?programme={PROGRAMME}").json() == {
        "items": [],
        "next_cursor": None,
    }
    own_office.agree(own_office.terms("BANK", starts_on="2026-01-01"))
    own_office.send("POST", "/v1/settlement-batches", {"programme": PROGRAMME}).raise_for_status()


def test_a_batch_of_no_name_is_not_found(shared_office: FinanceOffice) -> None:
    for name in ("CITY-20261123-9", "none", "%00", "CITY%0A", "x" * 500, "%F0%9F%98%80"):
        problem(shared_office.send("GET", f"/v1/settlement-batches/{name}"), 404, "not-found")
        problem(shared_office.send("GET", f"/v1/settlement-batches/{name}/payment-file"), 404, "not-found")
        problem(shared_office.send("GET", f"/v1/settlement-batches/{name}/reports/ageing"), 404, "not-found")
        for step in ("submit", "cancel", "close", "instruct"):
            problem(shared_office.step(name, step), 404, "not-found")
        problem(shared_office.step(name, "approve", by="manager"), 404, "not-found")
        problem(shared_office.send("POST", f"/v1/payments/{name}/retry", {"reason": "again"}), 404, "not-found")
    for limit in (0, 201, 10**30):
        for path in (
            "settlement-days?programme=CITY&",
            "settlement-batches?programme=CITY&",
            "settlement-proposals?",
            "disputes?",
        ):
            problem(shared_office.send("GET", f"/v1/{path}limit={limit}"), 400, "malformed-request")


def test_days_of_no_calendar_are_refused(shared_office: FinanceOffice) -> None:
    for day in ("2026-11-31", "today", "2026-W48-1", "0001-01-01", "9999-12-31"):
        answer = shared_office.send("POST", f"/v1/settlement-days/{PROGRAMME}/{day}/close")
        assert problem(answer, 400, "malformed-request")["field"] == "day", day
    for days in ([], ["2026-11-31"], ["2026-11-23"] * 367, "2026-11-23", ["9999-12-31"]):
        body = {"days": days, "is_business": True, "note": "调休"}
        problem(shared_office.send("PUT", "/v1/bank-days", body), 400, "malformed-request")
    twice = {"days": ["2027-02-06", "2027-02-06"], "is_business": True, "note": "调休"}
    assert shared_office.send("PUT", "/v1/bank-days", twice).json() == twice
    for through in ("9999-12-31", "2026-11-23"):
        body = {"programme": PROGRAMME, "through": through}
        problem(shared_office.send("POST", "/v1/settlement-batches", body), 409, "nothing-to-settle")


def test_a_programme_whose_code_no_bank_would_take_is_paid_all_the_same(own_office: FinanceOffice) -> None:
    code = "CITY_OF_A_LONG_AND_DOTTED.NAME_1"
    own_office.service.add_programme(code)
    for partner in ("BANK", "CAFE"):
        own_office.service.permit(code, partner, may_issue=True, may_accept=True)
        own_office.agree(own_office.terms(partner, programme=code, starts_on="2026-01-01"))
    own_office.agree(own_office.propose(programme=code, operation="account", currency="CNY", beneficiary=ACCOUNT))
    member = own_office.service.post("/v1/members", {"reference": "m-2"}, key=own_office.keys["CAFE"]).json()
    for partner, path in (("BANK", "/v1/earnings"), ("CAFE", "/v1/redemptions")):
        point(own_office, partner, path, f"card:{member['card']}", 1_000, code)
    batch = own_office.settle_day(TODAY, code)["id"]
    assert batch == f"{code}-20261123-1"
    own_office.step(batch, "submit").raise_for_status()
    own_office.step(batch, "approve", by="finance-approver").raise_for_status()
    [payment] = own_office.step(batch, "instruct").raise_for_status().json()["payments"]
    assert payment["state"] == "instructed"
    assert (
        payment["end_to_end_id"].encode()
        in own_office.send("GET", f"/v1/settlement-batches/{batch}/payment-file").content
    )
