"""Adjustments and write-offs: one person asks, another decides."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from tests.api.street import PROGRAMME, Regular, Street, problem

UNKNOWN = str(uuid4())


def ask(street: Street, asked_for: Regular, key: str | None = None, **body: Any) -> httpx.Response:
    whole = {
        "programme": PROGRAMME,
        "member": asked_for.card,
        "partner": "CAFE",
        "points": 10,
        "direction": "give",
        "reason": "till was down",
        **body,
    }
    return street.service.post("/v1/adjustments", whole, key=key or street.staff_key("support"))


def decide(
    street: Street, approval: str, what: str = "approval", key: str | None = None, idempotency_key: str | None = None
) -> httpx.Response:
    body = {"reason": "no receipt"} if what == "rejection" else {}
    return street.service.post(
        f"/v1/approvals/{approval}/{what}",
        body,
        key=key or street.staff_key("finance-approver"),
        idempotency_key=idempotency_key,
    )


def owing(street: Street, points: int) -> Regular:
    """A member who spent what was taken back afterwards."""
    member = street.new_member()
    earning = member.earn(points).json()["id"]
    member.redeem(points).raise_for_status()
    member.reverse(earning).raise_for_status()
    assert member.balance()["shortfall"] == points
    return member


def test_an_adjustment_is_posted_when_a_second_person_approves(street: Street) -> None:
    member = street.new_member()
    asked = ask(street, member)
    assert asked.status_code == 202, asked.text
    approval = asked.json()
    assert (approval["state"], approval["requested_by"], approval["decided_by"]) == ("waiting", "support", None)
    assert approval["correction"]["member"] == member.id
    assert member.balance()["available"] == 0
    posted = decide(street, approval["id"])
    assert (posted.status_code, posted.json()["kind"], posted.json()["points"]) == (201, "adjust", 10)
    assert posted.json()["lots"][0]["funding"] == [{"partner": "CAFE", "parts": 1}]
    assert member.balance()["available"] == 10
    after = street.service.get(f"/v1/approvals/{approval['id']}").json()
    assert (after["state"], after["decided_by"]) == ("posted", "finance-approver")
    assert after["transaction"] == posted.json()["id"]
    journal = street.service.get(f"/v1/transactions/{posted.json()['id']}").json()
    assert journal["approval"] == approval["id"]


def test_points_are_taken_of_those_that_the_partner_funds(street: Street) -> None:
    member = street.new_member()
    member.earn(30)
    approval = ask(street, member, direction="take", points=12).json()["id"]
    assert decide(street, approval).status_code == 201
    assert member.balance()["available"] == 18
    too_much = ask(street, member, direction="take", partner="BOOKS", points=1).json()["id"]
    problem(decide(street, too_much), 409, "insufficient-points")
    assert street.service.get(f"/v1/approvals/{too_much}").json()["state"] == "refused"
    problem(decide(street, too_much), 409, "insufficient-points")


def test_what_a_member_owes_is_forgiven_in_part_or_whole(street: Street) -> None:
    member = owing(street, 50)
    key = street.staff_key("finance-clerk")
    body = {"programme": PROGRAMME, "member": member.id, "reason": "goodwill"}
    for part, left in (({"points": 20}, 30), ({}, 0)):
        asked = street.service.post("/v1/write-offs", {**body, **part}, key=key)
        assert (asked.status_code, asked.json()["operation"]) == (202, "write-off")
        forgiven = decide(street, asked.json()["id"])
        assert forgiven.json().get("kind") == "write-off", forgiven.text
        assert member.balance()["shortfall"] == left
    nothing = street.service.post("/v1/write-offs", body, key=key).json()["id"]
    problem(decide(street, nothing), 409, "write-off-exceeds-shortfall")


def test_who_asked_does_not_decide_whatever_key_is_used(street: Street) -> None:
    member = street.new_member()
    approval = ask(street, member, street.staff_key("manager")).json()["id"]
    for what in ("approval", "rejection"):
        problem(decide(street, approval, what, street.staff_key("manager")), 409, "second-person-required")
    assert street.service.get(f"/v1/approvals/{approval}").json()["state"] == "waiting"
    assert member.balance()["available"] == 0
    assert decide(street, approval, key=street.service.operator_key).status_code == 201


def test_approving_again_answers_the_same_transaction(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    approver = street.staff_key("finance-approver")
    approval = ask(street, member).json()["id"]
    first = decide(street, approval, key=approver, idempotency_key=key)
    same = decide(street, approval, key=approver, idempotency_key=key)
    another = decide(street, approval, key=street.staff_key("manager"))
    for again in (same, another):
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    assert member.balance()["available"] == 10
    other = ask(street, member).json()["id"]
    problem(decide(street, other, key=approver, idempotency_key=key), 422, "idempotency-key-reused")


def test_a_crash_between_posting_and_noting_it_posts_nothing_twice(street: Street) -> None:
    member = street.new_member()
    approval = ask(street, member).json()["id"]
    with psycopg.connect(street.service.database.superuser_url) as connection:
        document = connection.execute("select request from approvals where approval_id = %s", [approval]).fetchone()
        assert document is not None
        first = decide(street, approval)
        # As it was right before the posting was noted.
        connection.execute(
            "update approvals set state = 'approved', lane = null, sequence = null, request = %s"
            " where approval_id = %s",
            [document[0], approval],
        )
    again = decide(street, approval)
    assert (again.status_code, again.content) == (201, first.content)
    assert street.service.get(f"/v1/approvals/{approval}").json()["state"] == "posted"
    assert member.balance()["available"] == 10


def test_what_is_rejected_is_never_posted(street: Street) -> None:
    member = street.new_member()
    approval = ask(street, member).json()["id"]
    rejected = decide(street, approval, "rejection")
    assert (rejected.status_code, rejected.json()["state"]) == (201, "rejected")
    refusal = problem(decide(street, approval), 409, "approval-decided")
    assert refusal["state"] == "rejected"
    problem(decide(street, approval, "rejection"), 409, "approval-decided")
    read = street.service.get(f"/v1/approvals/{approval}").json()
    assert (read["correction"]["reason"], read["correction"]["rejection_reason"]) == (None, "no receipt")
    assert member.balance()["available"] == 0


def test_what_is_posted_cannot_be_rejected(street: Street) -> None:
    approval = ask(street, street.new_member()).json()["id"]
    decide(street, approval).raise_for_status()
    assert problem(decide(street, approval, "rejection"), 409, "approval-decided")["state"] == "posted"


def test_the_reason_is_shown_while_it_waits_and_kept_with_the_transaction_alone(street: Street) -> None:
    member, marker = street.new_member(), uuid4().hex
    asked = ask(street, member, reason=marker)
    approval = asked.json()["id"]
    assert street.service.get(f"/v1/approvals/{approval}").json()["correction"]["reason"] == marker
    posted = decide(street, approval)
    with psycopg.connect(street.service.database.superuser_url) as connection:
        kept = connection.execute("select request::text from approvals where approval_id = %s", [approval]).fetchone()
        answers = connection.execute(
            "select count(*) from idempotency_keys where answer::text like %s", [f"%{marker.encode().hex()}%"]
        ).fetchone()
        details = connection.execute(
            "select count(*) from details where document::text like %s", [f"%{marker.encode().hex()}%"]
        ).fetchone()
    assert kept is not None
    assert marker.encode().hex() not in kept[0]
    assert (answers, details) == ((0,), (1,))
    shown = asked.text + posted.text + street.service.get(f"/v1/approvals/{approval}").text + street.service.log()
    assert marker not in shown


def test_a_repeated_request_asks_once(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    body = {
        "programme": PROGRAMME,
        "member": member.id,
        "partner": "CAFE",
        "points": 1,
        "direction": "give",
        "reason": "r",
    }
    first, again = (
        street.service.post("/v1/adjustments", body, key=street.service.operator_key, idempotency_key=key)
        for _ in range(2)
    )
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"programme": "NOPE"}, 404, "programme-not-found"),
        ({"partner": "NOPE"}, 404, "partner-not-found"),
        ({"member": "card:1"}, 404, "member-not-found"),
        ({"points": 0}, 400, "malformed-request"),
        ({"direction": "keep"}, 400, "malformed-request"),
        ({"reason": ""}, 400, "malformed-request"),
        ({"approval": UNKNOWN}, 400, "malformed-request"),
    ],
)
def test_what_cannot_be_asked_for_is_refused_at_once(
    street: Street, change: dict[str, Any], status: int, code: str
) -> None:
    member = street.new_member()
    before = street.rows()["approvals"]
    problem(ask(street, member, **change), status, code)
    assert street.rows()["approvals"] == before


def test_only_certain_roles_ask_and_decide(street: Street) -> None:
    member = street.new_member()
    approval = ask(street, member).json()["id"]
    for key in (street.staff_key("auditor"), street.staff_key("finance-approver"), street.cafe, member.token()):
        problem(ask(street, member, key), 403, "forbidden")
    for key in (street.staff_key("auditor"), street.staff_key("support"), street.cafe, member.token()):
        problem(decide(street, approval, key=key), 403, "forbidden")
        problem(decide(street, approval, "rejection", key), 403, "forbidden")
    for key in (street.cafe, member.token()):
        for path in ("/v1/approvals", f"/v1/approvals/{approval}"):
            problem(street.service.get(path, key=key), 403, "forbidden")
    assert street.service.get(f"/v1/approvals/{approval}", key=street.staff_key("auditor")).status_code == 200


@pytest.mark.parametrize("identifier", [UNKNOWN, "nonsense", "%00"])
def test_an_unknown_approval_is_not_found(street: Street, identifier: str) -> None:
    problem(street.service.get(f"/v1/approvals/{identifier}"), 404, "not-found")
    problem(decide(street, identifier), 404, "not-found")


def test_what_waits_is_listed_in_pages_the_oldest_first(street: Street) -> None:
    member = street.new_member()
    mine = [ask(street, member, points=points).json()["id"] for points in (1, 2, 3)]
    decide(street, mine[1]).raise_for_status()
    found, cursor = [], ""
    for _ in range(200):
        page = street.service.get(f"/v1/approvals?state=waiting&limit=1{cursor}").json()
        found += [one["id"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [one for one in found if one in mine] == [mine[0], mine[2]]
    problem(street.service.get("/v1/approvals?state=odd"), 400, "malformed-request")
    problem(street.service.get(f"/v1/approvals?state=posted{cursor or '&cursor=x'}"), 400, "malformed-cursor")


def test_two_persons_who_approve_at_once_post_once(street: Street) -> None:
    member = street.new_member()
    approval = ask(street, member).json()["id"]
    keys = [street.staff_key("finance-approver"), street.staff_key("manager"), street.service.operator_key]
    with ThreadPoolExecutor(len(keys)) as pool:
        answers = list(pool.map(lambda key: decide(street, approval, key=key), keys))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert member.balance()["available"] == 10


def test_what_was_asked_for_is_erased_with_its_member(street: Street) -> None:
    member = street.new_member()
    waiting = ask(street, member, reason="name and address").json()["id"]
    for path, body in (("close", {"reason": "r"}), ("erasure", {"reason": "member-asked"})):
        street.service.post(f"/v1/members/{member.id}/{path}", body).raise_for_status()
    read = street.service.get(f"/v1/approvals/{waiting}").json()
    assert (read["state"], read["correction"]) == ("waiting", None)
    problem(decide(street, waiting), 404, "not-found")
