"""Who may do what of settlement: every role, partners, a member, and nobody."""

from typing import Any

import httpx
import pytest

from tests.settlement.finance_office import PROGRAMME, TODAY, FinanceOffice

UNKNOWN = "fea54626-467b-4e76-a385-764d48f38e9c"
NO_BATCH = "CITY-20260101-1"
CALLERS = (
    *("finance-clerk", "finance-approver", "manager", "operator", "auditor", "support"),
    *("BANK", "CAFE", "member", "nobody"),
)
DECISION = {"reason": "checked"}
TERMS = {"programme": PROGRAMME, "starts_on": "2026-12-01", "reason": "signed", "reserve": "0.01"}
RESERVE = {
    "programme": PROGRAMME,
    "operation": "reserve",
    "direction": "fund",
    "amount": {"currency": "CNY", "amount": "1.00"},
    "reason": "agreed",
}
QUOTE = {
    "programme": PROGRAMME,
    "currency": "THB",
    "rate": "4.95",
    "valid_from": "2026-11-23T00:00:00+08:00",
    "expires_at": "2026-11-24T12:00:00+08:00",
    "source": "the bank",
}
BANK_DAYS = {"days": ["2027-02-06"], "is_business": True, "note": "调休"}
READING = ("finance-clerk", "finance-approver", "manager", "operator", "auditor")

# What is asked, by whom it is done, and what they are answered; everyone else with a credential gets 403.
LEAVES: list[tuple[str, str, Any, tuple[str, ...], int]] = [
    ("PUT", "/v1/partners/BANK/terms", TERMS, ("finance-clerk", "manager", "operator"), 202),
    ("POST", "/v1/settlement-proposals", RESERVE, ("finance-clerk", "manager", "operator"), 202),
    ("GET", "/v1/settlement-proposals", None, READING, 200),
    ("POST", f"/v1/settlement-proposals/{UNKNOWN}/approval", DECISION, ("finance-approver", "manager"), 404),
    ("POST", f"/v1/settlement-proposals/{UNKNOWN}/rejection", DECISION, ("finance-approver", "manager"), 404),
    ("POST", "/v1/fx-quotes", QUOTE, ("finance-clerk", "manager"), 201),
    ("PUT", "/v1/bank-days", BANK_DAYS, ("finance-clerk", "manager", "operator"), 200),
    ("POST", f"/v1/settlement-days/{PROGRAMME}/{TODAY}/close", None, ("finance-clerk", "manager"), 409),
    ("GET", f"/v1/settlement-days?programme={PROGRAMME}", None, READING, 200),
    ("POST", "/v1/settlement-batches", {"programme": PROGRAMME}, ("finance-clerk", "manager"), 409),
    ("GET", f"/v1/settlement-batches?programme={PROGRAMME}", None, READING, 200),
    ("GET", f"/v1/settlement-batches/{NO_BATCH}", None, READING, 404),
    ("POST", f"/v1/settlement-batches/{NO_BATCH}/submit", DECISION, ("finance-clerk", "manager"), 404),
    ("POST", f"/v1/settlement-batches/{NO_BATCH}/approve", DECISION, ("finance-approver", "manager"), 404),
    (
        "POST",
        f"/v1/settlement-batches/{NO_BATCH}/cancel",
        DECISION,
        ("finance-clerk", "finance-approver", "manager"),
        404,
    ),
    ("POST", f"/v1/settlement-batches/{NO_BATCH}/instruct", DECISION, ("finance-clerk", "manager"), 404),
    ("POST", f"/v1/settlement-batches/{NO_BATCH}/close", DECISION, ("finance-clerk", "manager"), 404),
]


def answered(office: FinanceOffice, caller: str, method: str, path: str, body: Any) -> int:
    answer: httpx.Response = office.send(method, path, body, by="no-key-at-all" if caller == "nobody" else caller)
    return answer.status_code


@pytest.mark.parametrize(("method", "path", "body", "done_by", "status"), LEAVES, ids=lambda value: str(value)[:60])
def test_each_does_what_its_role_may_and_nothing_else(
    shared_office: FinanceOffice, method: str, path: str, body: Any, done_by: tuple[str, ...], status: int
) -> None:
    found = {caller: answered(shared_office, caller, method, path, body) for caller in CALLERS}
    assert found == {caller: status if caller in done_by else 403 for caller in CALLERS} | {"nobody": 401}


def test_a_contract_is_read_by_finance_and_its_own_partner_and_unknown_to_other_partners(
    shared_office: FinanceOffice,
) -> None:
    path = f"/v1/partners/BANK/terms?programme={PROGRAMME}"
    found = {caller: answered(shared_office, caller, "GET", path, None) for caller in CALLERS}
    others = {"BANK": 200, "CAFE": 404, "support": 403, "member": 403, "nobody": 401}
    assert found == dict.fromkeys(READING, 200) | others


def test_two_roles_in_one_credential_do_not_make_two_persons(shared_office: FinanceOffice) -> None:
    both = shared_office.staff_key("Zhao Min", "finance-clerk", "finance-approver", "manager")
    proposed = shared_office.send("POST", "/v1/settlement-proposals", RESERVE, by=both)
    assert proposed.status_code == 202
    assert shared_office.decide(proposed, by=both).json()["code"] == "second-person-required"
