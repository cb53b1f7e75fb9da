"""Contracts over HTTP: proposed by one person, approved by another, read by finance and by their own partner."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.api.street import problem
from tests.settlement.finance_office import PAID_AT, PROGRAMME, FinanceOffice

UNKNOWN = "fea54626-467b-4e76-a385-764d48f38e9c"


def test_terms_hold_once_another_person_approves_and_their_history_tells_who_when_and_why(
    shared_office: FinanceOffice,
) -> None:
    partner = shared_office.new_partner()
    proposed = shared_office.terms(partner)
    assert proposed.status_code == 202, proposed.text
    assert (proposed.json()["state"], proposed.json()["proposed_by"]) == ("waiting", "finance-clerk one")
    assert shared_office.history(partner).json() == {"items": []}
    decided = shared_office.agree(proposed)
    assert (decided["state"], decided["outcome"]) == ("approved", f"version 1 of {partner}")
    shared_office.agree(shared_office.terms(partner, starts_on="2027-01-01", reserve="0.01", fee=None))
    first, second = shared_office.history(partner).json()["items"]
    assert (first["version"], first["starts_on"], first["reserve"], first["fee"]) == (
        1,
        "2026-12-01",
        "0.0095",
        "0.0025",
    )
    assert (second["version"], second["starts_on"], second["reserve"], second["fee"]) == (
        2,
        "2027-01-01",
        "0.01",
        "0.00",
    )
    assert (first["proposed_by"], first["approved_by"]) == ("finance-clerk one", "finance-approver one")
    assert (first["reason"], first["approved_at"]) == ("contract of 20 November", "2026-11-23T01:00:00.000000Z")


def test_who_proposed_cannot_decide_under_another_key_of_the_same_person(shared_office: FinanceOffice) -> None:
    proposed = shared_office.terms(shared_office.new_partner())
    same_person = shared_office.staff_key("finance-clerk one", "finance-approver", "manager")
    for what in ("approval", "rejection"):
        problem(shared_office.decide(proposed, what, by=same_person), 409, "second-person-required")
    shared_office.agree(proposed)


def test_a_rejected_proposal_changes_nothing_and_stays_rejected(shared_office: FinanceOffice) -> None:
    partner = shared_office.new_partner()
    proposed = shared_office.terms(partner)
    waiting = "/v1/settlement-proposals?state=waiting&limit=200"
    assert proposed.json()["id"] in shared_office.send("GET", waiting).text
    assert shared_office.decide(proposed, "rejection").json()["state"] == "rejected"
    assert proposed.json()["id"] not in shared_office.send("GET", waiting).text
    problem(shared_office.send("GET", "/v1/settlement-proposals?state=forgotten"), 400, "malformed-request")
    assert problem(shared_office.decide(proposed), 409, "proposal-decided")["state"] == "rejected"
    assert shared_office.decide(proposed, "rejection", by="manager").json()["decided_by"] == "finance-approver one"
    assert shared_office.history(partner).json() == {"items": []}


def test_who_proposed_withdraws_it_under_any_key_of_theirs_and_nobody_else_does(shared_office: FinanceOffice) -> None:
    partner = shared_office.new_partner()
    proposed = shared_office.terms(partner)
    for role in ("manager", "operator"):
        refused = shared_office.decide(proposed, "withdrawal", by=role)
        assert "Only who made a proposal" in problem(refused, 403, "forbidden")["detail"]
    problem(shared_office.decide(proposed, "withdrawal"), 403, "forbidden")
    same_person = shared_office.staff_key("finance-clerk one", "manager")
    for _ in range(2):
        answer = shared_office.decide(proposed, "withdrawal", by=same_person)
        shown = answer.raise_for_status().json()
        assert (shown["state"], shown["decided_by"]) == ("withdrawn", "finance-clerk one")
    for what in ("approval", "rejection"):
        assert problem(shared_office.decide(proposed, what), 409, "proposal-decided")["state"] == "withdrawn"
    assert shared_office.history(partner).json() == {"items": []}
    listed = shared_office.send("GET", "/v1/settlement-proposals?state=withdrawn&limit=200").json()["items"]
    assert proposed.json()["id"] in [one["id"] for one in listed]


def test_what_was_decided_is_not_withdrawn_any_more(shared_office: FinanceOffice) -> None:
    proposed = shared_office.terms(shared_office.new_partner())
    shared_office.agree(proposed)
    refused = problem(shared_office.decide(proposed, "withdrawal", by="finance-clerk"), 409, "proposal-decided")
    assert refused["state"] == "approved"


def test_the_database_lets_nobody_approve_or_reject_what_they_proposed_nor_withdraw_anothers(
    shared_office: FinanceOffice,
) -> None:
    identifier = shared_office.terms(shared_office.new_partner()).json()["id"]
    change = (
        "update settlement_proposals set state = %s, decided_by = case when %s then proposed_by else 'another' end,"
        " decided_at = now(), decision = 1000000 where proposal = %s"
    )
    with psycopg.connect(shared_office.service.database.service_url) as connection:
        for state, is_own in (("approved", True), ("rejected", True), ("withdrawn", False)):
            with pytest.raises(psycopg.errors.CheckViolation, match="second_person"):
                connection.execute(change, [state, is_own, identifier])
            connection.rollback()


def test_two_people_who_decide_at_once_decide_once(shared_office: FinanceOffice) -> None:
    partner = shared_office.new_partner()
    proposed = shared_office.terms(partner)
    with ThreadPoolExecutor(4) as executor:
        people = ["finance-approver", "manager"] * 2
        decided = list(executor.map(lambda by: shared_office.decide(proposed, by=by), people))
    assert {answer.status_code for answer in decided} == {201}
    assert len({answer.json()["decided_by"] for answer in decided}) == 1
    assert [one["version"] for one in shared_office.history(partner).json()["items"]] == [1]


def test_a_clerk_is_told_when_another_was_faster(shared_office: FinanceOffice) -> None:
    partner = shared_office.new_partner()
    seen = {"If_Match": shared_office.history(partner).headers["ETag"]}
    proposed = shared_office.terms(partner, headers=seen)
    problem(shared_office.terms(partner, headers=seen, by="manager"), 412, "precondition-failed")
    waiting = shared_office.history(partner).headers["ETag"]
    shared_office.agree(proposed)
    stale = {"If_Match": waiting}
    problem(shared_office.terms(partner, starts_on="2027-01-01", headers=stale), 412, "precondition-failed")
    fresh = {"If_Match": shared_office.history(partner).headers["ETag"]}
    assert shared_office.terms(partner, starts_on="2027-01-01", headers=fresh).status_code == 202


def test_terms_start_after_the_version_before_them(shared_office: FinanceOffice) -> None:
    partner = shared_office.new_partner()
    both = [shared_office.terms(partner), shared_office.terms(partner, reserve="0.01")]
    shared_office.agree(both[0])
    refused = problem(shared_office.decide(both[1]), 409, "terms-in-the-past")
    assert (refused["got"], refused["after"]) == ("2026-12-01", "2026-12-01")
    problem(shared_office.terms(partner, starts_on="2026-11-30"), 409, "terms-in-the-past")
    assert len(shared_office.history(partner).json()["items"]) == 1


def test_an_account_is_whole_for_finance_and_its_own_partner_and_masked_for_everyone_else(
    shared_office: FinanceOffice,
) -> None:
    partner = shared_office.new_partner()
    proposed = shared_office.terms(partner)
    assert proposed.json()["request"]["beneficiary"]["account"] == "****3445"
    shared_office.agree(proposed)
    for by in ("finance-clerk", "finance-approver", "manager", "operator", "auditor", partner):
        [shown] = shared_office.history(partner, by=by).json()["items"]
        is_masked = by in ("operator", "auditor")
        assert shown["beneficiary"] == PAID_AT | ({"account": "****3445"} if is_masked else {})
    [own] = shared_office.history(partner, by=partner).json()["items"]
    assert (own["proposed_by"], own["approved_by"], own["reason"]) == (None, None, None)
    for by, account in (("finance-approver", PAID_AT["account"]), ("auditor", "****3445")):
        listed = shared_office.send("GET", "/v1/settlement-proposals?limit=200", by=by).json()["items"]
        [found] = [one for one in listed if one["id"] == proposed.json()["id"]]
        assert found["request"]["beneficiary"]["account"] == account
    assert PAID_AT["account"] not in shared_office.service.log()


def test_a_repeated_request_is_answered_alike_and_another_under_its_key_is_refused(
    shared_office: FinanceOffice,
) -> None:
    partner = shared_office.new_partner()
    key = {"Idempotency_Key": str(uuid4())}
    first, again = (shared_office.terms(partner, headers=key) for _ in range(2))
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    problem(shared_office.terms(partner, headers=key, reserve="0.01"), 422, "idempotency-key-reused")
    listed = shared_office.send("GET", "/v1/settlement-proposals?limit=200").json()["items"]
    assert [one["id"] for one in listed if one["request"].get("partner") == partner] == [first.json()["id"]]


HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"reserve": 0.0095}, "$.reserve"),
    ({"reserve": "0.0000001"}, "$.reserve"),
    ({"reserve": "-0.01"}, "$.reserve"),
    ({"reserve": "1e-3"}, "$.reserve"),
    ({"reserve": "0.01\n"}, "$.reserve"),
    ({"reserve": "９"}, "$.reserve"),
    ({"reserve": "10000000"}, "$.reserve"),
    ({"reserve": None}, "$.reserve"),
    ({"commission": "1.000001"}, "$.commission"),
    ({"tax": "2"}, "$.tax"),
    ({"reimbursement": None}, "$.reimbursement"),
    ({"starts_on": "2026-11-31"}, "$.starts_on"),
    ({"starts_on": "9999-12-31"}, "$.starts_on"),
    ({"starts_on": "0001-01-01"}, "$.starts_on"),
    ({"starts_on": "9999-12-31"}, "$.starts_on"),
    ({"starts_on": 20261201}, "$.starts_on"),
    ({"currency": "cny"}, "$.currency"),
    ({"currency": "ZZZ"}, "$.currency"),
    ({"cycle": "hourly"}, "$.cycle"),
    ({"nets": "yes"}, "$.nets"),
    ({"due_days": -1}, "$.due_days"),
    ({"due_days": 10**30}, "$.due_days"),
    ({"reason": ""}, "$.reason"),
    ({"reason": "two\nlines"}, "$.reason"),
    ({"credit_limit": {"currency": "USD", "amount": "5.00"}}, "$.credit_limit.currency"),
    ({"prefunding": {"currency": "CNY", "amount": "5.001"}}, "$.prefunding.amount"),
    ({"prefunding": {"currency": "CNY", "amount": 5}}, "$.prefunding.amount"),
    ({"attribution_fee": "0.01"}, "$.attribution_partner"),
    ({"attribution_partner": "CAFE"}, "$.attribution_partner"),
    ({"attribution_fee": "0.01", "attribution_partner": "CAFE"}, "$.attribution_partner"),
    ({"commission": "0.9", "attribution_fee": "0.2", "attribution_partner": "BANK"}, "$.commission"),
    ({"beneficiary": PAID_AT | {"clearing_code": "10229000001"}}, "$.beneficiary.clearing_code"),
    ({"beneficiary": PAID_AT | {"clearing_code": "ICBKCNBJBJM1"}}, "$.beneficiary.clearing_code"),
    ({"beneficiary": PAID_AT | {"account": "62220202 00112"}}, "$.beneficiary.account"),
    ({"beneficiary": PAID_AT | {"name": "a\x00b"}}, "$.beneficiary.name"),
    ({"beneficiary": PAID_AT | {"name": " "}}, "$.beneficiary.name"),
    ({"beneficiary": PAID_AT | {"name": "咖啡☕"}}, "$.beneficiary.name"),
    ({"currency": "THB", "beneficiary": PAID_AT}, "$.beneficiary.name"),
    ({"currency": "THB", "beneficiary": PAID_AT | {"name": "Cafe"}}, "$.beneficiary.clearing_code"),
    ({"beneficiary": PAID_AT | {"bic": "ICBKCNBJ"}}, "$.beneficiary.bic"),
    ({"proposed_by": "Li Na"}, "$.proposed_by"),
]


@pytest.mark.parametrize(("fields", "field"), HOSTILE, ids=lambda value: str(value)[:40])
def test_terms_that_nobody_can_be_settled_by_are_refused_by_the_name_of_their_field(
    shared_office: FinanceOffice, fields: dict[str, Any], field: str
) -> None:
    refused = problem(shared_office.terms("CAFE", **fields), 400, "malformed-request")
    assert refused["field"] == field
    assert field.rpartition(".")[2] in refused["detail"]


def test_contracts_of_nobody_are_not_found(shared_office: FinanceOffice) -> None:
    problem(shared_office.terms("NOBODY"), 404, "partner-not-found")
    problem(shared_office.history("NOBODY"), 404, "partner-not-found")
    problem(shared_office.terms("CAFE", programme="NONE"), 404, "programme-not-found")
    attribution = {"attribution_fee": "0.01", "attribution_partner": "NOBODY"}
    problem(shared_office.terms("CAFE", **attribution), 404, "partner-not-found")
    for proposal in (UNKNOWN, "none", "%00"):
        path = f"/v1/settlement-proposals/{proposal}/approval"
        problem(shared_office.send("POST", path, {"reason": "checked"}, by="manager"), 404, "not-found")


def test_a_rate_is_kept_only_if_it_can_be_used(shared_office: FinanceOffice) -> None:
    good = {
        "programme": PROGRAMME,
        "currency": "THB",
        "rate": "4.95123456",
        "valid_from": "2026-11-23T00:00:00+08:00",
        "expires_at": "2026-11-24T12:00:00+08:00",
        "source": "the bank",
    }
    assert shared_office.send("POST", "/v1/fx-quotes", good).json() == good
    for wrong, field in (
        ({"rate": "0.00"}, "$.rate"),
        ({"rate": "4.951234567"}, "$.rate"),
        ({"rate": 4.95}, "$.rate"),
        ({"currency": "CNY"}, "$.currency"),
        ({"currency": "ZZZ"}, "$.currency"),
        ({"expires_at": good["valid_from"]}, "$.expires_at"),
        ({"valid_from": "2026-11-23T00:00:00"}, "$.valid_from"),
        ({"valid_from": "1900-01-01T00:00:00Z"}, "$.valid_from"),
    ):
        refused = problem(shared_office.send("POST", "/v1/fx-quotes", good | wrong), 400, "malformed-request")
        assert refused["field"] == field


def test_a_party_abroad_is_paid_at_a_bank_abroad(shared_office: FinanceOffice) -> None:
    abroad = {"name": "Cafe Siam", "account": "1234567890", "clearing_code": "002"}
    partner = shared_office.new_partner()
    shared_office.agree(shared_office.terms(partner, currency="THB", beneficiary=abroad))
    [shown] = shared_office.history(partner).json()["items"]
    assert (shown["currency"], shown["beneficiary"]) == ("THB", abroad)
