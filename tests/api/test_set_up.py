"""Programmes, partners and keys over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Street, problem


def new_code() -> str:
    return f"X{uuid4().hex[:10]}"


def programme(code: str, **fields: object) -> dict[str, Any]:
    return {
        "code": code,
        "currency": "GBP",
        "zone": "Europe/London",
        "rules": {"earn_rate": {"points": 3, "per_amount": "2.00"}, "validity_days": 90},
        **fields,
    }


def test_a_programme_is_added_and_read_as_it_was_added(street: Street) -> None:
    code = new_code()
    added = street.service.post(
        "/v1/programmes",
        programme(code, cut_off="22:30", maximum_age_days=None, restore_grace_days=7, shortfall="issuer"),
    )
    assert added.status_code == 201
    assert added.json() == {
        "code": code,
        "currency": "GBP",
        "zone": "Europe/London",
        "cut_off": "22:30",
        "is_open": True,
        "maximum_age_days": None,
        "restore_grace_days": 7,
        "shortfall": "issuer",
        "gift_points_a_month": 5_000,
        "rules": [
            {
                "version": 1,
                "starts_on": "1970-01-01",
                "earn_rate": {"points": 3, "per_amount": "2.00"},
                "validity_months": None,
                "validity_days": 90,
            }
        ],
        "partners": [],
    }
    for _ in range(4):
        assert street.service.get(f"/v1/programmes/{code}").json() == added.json()
    problem(street.service.get("/v1/programmes/NOPE"), 404, "programme-not-found")


def test_a_code_that_is_taken_is_refused_and_the_refusal_is_replayed(street: Street) -> None:
    key = uuid4().hex
    refusal = street.service.post("/v1/programmes", programme(PROGRAMME), idempotency_key=key)
    assert problem(refusal, 409, "already-exists")["field"] == "code"
    again = street.service.post("/v1/programmes", programme(PROGRAMME), idempotency_key=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (refusal.content, "true")
    problem(
        street.service.post("/v1/programmes", programme(new_code()), idempotency_key=key), 422, "idempotency-key-reused"
    )
    partner = {"code": "CAFE", "kind": "bank", "name": "Another"}
    problem(street.service.post("/v1/partners", partner), 409, "already-exists")


def test_an_addition_is_done_once_and_answered_the_same(street: Street) -> None:
    code, key = new_code(), uuid4().hex
    first = street.service.post("/v1/programmes", programme(code), idempotency_key=key)
    rows = street.rows()
    for _ in range(4):
        again = street.service.post("/v1/programmes", programme(code), idempotency_key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    assert street.rows() == rows


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"zone": "Mars/Olympus"}, "$.zone"),
        ({"zone": "../../etc/passwd"}, "$.zone"),
        ({"zone": "Europe\0"}, "$.zone"),
        ({"currency": "XXX"}, "$.currency"),
        ({"cut_off": "24:00"}, "$.cut_off"),
        ({"rules": {"earn_rate": {"points": 1, "per_amount": "0.00"}}}, "$.rules.earn_rate.per_amount"),
        ({"rules": {"earn_rate": {"points": 1, "per_amount": "0.001"}}}, "$.rules.earn_rate.per_amount"),
        ({"rules": {"earn_rate": {"points": 0, "per_amount": "1.00"}}}, "$.rules.earn_rate.points"),
        (
            {"rules": {"earn_rate": {"points": 1, "per_amount": "1"}, "validity_days": 1, "validity_months": 1}},
            "$.rules.validity_months, $.rules.validity_days",
        ),
        ({"rules": {"earn_rate": {"points": 1, "per_amount": "1"}, "starts_on": "9999-01-01"}}, "$.rules.starts_on"),
        ({"maximum_age_days": -1}, "$.maximum_age_days"),
        ({"code": "no spaces"}, "$.code"),
        ({"code": "NEWLINE\n"}, "$.code"),
    ],
)
def test_a_programme_that_cannot_be_is_refused_by_field(street: Street, fields: dict[str, object], field: str) -> None:
    before = street.rows()
    refusal = problem(
        street.service.post("/v1/programmes", {**programme(new_code()), **fields}), 400, "malformed-request"
    )
    assert refusal["field"] == field
    assert street.rows() == before


def test_a_programme_is_closed_only_as_it_was_read(street: Street) -> None:
    code = new_code()
    street.service.add_programme(code)
    key = street.service.add_partner(new_code(), [code])
    member = street.new_member(key)
    path = f"/v1/programmes/{code}"
    tag = street.service.get(path).headers["etag"]
    problem(street.service.request("PATCH", path, json={"is_open": False}), 428, "precondition-required")
    stale = street.service.request("PATCH", path, json={"is_open": False}, headers={"If-Match": '"0"'})
    problem(stale, 412, "precondition-failed")
    assert member.earn(5, programme=code).status_code == 201
    closed = street.service.request("PATCH", path, json={"is_open": False}, headers={"If-Match": tag})
    assert (closed.status_code, closed.json()["is_open"]) == (200, False)
    for _ in range(4):
        problem(member.earn(5, programme=code), 409, "programme-closed")
    again = street.service.request("PATCH", path, json={"is_open": True}, headers={"If-Match": tag})
    problem(again, 412, "precondition-failed")
    tag = closed.headers["etag"]
    assert street.service.request("PATCH", path, json={"is_open": True}, headers={"If-Match": tag}).is_success
    assert member.earn(5, programme=code).status_code == 201


def test_dated_rules_are_added_for_days_to_come_alone(street: Street) -> None:
    code = new_code()
    street.service.add_programme(code)
    path = f"/v1/programmes/{code}/rules"
    rules = {"earn_rate": {"points": 2, "per_amount": "1.00"}, "validity_months": 36}
    today = datetime.now(UTC).date()
    later = (today + timedelta(days=40)).isoformat()
    for day in ("1970-01-01", (today - timedelta(days=1)).isoformat()):
        problem(street.service.post(path, {**rules, "starts_on": day}), 400, "malformed-request")
    added = street.service.post(path, {**rules, "starts_on": later})
    assert (added.status_code, added.json()["version"]) == (201, 2)
    problem(street.service.post(path, {**rules, "starts_on": later}), 409, "already-exists")
    problem(street.service.post("/v1/programmes/NOPE/rules", {**rules, "starts_on": later}), 404, "programme-not-found")
    read = street.service.get(f"/v1/programmes/{code}").json()["rules"]
    assert [(version["version"], version["starts_on"]) for version in read] == [(1, "1970-01-01"), (2, later)]


def test_partners_are_listed_page_by_page(street: Street) -> None:
    codes = sorted(new_code() for _ in range(5))
    for code in codes:
        street.service.add_partner(code)
    seen: list[str] = []
    path: str | None = "/v1/partners?limit=2"
    while path is not None:
        answer = street.service.get(path).raise_for_status()
        page = answer.json()
        assert len(page["items"]) <= 2
        seen += [partner["code"] for partner in page["items"]]
        link = answer.headers.get("link")
        assert (link is None) == (page["next_cursor"] is None)
        path = None if link is None else link.partition(">")[0].removeprefix("<")
    assert seen == sorted(set(seen))
    assert set(codes) < set(seen)


@pytest.mark.parametrize("what", ["partners", "programmes", "keys"])
def test_a_cursor_of_another_list_or_altered_is_refused(street: Street, what: str) -> None:
    other = "programmes" if what == "partners" else "partners"
    street.service.add_programme(new_code())
    cursor = street.service.get(f"/v1/{other}?limit=1").json()["next_cursor"]
    altered = ("A" if cursor[0] != "A" else "B") + cursor[1:]
    for wrong in (cursor, altered, "x", "%00", "💥", "A" * 10_000):
        answer = street.service.get(f"/v1/{what}?cursor={wrong}")
        if len(wrong) < 10_000 or answer.status_code != 414:
            problem(answer, 400, "malformed-cursor")


@pytest.mark.parametrize("limit", ["0", "-1", "201", "x", "99999999999999999999", ""])
def test_a_limit_that_cannot_be_is_refused(street: Street, limit: str) -> None:
    problem(street.service.get(f"/v1/partners?limit={limit}"), 400, "malformed-request")


def test_keys_are_made_shown_once_and_listed_without_their_secret(street: Street) -> None:
    key = uuid4().hex
    made = street.service.post("/v1/keys", {"partner": "CAFE", "expires_in_days": 30}, idempotency_key=key).json()
    assert made["key"].startswith(f"cpk_{made['prefix']}_")
    again = street.service.post("/v1/keys", {"partner": "CAFE", "expires_in_days": 30}, idempotency_key=key)
    assert again.json() == {**made, "key": None}
    listed = street.service.get("/v1/keys?limit=200")
    assert {**made, "key": None} in listed.json()["items"]
    assert made["key"].rpartition("_")[2] not in listed.text


def test_staff_keys_name_a_person_with_roles(street: Street) -> None:
    made = street.service.post("/v1/keys", {"staff": "Li Wei", "roles": ["auditor", "support"]}).json()
    assert (made["staff"], made["roles"], made["partner"]) == ("Li Wei", ["auditor", "support"], None)
    assert street.service.get("/v1/partners", key=made["key"]).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"partner": "CAFE", "staff": "Li Wei", "roles": ["auditor"]},
        {"partner": "CAFE", "roles": ["operator"]},
        {"staff": "Li Wei"},
        {"staff": "Li Wei", "roles": ["king"]},
        {"partner": "CAFE", "expires_in_days": 0},
    ],
)
def test_a_key_without_one_clear_owner_is_refused(street: Street, body: dict[str, object]) -> None:
    before = street.rows()
    problem(street.service.post("/v1/keys", body), 400, "malformed-request")
    assert street.rows() == before


def test_a_key_of_nobody_is_not_found(street: Street) -> None:
    problem(street.service.post("/v1/keys", {"partner": "NOPE"}), 404, "not-found")
    for prefix in ("nope", "%00", "0" * 16):
        problem(street.service.request("DELETE", f"/v1/keys/{prefix}"), 404, "not-found")
        problem(street.service.post(f"/v1/keys/{prefix}/rotate", {}), 404, "not-found")


def test_permission_needs_a_programme_and_a_partner(street: Street) -> None:
    body = {"may_issue": True, "may_accept": True}
    answer = street.service.request("PUT", "/v1/programmes/NOPE/partners/CAFE", json=body)
    problem(answer, 404, "programme-not-found")
    answer = street.service.request("PUT", f"/v1/programmes/{PROGRAMME}/partners/NOPE", json=body)
    problem(answer, 404, "not-found")
