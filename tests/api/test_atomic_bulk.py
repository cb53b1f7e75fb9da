"""Bulk requests whose items post together or not at all, over one or several lanes."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.api.street import PROGRAMME, Regular, Street, problem


def item(operation: str, member: Regular | None = None, **fields: object) -> dict[str, Any]:
    named = {} if member is None else {"programme": PROGRAMME, "scene": "food", "member": member.ref}
    return {"operation": operation, "key": uuid4().hex, **named, **fields}


def send(
    street: Street, items: list[dict[str, Any]], key: str | None = None, mode: str = "atomic", **headers: str
) -> httpx.Response:
    body = {"mode": mode, "items": items}
    return street.service.post("/v1/bulk", body, key=street.cafe, idempotency_key=key, headers=headers)


def test_items_over_several_lanes_post_together_and_see_each_other(street: Street) -> None:
    members = [street.new_member() for _ in range(5)]
    items = [item("earn", member, points=10) for member in members]
    items += [item("redeem", members[0], points=4), item("hold", members[1], points=10)]
    answer = send(street, items)
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [(result["status"], result["body"]["kind"]) for result in results] == [
        *[(201, "earn")] * 5,
        (201, "redeem"),
        (201, "hold"),
    ]
    assert all("replayed" not in result for result in results)
    assert len({result["body"]["lane"] for result in results}) > 1
    assert [member.balance()["available"] for member in members] == [6, 0, 10, 10, 10]


def test_one_refused_item_refuses_all_and_leaves_its_keys_free(street: Street) -> None:
    one, other = street.new_member(), street.new_member()
    items = [item("earn", one, points=10), item("redeem", other, points=1), item("earn", other, points=5)]
    refusal = problem(send(street, items), 409, "bulk-item-refused")
    assert (refusal["item"], refusal["key"]) == (1, items[1]["key"])
    assert refusal["refusal"] == {"code": "insufficient-points", "requested": 1}
    assert (one.balance()["available"], other.balance()["available"]) == (0, 0)
    for one_item in items:
        problem(street.service.get(f"/v1/transactions?key={one_item['key']}", key=street.cafe), 404, "not-found")
    assert send(street, [items[0]]).status_code == 200
    assert one.balance()["available"] == 10


def test_a_repeat_is_answered_byte_for_byte_and_posts_once(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    token = {"Member-Token": member.token()}
    items = [item("earn", member, points=10), item("redeem", member, points=3)]
    first = send(street, items, key, **token)
    again = send(street, items, key, **token)
    assert first.json()["results"][1]["body"]["balance"] == {"available": 7, "held": 0, "pending": 0}
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert "idempotency-replayed" not in first.headers
    assert member.balance()["available"] == 7
    problem(send(street, items[:1], key), 422, "idempotency-key-reused")


def test_a_repeated_refusal_stays_a_refusal_after_it_would_pass(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    items = [item("redeem", member, points=1)]
    first = send(street, items, key)
    member.earn(10)
    again = send(street, items, key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    assert send(street, items).status_code == 200


def test_an_item_posted_before_is_not_posted_again(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    items = [item("earn", member, points=10), item("earn", member, points=1)]
    single = member.earn(10, idempotency_key=items[0]["key"])
    first = send(street, items, key)
    assert first.json()["results"][0]["body"] == single.json()
    assert send(street, items, key).content == first.content
    assert member.balance()["available"] == 11
    reused = [{**items[0], "points": 11}, item("earn", member, points=1)]
    refusal = problem(send(street, reused), 409, "bulk-item-refused")
    assert refusal["refusal"] == {"code": "idempotency-key-reused"}


def test_the_key_of_the_whole_finds_all_items_and_an_items_key_its_own(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    items = [item("earn", member, points=10), item("redeem", member, points=3)]
    ids = [result["body"]["id"] for result in send(street, items, key).json()["results"]]

    def found(by: str) -> list[str]:
        answer = street.service.get(f"/v1/transactions?key={by}", key=street.cafe).json()
        assert answer["refusal"] is None
        return [one["id"] for one in answer["transactions"]]

    assert found(key) == ids
    assert found(items[1]["key"]) == ids[1:]
    refused = uuid4().hex
    send(street, [item("redeem", member, points=100)], refused)
    answer = street.service.get(f"/v1/transactions?key={refused}", key=street.cafe).json()
    assert (answer["transactions"], answer["refusal"]["code"]) == ([], "bulk-item-refused")


@pytest.mark.parametrize("mode", ["atomic", "independent"])
def test_a_hold_is_captured_and_voided_in_a_bulk(street: Street, mode: str) -> None:
    member = street.new_member()
    member.earn(30)
    one, other = member.hold(10).json()["id"], member.hold(10).json()["id"]
    items = [
        item("capture", hold=one, points=4, final=True),
        item("void", hold=other, reason="cancelled"),
        item("hold", member, points=5),
    ]
    results = send(street, items, mode=mode).json()["results"]
    assert [(result["status"], result["body"]["kind"]) for result in results] == [
        (201, "capture"),
        (201, "void"),
        (201, "hold"),
    ]
    assert (member.balance()["available"], member.balance()["held"]) == (21, 5)


def test_a_key_twice_in_one_request_is_malformed(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    before = street.rows()
    one = item("earn", member, points=1)
    for items, field in (([one, one], "$.items[1].key"), ([{**one, "key": key}], "$.items[0].key")):
        refusal = problem(send(street, items, key), 400, "malformed-request")
        assert refusal["field"] == field
    assert street.rows() == before


def test_an_item_that_contradicts_itself_refuses_all_and_is_named(street: Street) -> None:
    member = street.new_member()
    before = street.rows()
    items = [item("earn", member, points=1), item("earn", member)]
    refusal = problem(send(street, items), 400, "malformed-request")
    assert refusal["field"] == "$.items[1].points, $.items[1].spend"
    money = [item("earn", member, spend={"currency": "CNY", "amount": "1.001"})]
    assert problem(send(street, money), 400, "malformed-request")["field"] == "$.items[0].spend.amount"
    assert street.rows() == before


def test_an_atomic_bulk_needs_a_key_of_its_own(street: Street) -> None:
    items = [item("earn", street.new_member(), points=1)]
    body = {"mode": "atomic", "items": items}
    answer = street.service.request("POST", "/v1/bulk", key=street.cafe, json=body)
    problem(answer, 400, "idempotency-key-missing")
    problem(send(street, items, "a b"), 400, "idempotency-key-malformed")


def test_a_thousand_items_post_together(street: Street) -> None:
    members = [street.new_member() for _ in range(3)]
    answer = send(street, [item("earn", members[number % 3], points=1) for number in range(1_000)])
    assert len(answer.json()["results"]) == 1_000
    assert sum(member.balance()["available"] for member in members) == 1_000


def test_the_same_bulk_sent_many_times_at_once_posts_once(street: Street) -> None:
    members, key = [street.new_member() for _ in range(3)], uuid4().hex
    items = [item("earn", member, points=10) for member in members]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: send(street, items, key), range(6)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(200, answers[0].content)}
    assert [member.balance()["available"] for member in members] == [10, 10, 10]


def test_bulks_that_meet_in_the_same_members_lose_nothing(street: Street) -> None:
    members = [street.new_member() for _ in range(4)]
    for member in members:
        member.earn(10)

    def pay(turn: int) -> int:
        order = members if turn % 2 else members[::-1]
        return send(street, [item("redeem", member, points=3) for member in order]).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = list(pool.map(pay, range(6)))
    # Three times three points are there of each: all or none of the four are taken each time.
    assert sorted(statuses) == [200, 200, 200, 409, 409, 409]
    assert [member.balance()["available"] for member in members] == [1, 1, 1, 1]
