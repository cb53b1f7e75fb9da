"""Gifts over HTTP: by the member itself or by a partner beside its token; nothing is told of the receiver."""

from uuid import uuid4

import httpx
import pytest

from tests.api.street import PROGRAMME, Street, problem


def test_a_member_gives_points_with_its_token_and_sees_its_own_side_alone(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(100)
    answer = giver.give(receiver.card, 30)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert (body["kind"], body["member"], body["points"], body["partner"]) == ("gift", giver.id, 30, None)
    assert body["balance"] == {"available": 70, "held": 0, "pending": 0}
    assert receiver.id not in answer.text
    assert (giver.balance()["available"], receiver.balance()["available"]) == (70, 30)


def test_what_a_member_gives_by_itself_is_explained_without_a_partner(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(100)
    assert giver.give(receiver.card, 30).status_code == 201
    lines = [
        street.service.get(f"/v1/members/{member.id}/statement?programme={PROGRAMME}").json()["lines"][0]
        for member in (giver, receiver)
    ]
    assert lines[0]["explanation"] == "30 points given to another member."
    assert lines[1]["explanation"] == "30 points received as a gift."


def test_a_gift_keeps_issuer_and_last_day(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member(street.books)
    giver.earn(10)
    assert giver.give(receiver.card, 10).status_code == 201
    lots = [
        street.service.get(f"/v1/members/{member.id}/lots?programme={PROGRAMME}&all=true").json()["lots"]
        for member in (giver, receiver)
    ]
    assert lots[0][0]["funding"] == lots[1][0]["funding"] == [{"partner": "CAFE", "parts": 1}]
    assert lots[0][0]["expires_on"] == lots[1][0]["expires_on"]


def test_a_repeated_gift_is_given_once_and_answered_alike(street: Street) -> None:
    giver, receiver, key = street.new_member(), street.new_member(), uuid4().hex
    giver.earn(100)
    first = giver.give(receiver.id, 30, idempotency_key=key)
    again = giver.give(receiver.id, 30, idempotency_key=key)
    assert (again.content, again.headers["idempotency-replayed"]) == (first.content, "true")
    problem(giver.give(receiver.id, 31, idempotency_key=key), 422, "idempotency-key-reused")
    assert (giver.balance()["available"], receiver.balance()["available"]) == (70, 30)


def test_a_partner_gives_only_beside_the_givers_token(street: Street) -> None:
    giver, receiver, other = street.new_member(), street.new_member(), street.new_member()
    giver.earn(100)
    whole = {"programme": PROGRAMME, "to": receiver.ref, "points": 10}

    def send(token: str | None, **body: object) -> httpx.Response:
        headers = {} if token is None else {"Member-Token": token}
        return street.service.post("/v1/gifts", {**whole, **body}, key=street.cafe, headers=headers)

    problem(send(None), 403, "forbidden")
    problem(send(other.token(), **{"from": giver.ref}), 404, "member-not-found")
    problem(send("cpm_nonsense"), 401, "unauthenticated")
    token = giver.token()
    answer = send(token, **{"from": giver.ref})
    assert (answer.status_code, answer.json()["partner"]) == (201, "CAFE")
    assert send(token).status_code == 201
    assert (giver.balance()["available"], receiver.balance()["available"]) == (80, 20)


def test_the_receivers_side_shows_no_balance_to_the_partner(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(100)
    receiver.earn(7)
    headers = {"Member-Token": giver.token()}
    whole = {"programme": PROGRAMME, "to": receiver.ref, "points": 10}
    given = street.service.post("/v1/gifts", whole, key=street.cafe, headers=headers).json()["id"]
    counter = street.service.get(f"/v1/transactions/{given}").json()["counter"]
    assert "counter" not in street.service.get(f"/v1/transactions/{given}", key=street.cafe).json()
    assert "balance" in street.service.get(f"/v1/transactions/{given}", key=street.cafe).json()
    other_side = street.service.get(f"/v1/transactions/{counter}", key=street.cafe)
    assert "balance" not in other_side.json()


def test_a_member_gives_its_own_points_alone(street: Street) -> None:
    giver, victim = street.new_member(), street.new_member()
    victim.earn(100)
    problem(giver.give(giver.card, 10, **{"from": victim.id}), 404, "member-not-found")
    problem(giver.give(giver.card, 10, **{"from": "card:0000000000000000"}), 404, "member-not-found")
    assert victim.balance()["available"] == 100


@pytest.mark.parametrize(
    ("receiver", "status", "code"),
    [("id", 409, "same-member"), ("card:1", 404, "receiver-not-found"), ("ref:nobody", 404, "receiver-not-found")],
)
def test_a_gift_needs_another_member(street: Street, receiver: str, status: int, code: str) -> None:
    giver = street.new_member()
    giver.earn(100)
    problem(giver.give(giver.id if receiver == "id" else receiver, 10), status, code)
    assert giver.balance()["available"] == 100


def test_a_receiver_that_is_frozen_takes_no_gift_and_the_reason_is_not_told(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(100)
    street.service.post(f"/v1/members/{receiver.id}/freeze", {"reason": "r"}).raise_for_status()
    assert "frozen" not in problem(giver.give(receiver.id, 10), 409, "receiver-not-active")["detail"]


def test_what_a_month_allows_is_not_exceeded(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(9_000)
    assert giver.give(receiver.id, 4_000).status_code == 201
    refusal = problem(giver.give(receiver.id, 1_001), 409, "limit-exceeded")
    assert (refusal["limit"], refusal["used"], refusal["requested"]) == (5_000, 4_000, 1_001)
    second = street.new_member()
    second.earn(2_000)
    assert "used" not in problem(second.give(receiver.id, 1_001), 409, "limit-exceeded")
    assert giver.give(receiver.id, 1_000).status_code == 201


def test_the_limit_on_gifts_is_the_programmes_own(street: Street) -> None:
    code = f"G{uuid4().hex[:8]}"
    street.service.add_programme(code, gift_points_a_month=10)
    street.service.permit(code, "CAFE", may_issue=True, may_accept=True)
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(100, programme=code)
    problem(giver.give(receiver.id, 11, programme=code), 409, "limit-exceeded")
    read = street.service.get(f"/v1/programmes/{code}")
    assert read.json()["gift_points_a_month"] == 10
    changed = street.service.request(
        "PATCH",
        f"/v1/programmes/{code}",
        json={"gift_points_a_month": 11},
        headers={"If-Match": read.headers["etag"]},
    )
    assert (changed.status_code, changed.json()["gift_points_a_month"], changed.json()["is_open"]) == (200, 11, True)
    assert giver.give(receiver.id, 11, programme=code).status_code == 201
    empty = street.service.request("PATCH", f"/v1/programmes/{code}", json={}, headers={"If-Match": "*"})
    problem(empty, 400, "malformed-request")


def test_more_than_is_available_is_not_given(street: Street) -> None:
    giver, receiver = street.new_member(), street.new_member()
    giver.earn(5)
    assert problem(giver.give(receiver.id, 6), 409, "insufficient-points")["available"] == 5


def test_staff_give_nothing(street: Street) -> None:
    body = {"programme": PROGRAMME, "to": "card:1", "points": 1}
    problem(street.service.post("/v1/gifts", body), 403, "forbidden")


@pytest.mark.parametrize("change", [{"points": 0}, {"to": ""}, {"from": 7}, {"giver": "x"}, {"message": "for you"}])
def test_a_malformed_gift_records_nothing(street: Street, change: dict[str, object]) -> None:
    giver = street.new_member()
    token = giver.token()
    before = street.rows()
    body = {"programme": PROGRAMME, "to": "card:1", "points": 1, **change}
    problem(street.service.post("/v1/gifts", body, key=token), 400, "malformed-request")
    assert street.rows() == before


def test_giver_and_receiver_find_the_gift_by_what_is_theirs(street: Street) -> None:
    giver, receiver, key = street.new_member(), street.new_member(), uuid4().hex
    giver.earn(10)
    token = giver.token()
    body = {"programme": PROGRAMME, "to": receiver.id, "points": 10}
    given = street.service.post("/v1/gifts", body, key=token, idempotency_key=key).json()["id"]
    found = street.service.get(f"/v1/transactions?key={key}", key=token).json()
    assert [one["id"] for one in found["transactions"]] == [given]
    problem(street.service.get(f"/v1/transactions?key={key}", key=receiver.token()), 404, "not-found")
    problem(street.service.get(f"/v1/transactions/{given}", key=receiver.token()), 404, "transaction-not-found")
    [line] = street.service.get(f"/v1/members/{receiver.id}/statement?programme={PROGRAMME}").json()["lines"]
    assert (line["kind"], line["points"]) == ("gift", 10)
