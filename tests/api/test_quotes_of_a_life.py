"""Quotes of holds, captures, gifts and corrections: who may send it may ask, and nothing is recorded."""

from typing import Any

import httpx

from tests.api.street import PROGRAMME, Street, problem


def quote(street: Street, key: str, body: dict[str, Any], token: str | None = None) -> httpx.Response:
    headers = {} if token is None else {"Member-Token": token}
    return street.service.post("/v1/quotes", body, key=key, headers=headers)


def test_holds_captures_and_voids_are_quoted(street: Street) -> None:
    member = street.new_member()
    member.earn(30)
    hold = member.hold(20).json()["id"]
    token, before = member.token(), street.rows()
    spendable = {"programme": PROGRAMME, "member": member.ref, "scene": "food"}
    for body, points, available in (
        ({"operation": "hold", **spendable, "points": 10}, 10, 0),
        ({"operation": "capture", "hold": hold, "points": 5, "final": True}, 5, 25),
        ({"operation": "void", "hold": hold}, 20, 30),
    ):
        quoted = quote(street, street.cafe, body, token).json()
        assert quoted["posts"], quoted
        assert (quoted["transaction"]["kind"], quoted["transaction"]["points"]) == (body["operation"], points)
        assert quoted["transaction"]["balance"]["available"] == available
    too_much = quote(street, street.cafe, {"operation": "capture", "hold": hold, "points": 21}, token).json()
    assert too_much["refusal"]["code"] == "capture-exceeds-hold"
    assert street.rows() == before


def test_a_gift_is_quoted_to_whoever_may_give_it(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(10)
    body = {"operation": "gift", "programme": PROGRAMME, "to": receiver.card, "points": 4}
    token, before = giver.token(), street.rows()
    for answer in (quote(street, token, body), quote(street, street.cafe, body, token)):
        quoted = answer.json()
        assert (quoted["transaction"]["kind"], quoted["transaction"]["balance"]["available"]) == ("gift", 6)
        assert receiver.id not in answer.text
    problem(quote(street, street.cafe, body), 403, "forbidden")
    problem(quote(street, street.service.operator_key, body), 403, "forbidden")
    assert street.rows() == before


def test_corrections_are_quoted_to_staff_who_may_ask_or_decide(street: Street) -> None:
    member = street.new_member()
    body = {
        "operation": "adjust",
        "programme": PROGRAMME,
        "member": member.id,
        "partner": "CAFE",
        "points": 5,
        "direction": "give",
        "reason": "r",
    }
    before = street.rows()
    for role in ("support", "finance-approver"):
        quoted = quote(street, street.staff_key(role), body).json()
        assert (quoted["posts"], quoted["transaction"]["points"]) == (True, 5)
    before["credentials"] += 2
    forgiven = {"operation": "write-off", "programme": PROGRAMME, "member": member.id, "reason": "r"}
    refused = quote(street, street.service.operator_key, forgiven).json()
    assert refused["refusal"]["code"] == "write-off-exceeds-shortfall"
    assert street.rows() == before
    for key in (street.cafe, member.token(), street.staff_key("auditor")):
        problem(quote(street, key, body), 403, "forbidden")


def test_a_members_token_and_staff_ask_for_no_quote_of_a_partners(street: Street) -> None:
    member = street.new_member()
    body = {"operation": "redeem", "programme": PROGRAMME, "member": member.id, "scene": "food", "points": 1}
    for key in (member.token(), street.service.operator_key):
        problem(quote(street, key, body), 403, "forbidden")
