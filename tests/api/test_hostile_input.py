"""Hostile input: a clear problem, nothing recorded, never a 500."""

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.api.street import PROGRAMME, Street, problem

MEGABYTE = 1024 * 1024

BAD_FIELDS: list[tuple[str, object]] = [
    ("points", "100"),
    ("points", 1.5),
    ("points", True),
    ("points", [1]),
    ("points", {}),
    ("points", 0),
    ("points", -5),
    ("points", 2**63),
    ("points", 2**64),
    ("points", 10**400),
    ("member", ""),
    ("member", 7),
    ("member", "ref:\0"),
    ("member", "ref:" + "x" * 500),
    ("member", "ref:a\n"),
    ("programme", "CI\0TY"),
    ("programme", "C" * 100),
    ("programme", ["CITY"]),
    ("scene", "gambling"),
    ("scene", "food\0"),
    ("channel", "fax"),
    ("outlet", "a b"),
    ("outlet", "o" * 33),
    ("outlet", "ünter"),
    ("reference", ""),
    ("reference", "x" * 201),
    ("reference", "a\0b"),
    ("reference", "a\u0085b"),
    ("evidence", "\x7f"),
    ("metadata", []),
    ("metadata", {"a": 1}),
    ("metadata", {"a": {"b": "c"}}),
    ("metadata", {"": "x"}),
    ("metadata", {f"k{number}": "v" for number in range(17)}),
    ("occurred_at", "2026-11-01T08:00:00"),
    ("occurred_at", "2026-13-01T08:00:00Z"),
    ("occurred_at", "9999-12-31T23:59:59Z"),
    ("occurred_at", "0001-01-01T00:00:00Z"),
    ("occurred_at", "1999-12-31T23:59:59Z"),
    ("occurred_at", 1_790_000_000),
    ("occurred_at", "now"),
    ("available_from", "9999-12-31T23:59:59-12:00"),
    ("unknown", "field"),
    ("Points", 1),
]

BAD_SPENDS: list[object] = [
    "90.00",
    90.0,
    {"currency": "CNY"},
    {"currency": "CNY", "amount": 90},
    {"currency": "CNY", "amount": "90.001"},
    {"currency": "CNY", "amount": "-1.00"},
    {"currency": "CNY", "amount": "1e5"},
    {"currency": "CNY", "amount": "NaN"},
    {"currency": "CNY", "amount": "Infinity"},
    {"currency": "CNY", "amount": ""},
    {"currency": "CNY", "amount": " 1"},
    {"currency": "CNY", "amount": "１"},
    {"currency": "CNY", "amount": "9" * 30},
    {"currency": "CNY", "amount": "9999999999999999999"},
    {"currency": "cny", "amount": "1.00"},
    {"currency": "ZZZ", "amount": "1.00"},
    {"currency": "CNY", "amount": "1.00", "tip": "1.00"},
]


@pytest.fixture
def unchanged(street: Street) -> Iterator[Street]:
    """The street; afterwards every table must hold as many rows as before."""
    before = street.rows()
    yield street
    assert street.rows() == before


def body(**fields: object) -> dict[str, Any]:
    return {"programme": PROGRAMME, "member": "ref:regular", "scene": "food", "points": 1, **fields}


def raw(street: Street, content: bytes, path: str = "/v1/earnings", **headers: str) -> httpx.Response:
    all_headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex, **headers}
    return street.service.request("POST", path, key=street.cafe, content=content, headers=all_headers)


@pytest.mark.parametrize(("field", "value"), BAD_FIELDS, ids=lambda value: str(value)[:30])
def test_a_field_of_the_wrong_form_is_named(unchanged: Street, field: str, value: object) -> None:
    answer = raw(unchanged, json.dumps(body(**{field: value})).encode())
    refusal = problem(answer, 400, "malformed-request")
    assert refusal["field"].startswith(f"$.{field}")
    assert len(answer.content) < 2_000


@pytest.mark.parametrize("spend", BAD_SPENDS, ids=lambda value: str(value)[:50])
def test_money_of_the_wrong_form_is_refused(unchanged: Street, spend: object) -> None:
    whole = body(spend=spend)
    del whole["points"]
    refusal = problem(raw(unchanged, json.dumps(whole).encode()), 400, "malformed-request")
    assert refusal["field"]
    cash = body(cash=spend)
    problem(raw(unchanged, json.dumps(cash).encode(), "/v1/redemptions"), 400, "malformed-request")


@pytest.mark.parametrize("missing", ["programme", "member", "scene"])
def test_a_missing_field_is_named(unchanged: Street, missing: str) -> None:
    whole = body()
    del whole[missing]
    refusal = problem(raw(unchanged, json.dumps(whole).encode()), 400, "malformed-request")
    assert refusal["field"] == f"$.{missing}"


def test_an_earning_has_exactly_one_of_points_and_spend(unchanged: Street) -> None:
    neither = body()
    del neither["points"]
    for whole in (neither, body(spend={"currency": "CNY", "amount": "1.00"})):
        refusal = problem(raw(unchanged, json.dumps(whole).encode()), 400, "malformed-request")
        assert refusal["field"] == "$.points, $.spend"


def test_a_reversal_has_a_reason_and_at_most_one_of_points_and_spend(unchanged: Street) -> None:
    path = "/v1/transactions/01a20c2c-a1ac-8001-8000-0000004af491/reversals"
    spend = {"currency": "CNY", "amount": "1.00"}
    for whole in ({}, {"reason": ""}, {"reason": "r", "points": 1, "spend": spend}, {"reason": "r", "points": 0}):
        problem(raw(unchanged, json.dumps(whole).encode(), path), 400, "malformed-request")
    nothing = {"reason": "r", "spend": {**spend, "amount": "0.00"}}
    problem(raw(unchanged, json.dumps(nothing).encode(), path), 400, "malformed-request")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"text"',
        b"\xff\xfe\x00",
        b'{"programme": "\xff"}',
        b'{"programme": "\\ud800"}',
        b'{"programme": "CITY"} trailing',
        b"\x00" * 100,
        b"[" * 30_000,
        b'{"metadata":' * 5_000,
        b'{"points": ' + b"9" * 30_000 + b"}",
        b'{"points": 1e400}',
        b'{"points": NaN}',
        "{“points”: 1}".encode("gb18030"),
    ],
    ids=range(16),
)
@pytest.mark.parametrize("path", ["/v1/earnings", "/v1/bulk", "/v1/quotes", "/v1/members"])
def test_a_body_that_is_no_such_json_is_refused(unchanged: Street, content: bytes, path: str) -> None:
    problem(raw(unchanged, content, path), 400, "malformed-request")


@pytest.mark.parametrize("path", ["/v1/earnings", "/v1/quotes", "/v1/members"])
def test_a_body_of_ten_megabytes_is_too_large(unchanged: Street, path: str) -> None:
    content = json.dumps(body(reference="x" * 10 * MEGABYTE)).encode()
    problem(raw(unchanged, content, path), 413, "payload-too-large")


def test_a_bulk_may_be_larger_but_not_ten_megabytes(unchanged: Street) -> None:
    item = {**body(), "operation": "earn", "key": "k", "evidence": "x" * 10 * MEGABYTE}
    content = json.dumps({"mode": "independent", "items": [item]}).encode()
    problem(raw(unchanged, content, "/v1/bulk"), 413, "payload-too-large")


def test_a_body_without_a_length_is_cut_off_at_the_limit(unchanged: Street) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(160):
            yield b"x" * 64 * 1024

    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    try:
        answer = unchanged.service.request(
            "POST", "/v1/earnings", key=unchanged.cafe, content=endless(), headers=headers
        )
    except httpx.WriteError:
        return  # It answered and closed before everything was sent.
    problem(answer, 413, "payload-too-large")


@pytest.mark.parametrize(
    "media_type", ["", "text/plain", "application/xml", "application/x-www-form-urlencoded", "x" * 900]
)
def test_another_media_type_is_refused(unchanged: Street, media_type: str) -> None:
    answer = raw(unchanged, json.dumps(body()).encode(), **{"Content-Type": media_type})
    problem(answer, 415, "unsupported-media-type")


def test_json_with_a_charset_is_json(street: Street) -> None:
    member = street.new_member()
    content = json.dumps(body(member=member.ref)).encode()
    assert raw(street, content, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 201


@pytest.mark.parametrize(
    "path",
    [
        "/v1/members/%00/balances?programme=CITY",
        "/v1/members/%ff%fe/balances?programme=CITY",
        "/v1/members/ref:%0A/statement?programme=CITY",
        "/v1/members/" + "x" * 5_000,
        "/v1/members/x/balances?programme=%00",
        "/v1/members/x/balances?programme=" + "x" * 5_000,
        "/v1/members/x/balances?programme=CITY&programme=CITY",
        "/v1/members/x/lots?programme=CITY&all=maybe",
        "/v1/transactions/%00",
        "/v1/transactions/00000000-0000-0000-0000-000000000000",
        "/v1/transactions/ffffffff-ffff-8fff-bfff-ffffffffffff",
        "/v1/transactions?key=%00",
        "/v1/transactions?key=%ff",
        "/v1/transactions?key=a&reference=b",
        "/v1/transactions",
        "/v1/transactions?reference=" + "x" * 5_000,
        "/v1/programmes/%00",
        "/v1/partners/%F0%9F%92%A9",
        "/v1/keys?cursor=%00&limit=5",
        "/v1//earnings",
        "/v1/../etc/passwd",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/%",
        "/v1/nothing",
    ],
    ids=range(25),
)
def test_no_address_makes_the_service_stumble(unchanged: Street, path: str) -> None:
    for key in (unchanged.cafe, unchanged.service.operator_key):
        answer = unchanged.service.get(path, key=key)
        assert answer.status_code in {200, 400, 401, 403, 404, 405, 414}, answer.text
        if answer.status_code != 200:
            assert answer.headers["content-type"] in {"application/problem+json", "text/html; charset=utf-8"}


def test_a_request_that_is_no_http_ends_its_connection_alone(street: Street) -> None:
    address = urlsplit(street.service.base_url)
    for junk in (
        b"\x16\x03\x01\x02\x00",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/earnings HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    ):
        with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
            connection.sendall(junk)
            connection.settimeout(10)
            answer = connection.recv(4_096)
        assert b" 500 " not in answer
    assert street.service.get("/healthz").status_code == 200


def test_a_caller_that_hangs_up_spoils_nothing(street: Street) -> None:
    member = street.new_member()
    address = urlsplit(street.service.base_url)
    content = json.dumps(body(member=member.ref)).encode()
    for number in range(20):
        head = (
            f"POST /v1/earnings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {street.cafe}\r\n"
            f"Idempotency-Key: {member.id}-{number}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        with socket.create_connection((address.hostname, address.port)) as connection:
            connection.sendall(head.encode() + content)
    answers = [member.earn(1, scene="food", idempotency_key=f"{member.id}-{number}") for number in range(20)]
    assert {answer.status_code for answer in answers} == {201}
    assert member.balance()["available"] == 20
