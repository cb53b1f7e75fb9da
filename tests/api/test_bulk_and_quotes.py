"""Many in one request, and what would happen."""

from typing import Any
from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Regular, Street, problem

SPENDABLE = {"programme": PROGRAMME, "scene": "food"}


def earn(member: Regular, points: int, **fields: object) -> dict[str, Any]:
    return {**SPENDABLE, "operation": "earn", "key": uuid4().hex, "member": member.ref, "points": points, **fields}


def redeem(member: Regular, points: int, **fields: object) -> dict[str, Any]:
    return {**SPENDABLE, "operation": "redeem", "key": uuid4().hex, "member": member.ref, "points": points, **fields}


def without_key(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name != "key"}


def test_bulk_items_post_or_are_refused_each_by_itself_in_order(street: Street) -> None:
    member = street.new_member()
    items = [
        redeem(member, 1),
        earn(member, 10),
        redeem(member, 4),
        earn(member, 1, programme="NOPE"),
        redeem(member, 6),
    ]
    answer = street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.cafe)
    assert answer.status_code == 200
    assert [result["status"] for result in answer.json()["results"]] == [409, 201, 201, 404, 201]
    assert member.balance()["available"] == 0


def test_a_bulk_item_is_the_same_request_as_a_single_one(street: Street) -> None:
    member = street.new_member()
    item = earn(member, 10, reference="r", occurred_at="2026-11-01T08:00:00+08:00")
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": [item, item]}, key=street.cafe).json()
    body = {name: value for name, value in item.items() if name not in {"operation", "key"}}
    single = street.service.post("/v1/earnings", body, key=street.cafe, idempotency_key=item["key"])
    assert single.headers["idempotency-replayed"] == "true"
    assert [(result["status"], result["replayed"]) for result in bulk["results"]] == [(201, False), (201, True)]
    assert bulk["results"][0]["body"] == bulk["results"][1]["body"] == single.json()


def test_a_bulk_reverses_what_it_names(street: Street) -> None:
    member = street.new_member()
    earning = member.earn(10).json()["id"]
    item = {"operation": "reverse", "key": uuid4().hex, "transaction": earning, "points": 4, "reason": "returned"}
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": [item]}, key=street.cafe).json()
    assert (bulk["results"][0]["status"], member.balance()["available"]) == (201, 6)


def test_an_item_that_contradicts_itself_is_refused_alone(street: Street) -> None:
    member = street.new_member()
    items = [earn(member, 1, spend={"currency": "CNY", "amount": "1.00"}), earn(member, 2)]
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.cafe).json()
    assert [result["status"] for result in bulk["results"]] == [400, 201]
    assert bulk["results"][0]["body"]["code"] == "malformed-request"
    problem(street.service.get(f"/v1/transactions?key={items[0]['key']}", key=street.cafe), 404, "not-found")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"points": "5"}, "$.items[1].points"),
        ({"operation": "steal"}, "$.items[1].operation"),
        ({"key": ""}, "$.items[1].key"),
        ({"colour": "red"}, "$.items[1].colour"),
    ],
)
def test_an_item_of_another_form_refuses_the_whole_bulk_and_names_it(
    street: Street, change: dict[str, object], field: str
) -> None:
    member = street.new_member()
    before = street.rows()
    body = {"mode": "independent", "items": [earn(member, 1), {**earn(member, 2), **change}]}
    refusal = problem(street.service.post("/v1/bulk", body, key=street.cafe), 400, "malformed-request")
    assert refusal["field"] == field
    assert street.rows() == before


def test_a_bulk_takes_1_to_1000_items_independently(street: Street) -> None:
    member = street.new_member()
    many = [earn(member, 1) for _ in range(1_001)]
    for body in (
        {"mode": "independent", "items": []},
        {"mode": "independent", "items": many},
        {"mode": "other", "items": many[:1]},
        {"items": many[:1]},
    ):
        problem(street.service.post("/v1/bulk", body, key=street.cafe), 400, "malformed-request")
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": many[:1_000]}, key=street.cafe).json()
    assert {result["status"] for result in bulk["results"]} == {201}
    assert member.balance()["available"] == 1_000


def test_a_quote_says_what_would_happen_and_records_nothing(street: Street) -> None:
    member = street.new_member()
    earning = member.earn(10).json()["id"]
    token = {"Member-Token": member.token()}
    before = street.rows()
    for quote, points, available in (
        (without_key(earn(member, 5)), 5, 15),
        (without_key(redeem(member, 4)), 4, 6),
        ({"operation": "reverse", "transaction": earning, "reason": "r"}, 10, 0),
    ):
        answer = street.service.post("/v1/quotes", quote, key=street.cafe, headers=token)
        assert answer.status_code == 200, answer.text
        quoted = answer.json()
        assert (quoted["posts"], quoted["refusal"]) == (True, None)
        assert quoted["transaction"]["points"] == points
        assert quoted["transaction"]["balance"] == {"available": available, "held": 0, "pending": 0}
        assert quoted["transaction"].keys().isdisjoint({"id", "lane", "sequence", "recorded_at"})
    assert street.rows() == before
    assert member.balance()["available"] == 10


def test_a_quote_tells_the_refusal_that_would_come(street: Street) -> None:
    member = street.new_member()
    quoted = street.service.post("/v1/quotes", without_key(redeem(member, 4)), key=street.cafe).json()
    assert (quoted["posts"], quoted["transaction"]) == (False, None)
    assert quoted["refusal"]["code"] == "insufficient-points"
    assert "available" not in quoted["refusal"]
    beside_token = street.service.post(
        "/v1/quotes", without_key(redeem(member, 4)), key=street.cafe, headers={"Member-Token": member.token()}
    )
    assert beside_token.json()["refusal"]["available"] == 0


def test_quotes_without_the_members_token_are_limited_and_say_so(live_street: Street) -> None:
    shop = f"Q{uuid4().hex[:8]}"
    key = live_street.service.add_partner(shop, [PROGRAMME])
    member = live_street.new_member(key)
    quote = without_key(redeem(member, 4))
    answers = [live_street.service.post("/v1/quotes", quote, key=key) for _ in range(125)]
    limited = [answer for answer in answers if answer.status_code == 429]
    # The minute may turn once while they are sent.
    assert len(answers) - len(limited) in range(60, 121)
    assert answers[0].headers["ratelimit-policy"] == '"quotes";q=60;w=60'
    assert answers[0].headers["ratelimit"].startswith('"quotes";r=')
    problem(limited[0], 429, "too-many-requests")
    assert int(limited[0].headers["retry-after"]) in range(1, 61)
    token = {"Member-Token": member.token()}
    assert live_street.service.post("/v1/quotes", quote, key=key, headers=token).status_code == 200
