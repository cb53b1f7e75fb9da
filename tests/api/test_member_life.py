"""What staff and members change of a membership over HTTP."""

import time
from typing import Any, get_args
from uuid import uuid4

import httpx
import pytest

from ledger.store.credentials import StaffRole
from tests.api.street import PROGRAMME, Regular, Street, problem

ROLES: tuple[StaffRole, ...] = get_args(StaffRole)
FORGOTTEN_WITHIN_SECONDS = 10.0
UNKNOWN = "01a20c2c-a1ac-8001-8000-0000004af491"


def change(
    street: Street, member: Regular, what: str, key: str | None = None, idempotency_key: str | None = None, **body: Any
) -> httpx.Response:
    return street.service.post(
        f"/v1/members/{member.id}/{what}",
        {"reason": "asked at the desk", **body},
        key=key,
        idempotency_key=idempotency_key,
    )


def status(street: Street, member: Regular) -> str:
    return str(street.service.get(f"/v1/members/{member.id}").json()["status"])


def leads_to(street: Street, name: str, member: str) -> bool:
    """Whether a name of the café's leads to a member: each process forgets an old place within about a second."""
    deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
    while time.monotonic() < deadline:
        if street.service.get(f"/v1/members/{name}", key=street.cafe).json()["id"] == member:
            return True
        time.sleep(0.05)
    return False


def test_a_frozen_member_neither_earns_nor_pays_until_it_is_unfrozen(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    frozen = change(street, member, "freeze")
    assert (frozen.status_code, frozen.json()["id"], frozen.json()["status"]) == (201, member.id, "frozen")
    assert status(street, member) == "frozen"
    problem(member.earn(1), 409, "member-frozen")
    problem(member.redeem(1), 409, "member-frozen")
    problem(change(street, member, "freeze"), 409, "member-frozen")
    assert change(street, member, "unfreeze").json()["status"] == "active"
    problem(change(street, member, "unfreeze"), 409, "member-not-frozen")
    assert member.redeem(1).status_code == 201


def test_a_repeated_change_is_answered_byte_for_byte_and_done_once(street: Street) -> None:
    member, into, key = street.new_member(), street.new_member(), uuid4().hex
    bodies: dict[str, dict[str, str]] = {"freeze": {}, "unfreeze": {}, "merge": {"into": into.id}}
    for what, body in bodies.items():
        first, again = (change(street, member, what, idempotency_key=f"{key}{what}", **body) for _ in range(2))
        assert (first.status_code, "idempotency-replayed" in first.headers) == (201, False)
        assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    problem(change(street, member, "freeze", idempotency_key=f"{key}merge"), 422, "idempotency-key-reused")


def test_a_merged_members_points_holds_and_names_are_the_other_ones(street: Street) -> None:
    old, new = street.new_member(), street.new_member(street.books)
    earning = old.earn(100).json()["id"]
    hold = old.hold(40).json()["id"]
    paid = old.redeem(10).json()["id"]
    new.earn(5)
    merged = change(street, old, "merge", into=new.card)
    assert merged.status_code == 201, merged.text
    answer = merged.json()
    assert (answer["id"], answer["status"], answer["into"]) == (old.id, "merged", new.id)
    assert (new.balance()["available"], new.balance()["held"]) == (55, 40)
    assert leads_to(street, old.ref, new.id)
    assert street.capture(hold, points=10, final=True).status_code == 201
    assert old.reverse(paid, points=4).status_code == 201
    assert old.redeem(1).json()["member"] == new.id
    assert (new.balance()["available"], new.balance()["held"]) == (88, 0)
    assert old.reverse(earning).status_code == 201
    assert (new.balance()["available"], new.balance()["shortfall"]) == (4, 16)


def test_a_merged_members_token_reads_what_was_before_too(street: Street) -> None:
    old, new = street.new_member(), street.new_member()
    earning, token = old.earn(10).json()["id"], new.token()
    problem(street.service.get(f"/v1/transactions/{earning}", key=token), 404, "transaction-not-found")
    change(street, old, "merge", into=new.id).raise_for_status()
    assert street.service.get(f"/v1/transactions/{earning}", key=token).json()["id"] == earning


def test_a_moved_member_keeps_its_id_its_names_and_its_points(street: Street) -> None:
    member = street.new_member()
    lane = member.earn(10).json()["lane"]
    moved = change(street, member, "move-lane", lane=(lane + 1) % 64)
    assert (moved.status_code, moved.json()["id"], moved.json()["lane"]) == (201, member.id, (lane + 1) % 64)
    assert status(street, member) == "active"
    paid = member.redeem(4).json()
    assert (paid["member"], paid["lane"]) == (member.id, (lane + 1) % 64)
    problem(change(street, member, "move-lane", lane=(lane + 1) % 64), 409, "same-lane")
    problem(change(street, member, "move-lane", lane=4_000), 422, "lane-not-found")
    assert member.balance()["available"] == 6


def test_a_return_of_before_a_move_shows_the_balance_to_who_has_the_members_token(street: Street) -> None:
    member = street.new_member()
    lane = member.earn(10).json()["lane"]
    paid = member.redeem(4).json()["id"]
    change(street, member, "move-lane", lane=(lane + 1) % 64).raise_for_status()
    for headers, shown in (({"Member-Token": member.token()}, {"available": 8, "held": 0, "pending": 0}), ({}, None)):
        answer = street.service.post(
            f"/v1/transactions/{paid}/reversals", {"points": 2, "reason": "one broke"}, key=street.cafe, headers=headers
        )
        assert (answer.status_code, answer.json().get("balance")) == (201, shown)


def test_a_merge_needs_two_members(street: Street) -> None:
    member = street.new_member()
    problem(change(street, member, "merge", into=member.card), 409, "same-member")
    problem(change(street, member, "merge", into="card:1"), 404, "receiver-not-found")
    assert status(street, member) == "active"


def test_a_membership_ends_when_nothing_is_left(street: Street) -> None:
    member = street.new_member()
    member.earn(10)
    hold = member.hold(4).json()["id"]
    refusal = problem(change(street, member, "close", give_up_points=True), 409, "member-not-empty")
    assert (refusal["available"], refusal["held"]) == (6, 4)
    street.void(hold).raise_for_status()
    problem(change(street, member, "close"), 409, "member-not-empty")
    closed = change(street, member, "close", give_up_points=True)
    assert (closed.status_code, closed.json()["status"], status(street, member)) == (201, "closed", "closed")
    problem(member.earn(1), 409, "member-closed")
    problem(change(street, member, "unfreeze"), 409, "member-closed")
    assert member.balance()["available"] == 0


def test_a_member_closes_its_own_account_and_no_other(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    token, key = member.token(), uuid4().hex
    problem(change(street, other, "close", token), 404, "member-not-found")
    first = change(street, member, "close", token, idempotency_key=key)
    assert (first.status_code, first.json()["id"]) == (201, member.id)
    assert change(street, member, "close", token, idempotency_key=key).content == first.content
    assert (status(street, member), status(street, other)) == ("closed", "active")


@pytest.mark.parametrize(
    ("what", "permitted"),
    [
        ("freeze", {"operator", "support", "manager"}),
        ("unfreeze", {"operator", "support", "manager"}),
        ("close", {"operator", "support"}),
        ("merge", {"operator"}),
        ("move-lane", {"operator"}),
    ],
)
def test_only_certain_roles_change_a_membership(street: Street, what: str, permitted: set[StaffRole]) -> None:
    member = street.new_member()
    before = street.rows()["transactions"]
    bodies: dict[str, dict[str, Any]] = {"merge": {"into": "card:1"}, "move-lane": {"lane": 4_000}}
    body = bodies.get(what, {})
    for role in ROLES:
        if role in permitted:
            continue
        problem(change(street, member, what, street.staff_key(role), **body), 403, "forbidden")
    problem(change(street, member, what, street.cafe, **body), 403, "forbidden")
    if what != "close":
        problem(change(street, member, what, member.token(), **body), 403, "forbidden")
    assert street.rows()["transactions"] == before
    for role in permitted:
        unknown = street.service.post(
            f"/v1/members/{UNKNOWN}/{what}", {"reason": "r", **body}, key=street.staff_key(role)
        )
        problem(unknown, 404, "member-not-found")


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("freeze", {"reason": ""}, "$.reason"),
        ("freeze", {"give_up_points": True}, "$.give_up_points"),
        ("close", {"give_up_points": 1}, "$.give_up_points"),
        ("merge", {}, "$.into"),
        ("move-lane", {"lane": -1}, "$.lane"),
        ("move-lane", {"lane": "1"}, "$.lane"),
    ],
)
def test_a_malformed_change_names_its_field_and_records_nothing(
    street: Street, what: str, body: dict[str, Any], field: str
) -> None:
    member = street.new_member()
    before = street.rows()
    assert problem(change(street, member, what, **body), 400, "malformed-request")["field"] == field
    assert street.rows() == before


def test_the_reason_of_a_change_is_in_no_answer_and_no_log(street: Street) -> None:
    member, marker = street.new_member(), uuid4().hex
    frozen = change(street, member, "freeze", reason=marker)
    journal = street.service.get(f"/v1/transactions/{frozen.json()['transaction']}")
    assert journal.json()["kind"] == "freeze"
    assert marker not in frozen.text + journal.text + street.service.log()


def test_staff_find_what_became_of_their_keys(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    frozen = change(street, member, "freeze", idempotency_key=key).json()
    found = street.service.get(f"/v1/transactions?key={key}").json()["transactions"]
    assert [one["id"] for one in found] == [frozen["transaction"]]
    assert found[0]["programme"] is None
    problem(street.service.get("/v1/transactions?reference=x"), 403, "forbidden")


def test_notices_are_read_like_points(street: Street) -> None:
    member = street.new_member()
    path = f"/v1/members/{member.id}/notices?programme={PROGRAMME}"
    problem(street.service.get(path, key=street.cafe), 403, "forbidden")
    assert street.service.get(path, key=member.token()).json() == {"notices": [], "next_cursor": None}
