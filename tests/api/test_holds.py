"""Holds over HTTP: placed, captured in parts, voided, over by time, read by whoever may."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service, make_staff_key

UNKNOWN = "01a20c2c-a1ac-8001-8000-0000004af491"


def test_a_hold_is_captured_in_two_deliveries_and_one_is_refunded(street: Street) -> None:
    member = street.new_member()
    member.earn(100)
    placed = member.hold(80)
    assert (placed.status_code, placed.json()["kind"], placed.json()["points"]) == (201, "hold", 80)
    hold = placed.json()["id"]
    assert member.balance()["available"] == 20
    assert member.balance()["held"] == 80
    first = street.capture(hold, points=30)
    assert (first.status_code, first.json()["kind"], first.json()["hold"]) == (201, "capture", hold)
    last = street.capture(hold, points=40, final=True)
    assert (last.json()["points"], last.json()["released"]) == (40, 10)
    refund = member.reverse(first.json()["id"], points=5)
    assert (refund.status_code, refund.json()["reverses"]) == (201, first.json()["id"])
    assert (member.balance()["available"], member.balance()["held"]) == (35, 0)
    answer = street.service.get(f"/v1/holds/{hold}", key=street.cafe).json()
    assert (answer["state"], answer["captured"], answer["released"], answer["remaining"]) == ("captured", 70, 10, 0)
    assert [capture["points"] for capture in answer["captures"]] == [30, 40]


def test_a_hold_lasts_seven_days_where_nothing_else_is_said(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    answer = member.hold(10).json()
    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["recorded_at"])
    assert lasts == timedelta(days=7)


@pytest.mark.parametrize("what", ["hold", "capture", "void"])
def test_a_repeated_request_is_answered_byte_for_byte_and_done_once(street: Street, what: str) -> None:
    member = street.new_member()
    member.earn(100)
    hold, key = member.hold(60).json()["id"], uuid4().hex

    def send() -> bytes:
        if what == "hold":
            answer = member.hold(10, idempotency_key=key)
        elif what == "capture":
            answer = street.capture(hold, points=10, idempotency_key=key)
        else:
            answer = street.void(hold, reason="none left", idempotency_key=key)
        assert answer.status_code == 201, answer.text
        assert answer.headers.get("idempotency-replayed") == ("true" if seen else None)
        seen.append(answer.content)
        return answer.content

    seen: list[bytes] = []
    assert send() == send()
    after = {"hold": (30, 70), "capture": (40, 50), "void": (100, 0)}[what]
    assert (member.balance()["available"], member.balance()["held"]) == after


def test_more_than_is_available_cannot_be_held_and_the_hold_does_not_exist(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    assert "available" not in problem(member.hold(11), 409, "insufficient-points")
    beside_token = member.hold(11, headers={"Member-Token": member.token()})
    assert problem(beside_token, 409, "insufficient-points")["available"] == 10
    assert member.balance()["held"] == 0


def test_a_capture_above_the_hold_is_refused_and_the_hold_stays_open(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    hold = member.hold(10).json()["id"]
    refusal = problem(street.capture(hold, points=11), 409, "capture-exceeds-hold")
    assert (refusal["requested"], refusal["held"]) == (11, 10)
    assert street.service.get(f"/v1/holds/{hold}", key=street.cafe).json()["state"] == "open"
    assert street.capture(hold).json()["points"] == 10


def test_what_has_ended_cannot_be_captured_or_voided(street: Street) -> None:
    member = street.new_member()
    member.earn(30)
    voided, captured = member.hold(10).json()["id"], member.hold(10).json()["id"]
    assert street.void(voided).json()["points"] == 10
    assert street.capture(captured).status_code == 201
    for hold, state in ((voided, "voided"), (captured, "captured")):
        problem(street.capture(hold), 409, "hold-not-open")
        problem(street.void(hold), 409, "hold-not-open")
        assert street.service.get(f"/v1/holds/{hold}", key=street.cafe).json()["state"] == state


@pytest.mark.parametrize("expires_at", ["2001-01-01T00:00:00Z", "2900-01-01T00:00:00Z"])
def test_a_hold_ends_after_now_and_within_a_year(street: Street, expires_at: str) -> None:
    member = street.new_member()
    member.earn(10)
    refusal = problem(member.hold(10, expires_at=expires_at), 422, "hold-expiry-out-of-range")
    assert refusal["field"] == "expires_at"


def test_frozen_members_holds_can_be_captured_but_none_placed(street: Street) -> None:
    member = street.new_member()
    member.earn(20)
    hold = member.hold(10).json()["id"]
    street.service.post(f"/v1/members/{member.id}/freeze", {"reason": "lost card"}).raise_for_status()
    problem(member.hold(10), 409, "member-frozen")
    assert street.capture(hold).status_code == 201


def test_another_partners_hold_looks_like_an_unknown_one(street: Street) -> None:
    theirs = street.new_member(street.books)
    theirs.earn(10)
    earning = theirs.earn(1).json()["id"]
    hold = theirs.hold(10).json()["id"]
    before = street.rows()["transactions"]
    for identifier in (hold, UNKNOWN, earning, "not-an-id"):
        problem(street.service.get(f"/v1/holds/{identifier}", key=street.cafe), 404, "hold-not-found")
        problem(street.capture(identifier), 404, "hold-not-found")
        problem(street.void(identifier), 404, "hold-not-found")
    problem(street.service.get(f"/v1/holds/{earning}", key=street.books), 404, "hold-not-found")
    assert street.rows()["transactions"] == before
    assert street.service.get(f"/v1/holds/{hold}", key=street.books).json()["remaining"] == 10


def test_members_and_staff_read_holds_and_nobody_else_does(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    member.earn(10)
    hold = member.hold(4).json()["id"]
    theirs = f"/v1/members/{member.id}/holds?programme={PROGRAMME}"
    for key in (member.token(), street.service.operator_key, make_staff_key(street.service.database, "support")):
        assert street.service.get(f"/v1/holds/{hold}", key=key).json()["points"] == 4
        page = street.service.get(theirs, key=key).json()
        assert [one["id"] for one in page["holds"]] == [hold]
    problem(street.service.get(f"/v1/holds/{hold}", key=other.token()), 404, "hold-not-found")
    problem(street.service.get(theirs, key=other.token()), 404, "member-not-found")
    problem(street.service.get(theirs, key=street.cafe), 403, "forbidden")
    problem(street.service.get(theirs, key=make_staff_key(street.service.database, "manager")), 403, "forbidden")


def test_open_holds_come_in_pages(street: Street) -> None:
    member = street.new_member()
    member.earn(30)
    holds = [member.hold(points).json()["id"] for points in (1, 2, 3)]
    path = f"/v1/members/{member.id}/holds?programme={PROGRAMME}&limit=2"
    first = street.service.get(path)
    assert 'rel="next"' in first.headers["link"]
    rest = street.service.get(f"{path}&cursor={first.json()['next_cursor']}").json()
    assert [one["id"] for one in (*first.json()["holds"], *rest["holds"])] == holds
    problem(street.service.get(f"{path}&cursor=x"), 400, "malformed-cursor")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/holds", {"points": 0}, "$.points"),
        ("/v1/holds", {"expires_at": "tomorrow"}, "$.expires_at"),
        ("/v1/holds", {"expires_at": "2026-11-30T00:00:00"}, "$.expires_at"),
        ("/v1/holds", {"colour": "red"}, "$.colour"),
        (f"/v1/holds/{UNKNOWN}/captures", {"points": -1}, "$.points"),
        (f"/v1/holds/{UNKNOWN}/captures", {"points": "1"}, "$.points"),
        (f"/v1/holds/{UNKNOWN}/captures", {"final": "yes"}, "$.final"),
        (f"/v1/holds/{UNKNOWN}/captures", {"cash": {"currency": "CNY", "amount": 1.5}}, "$.cash.amount"),
        (f"/v1/holds/{UNKNOWN}/void", {"points": 1}, "$.points"),
        (f"/v1/holds/{UNKNOWN}/void", {"reason": "a\u0000b"}, "$.reason"),
    ],
)
def test_a_malformed_request_names_its_field_and_records_nothing(
    street: Street, path: str, body: dict[str, object], field: str
) -> None:
    member = street.new_member()
    whole = {"programme": PROGRAMME, "member": member.ref, "scene": "food", "points": 1} if path == "/v1/holds" else {}
    before = street.rows()
    answer = street.service.post(path, {**whole, **body}, key=street.cafe)
    assert problem(answer, 400, "malformed-request")["field"] == field
    assert street.rows() == before


def test_cash_beside_a_capture_is_in_the_programmes_currency(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    hold = member.hold(10).json()["id"]
    problem(street.capture(hold, cash={"currency": "GBP", "amount": "1.00"}), 422, "currency-mismatch")
    captured = street.capture(hold, cash={"currency": "CNY", "amount": "1.50"}).json()["id"]
    journal = street.service.get(f"/v1/transactions/{captured}", key=street.cafe).json()
    assert journal["cash"] == {"currency": "CNY", "amount": "1.50"}


def test_a_key_belongs_to_one_hold(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    member.earn(20)
    one, other = member.hold(10).json()["id"], member.hold(10).json()["id"]
    assert street.capture(one, idempotency_key=key).status_code == 201
    problem(street.capture(other, idempotency_key=key), 422, "idempotency-key-reused")
    problem(street.void(one, idempotency_key=key), 422, "idempotency-key-reused")
    assert member.balance()["held"] == 10


def test_only_partners_place_and_end_holds(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    hold = member.hold(4).json()["id"]
    for key in (member.token(), street.service.operator_key):
        problem(member.hold(1, key=key), 403, "forbidden")
        problem(street.capture(hold, key), 403, "forbidden")
        problem(street.void(hold, key), 403, "forbidden")


def test_a_hold_whose_time_is_over_gives_its_points_back_at_once(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        street = Street(service)
        service.set_clock("2026-11-24T09:00:00+08:00")
        member = street.new_member()
        member.earn(10)
        hold = member.hold(10, expires_at="2026-11-25T09:00:00+08:00").json()["id"]
        service.set_clock("2026-11-25T08:59:59+08:00")
        assert member.balance()["held"] == 10
        service.set_clock("2026-11-25T09:00:00+08:00")
        assert (member.balance()["available"], member.balance()["held"]) == (10, 0)
        assert service.get(f"/v1/holds/{hold}", key=street.cafe).json()["state"] == "expired"
        assert service.get(f"/v1/members/{member.id}/holds?programme={PROGRAMME}").json()["holds"] == []
        problem(street.capture(hold), 409, "hold-not-open")
        beside_token = member.redeem(10, headers={"Member-Token": member.token()})
        assert beside_token.json()["balance"] == {"available": 0, "held": 0, "pending": 0}


def test_the_end_of_another_partners_hold_shows_that_partner_no_balance(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        street = Street(service)
        service.set_clock("2026-11-24T09:00:00+08:00")
        member = street.new_member()
        member.earn(10)
        body = {"programme": PROGRAMME, "member": member.card, "points": 5, "scene": "food"}
        service.post("/v1/holds", body, key=street.books).raise_for_status()
        service.set_clock("2026-12-24T09:00:00+08:00")
        member.redeem(1, headers={"Member-Token": member.token()}).raise_for_status()
        lines = service.get(f"/v1/members/{member.id}/statement?programme={PROGRAMME}").json()["lines"]
        [ended] = [line["transaction_id"] for line in lines if line["kind"] == "hold-expire"]
        read = service.get(f"/v1/transactions/{ended}", key=street.books)
        assert (read.status_code, "balance" in read.json()) == (200, False)
