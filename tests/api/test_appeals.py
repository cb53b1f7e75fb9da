"""Appeals over HTTP: made and read with the member's own token, answered by staff, once."""

from uuid import uuid4

import httpx
import pytest

from tests.api.street import Regular, Street, problem

UNKNOWN = "01a20c2c-a1ac-8001-8000-0000004af491"
GROUNDS = "I kept the goods."


@pytest.fixture
def member(street: Street) -> Regular:
    """A member with a hundred points."""
    member = street.new_member()
    member.earn(100).raise_for_status()
    return member


def taken(member: Regular) -> str:
    """The id of a transaction that took 40 points back."""
    earned = member.earn(40).raise_for_status().json()["id"]
    return str(member.reverse(earned, reason="wrong receipt").raise_for_status().json()["id"])


def appeal(member: Regular, key: str | None = None, token: str | None = None, **body: object) -> httpx.Response:
    path = f"/v1/members/{member.id}/appeals"
    whole = {"grounds": GROUNDS, **body}
    own = token or member.token()
    return member.street.service.post(path, whole, key=own, idempotency_key=key or uuid4().hex)


def decide(street: Street, identifier: str, **body: str) -> httpx.Response:
    support = street.staff_key("support")
    decision = {"verdict": "upheld", "answer": "The shop was wrong.", **body}
    return street.service.post(f"/v1/appeals/{identifier}/decision", decision, key=support)


def waiting(street: Street, limit: int = 200) -> list[str]:
    """The ids of all that wait, page by page."""
    auditor, found, cursor = street.staff_key("auditor"), [], ""
    while True:
        page = street.service.get(f"/v1/appeals?limit={limit}{cursor}", key=auditor).raise_for_status().json()
        found += [one["id"] for one in page["appeals"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def test_a_member_appeals_staff_answer_and_the_member_reads_it(street: Street, member: Regular) -> None:
    transaction, key = taken(member), uuid4().hex
    first, again = appeal(member, key, transaction=transaction), appeal(member, key, transaction=transaction)
    assert first.status_code == 201, first.text
    assert (again.content, again.headers["Idempotency-Replayed"]) == (first.content, "true")
    identifier = first.json()["id"]
    assert identifier in waiting(street)
    assert decide(street, identifier).status_code == 201
    assert identifier not in waiting(street)
    problem(decide(street, identifier, verdict="rejected"), 409, "appeal-decided")
    path = f"/v1/members/{member.id}/appeals"
    [shown] = street.service.get(path, key=member.token()).raise_for_status().json()["appeals"]
    assert {name: shown[name] for name in ("id", "member", "about", "transaction", "state", "grounds", "answer")} == {
        "id": identifier,
        "member": member.id,
        "about": "points",
        "transaction": transaction,
        "state": "upheld",
        "grounds": GROUNDS,
        "answer": "The shop was wrong.",
    }
    assert member.balance()["available"] == 100


def test_a_freeze_is_appealed_against_without_a_transaction(street: Street, member: Regular) -> None:
    problem(appeal(member), 409, "not-appealable")
    token = member.token()
    street.service.post(f"/v1/members/{member.id}/freeze", {"reason": "card lost"}).raise_for_status()
    assert appeal(member, token=token).status_code == 201
    problem(appeal(member, token=token), 409, "not-appealable")


def test_what_took_nothing_and_what_is_anothers_cannot_be_appealed_against(street: Street, member: Regular) -> None:
    other = street.new_member()
    problem(appeal(member, transaction=taken(other)), 404, "transaction-not-found")
    problem(appeal(member, transaction=UNKNOWN), 404, "transaction-not-found")
    problem(appeal(member, transaction="no id"), 404, "transaction-not-found")
    problem(appeal(member, transaction=member.earn(5).json()["id"]), 409, "not-appealable")
    problem(appeal(other, token=member.token(), transaction=taken(other)), 404, "member-not-found")


@pytest.mark.parametrize("grounds", ["", " \n ", "x" * 1_501])
def test_an_appeal_that_says_nothing_or_too_much_is_told_by_field(member: Regular, grounds: str) -> None:
    said = problem(appeal(member, transaction=taken(member), grounds=grounds), 400, "malformed-request")
    assert said["field"] == "$.grounds"


def test_only_the_member_reads_its_appeals_and_only_staff_with_the_task_answer(street: Street, member: Regular) -> None:
    identifier = appeal(member, transaction=taken(member)).raise_for_status().json()["id"]
    path = f"/v1/members/{member.id}/appeals"
    other, clerk = street.new_member().token(), street.staff_key("finance-clerk")
    problem(street.service.get(path, key=other), 404, "member-not-found")
    for key in (street.cafe, clerk):
        problem(street.service.get(path, key=key), 403, "forbidden")
    for key in (street.cafe, other, clerk):
        problem(street.service.get("/v1/appeals", key=key), 403, "forbidden")
    decision = {"verdict": "upheld", "answer": "Mine."}
    for key in (street.cafe, other, clerk, street.staff_key("auditor")):
        problem(street.service.post(f"/v1/appeals/{identifier}/decision", decision, key=key), 403, "forbidden")
    for unknown in (UNKNOWN, "none"):
        problem(decide(street, unknown), 404, "not-found")


def test_appeals_that_wait_are_paged_oldest_first(street: Street) -> None:
    made = []
    for _ in range(3):
        member = street.new_member()
        made.append(appeal(member, transaction=taken(member)).raise_for_status().json()["id"])
    found = waiting(street, limit=1)
    assert len(found) == len(set(found))
    assert set(made) <= set(found)
    assert found == waiting(street)
