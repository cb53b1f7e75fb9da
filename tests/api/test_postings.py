"""Earnings, redemptions and reversals over HTTP: answers, refusals, replays."""

from uuid import uuid4

import pytest

from tests.api.street import PROGRAMME, Street, problem

LONG_AGO, FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"


def test_an_earning_answers_with_its_transaction(street: Street) -> None:
    member = street.new_member()
    answer = member.earn(120, outlet="till-1", channel="pos", reference="receipt 7", metadata={"till": "1"})
    assert answer.status_code == 201
    assert answer.headers["content-type"] == "application/json"
    assert "idempotency-replayed" not in answer.headers
    body = answer.json()
    assert (body["kind"], body["programme"], body["member"], body["partner"]) == ("earn", PROGRAMME, member.id, "CAFE")
    assert body["points"] == 120
    assert [(lot["funding"], lot["points"]) for lot in body["lots"]] == [([{"partner": "CAFE", "parts": 1}], 120)]
    assert body["recorded_at"].endswith("Z")
    assert "balance" not in body
    assert "receipt 7" not in answer.text


def test_a_spend_earns_by_the_programmes_rate_and_says_how(street: Street) -> None:
    body = street.new_member().spend("90.99").json()
    assert body["points"] == 90
    assert "90" in body["explanation"]


def test_a_redemption_uses_points_and_its_reversal_gives_them_back(street: Street) -> None:
    member = street.new_member()
    member.earn(100)
    redemption = member.redeem(30, cash={"currency": "CNY", "amount": "3.50"})
    assert redemption.status_code == 201
    assert member.balance()["available"] == 70
    reversal = member.reverse(redemption.json()["id"], points=10)
    assert reversal.status_code == 201
    assert reversal.json()["reverses"] == redemption.json()["id"]
    assert member.balance()["available"] == 80
    rest = member.reverse(redemption.json()["id"])
    assert rest.json()["points"] == 20
    assert member.balance()["available"] == 100


def test_a_reversal_by_spend_keeps_the_points_of_the_money_kept(street: Street) -> None:
    member = street.new_member()
    earning = member.spend("10.50").json()
    reversal = member.reverse(earning["id"], spend={"currency": "CNY", "amount": "0.60"})
    assert reversal.json()["points"] == 1
    assert member.balance()["available"] == 9


def test_the_balance_is_shown_only_beside_the_members_own_token(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    shown = member.earn(50, headers={"Member-Token": member.token()})
    assert shown.json()["balance"] == {"available": 50, "held": 0, "pending": 0}
    assert "balance" not in member.earn(50, headers={"Member-Token": other.token()}).json()


@pytest.mark.parametrize("with_token", [True, False])
def test_available_points_are_told_in_a_refusal_only_beside_the_token(street: Street, *, with_token: bool) -> None:
    member = street.new_member()
    member.earn(5)
    headers = {"Member-Token": member.token()} if with_token else {}
    refusal = problem(member.redeem(6, headers=headers), 409, "insufficient-points")
    assert refusal["requested"] == 6
    assert refusal.get("available") == (5 if with_token else None)


def test_a_replay_shows_the_balance_that_the_first_answer_showed_whoever_asks(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    first = member.earn(50, idempotency_key=key, headers={"Member-Token": member.token()})
    member.earn(1)
    again = member.earn(50, idempotency_key=key)
    assert again.content == first.content
    key = uuid4().hex
    hidden = member.earn(3, idempotency_key=key)
    assert member.earn(3, idempotency_key=key, headers={"Member-Token": member.token()}).content == hidden.content


def test_replays_of_every_operation_are_the_same_bytes_and_change_nothing(street: Street) -> None:
    member = street.new_member()
    keys = [uuid4().hex for _ in range(5)]
    earning = member.earn(100, idempotency_key=keys[0])
    redemption = member.redeem(40, idempotency_key=keys[1])
    firsts = [
        earning,
        redemption,
        member.reverse(redemption.json()["id"], points=15, idempotency_key=keys[2]),
        member.reverse(earning.json()["id"], idempotency_key=keys[3]),
        member.redeem(1_000, idempotency_key=keys[4]),
    ]
    before, rows = member.balance(), street.rows()
    for _ in range(4):
        again = [
            member.earn(100, idempotency_key=keys[0]),
            member.redeem(40, idempotency_key=keys[1]),
            member.reverse(redemption.json()["id"], points=15, idempotency_key=keys[2]),
            member.reverse(earning.json()["id"], idempotency_key=keys[3]),
            member.redeem(1_000, idempotency_key=keys[4]),
        ]
        for first, replay in zip(firsts, again, strict=True):
            assert (replay.status_code, replay.content) == (first.status_code, first.content)
            assert replay.headers["content-type"] == first.headers["content-type"]
            assert replay.headers["idempotency-replayed"] == "true"
    assert (member.balance(), street.rows()) == (before, rows)


def test_metadata_in_another_order_is_the_same_request(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    first = member.earn(5, idempotency_key=key, metadata={"a": "1", "b": "2"})
    again = member.earn(5, idempotency_key=key, metadata={"b": "2", "a": "1"})
    assert again.content == first.content
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_used_for_another_request_is_refused_and_changes_nothing(street: Street) -> None:
    member, other, key = street.new_member(), street.new_member(), uuid4().hex
    first = member.earn(100, idempotency_key=key)
    before = street.rows()
    for attempt in (
        member.earn(101, idempotency_key=key),
        member.earn(100, idempotency_key=key, reference="another text"),
        other.earn(100, idempotency_key=key),
        member.redeem(100, idempotency_key=key),
        member.reverse(first.json()["id"], idempotency_key=key),
        street.service.post("/v1/members", {"reference": "x"}, key=street.cafe, idempotency_key=key),
    ):
        problem(attempt, 422, "idempotency-key-reused")
    assert street.rows() == before


def test_a_key_of_a_member_request_is_refused_for_an_earning(street: Street) -> None:
    key = uuid4().hex
    member = street.new_member()
    street.service.post("/v1/members", {"reference": uuid4().hex}, key=street.cafe, idempotency_key=key)
    problem(member.earn(1, idempotency_key=key), 422, "idempotency-key-reused")


def test_partners_have_key_spaces_of_their_own(street: Street) -> None:
    key = uuid4().hex
    ours, theirs = street.new_member(), street.new_member(street.books)
    assert ours.earn(7, idempotency_key=key).status_code == 201
    assert theirs.earn(9, idempotency_key=key).status_code == 201


def test_a_missing_or_malformed_key_is_refused_and_nothing_recorded(street: Street) -> None:
    member = street.new_member()
    before = street.rows()
    body = {"programme": PROGRAMME, "member": member.ref, "scene": "food", "points": 1}
    answer = street.service.request("POST", "/v1/earnings", key=street.cafe, json=body)
    problem(answer, 400, "idempotency-key-missing")
    for key in ("", "with space", "k" * 256, "tab\tkey", b"\xc3\xa4"):
        headers = {"Idempotency-Key": key}
        answer = street.service.request("POST", "/v1/earnings", key=street.cafe, json=body, headers=headers)
        assert answer.status_code == 400, key
        assert answer.json()["code"] in {"idempotency-key-malformed", "idempotency-key-missing"}
    assert street.rows() == before


def test_the_refusals_of_earnings_have_their_codes(street: Street) -> None:
    member, key = street.new_member(), street.cafe
    problem(member.earn(1, programme="NOPE"), 404, "programme-not-found")
    problem(member.earn(1, member="ref:nobody"), 404, "member-not-found")
    problem(member.earn(1, occurred_at=FUTURE), 409, "occurred-in-future")
    problem(member.earn(1, occurred_at=LONG_AGO), 409, "occurred-too-long-ago")
    problem(member.earn(1_000_000_000_001), 422, "amount-out-of-range")
    problem(member.spend("9999999999999999.99"), 422, "amount-out-of-range")
    problem(member.spend("0.99"), 409, "zero-points")
    problem(member.earn(None, spend={"currency": "EUR", "amount": "5.00"}), 422, "currency-mismatch")  # type: ignore[arg-type]
    street.set_status(member.id, "frozen")
    problem(member.earn(1), 409, "member-frozen")
    street.set_status(member.id, "closed")
    problem(member.earn(1, key=key), 409, "member-closed")


def test_the_refusals_of_redemptions_have_their_codes(street: Street) -> None:
    member = street.new_member()
    problem(member.redeem(1, programme="NOPE"), 404, "programme-not-found")
    problem(member.redeem(1, member="card:0000000000000000"), 404, "member-not-found")
    problem(member.redeem(1), 409, "insufficient-points")
    problem(member.redeem(1, occurred_at=FUTURE), 409, "occurred-in-future")
    problem(member.redeem(1, cash={"currency": "EUR", "amount": "5.00"}), 422, "currency-mismatch")
    problem(member.redeem(1_000_000_000_001), 422, "amount-out-of-range")


def test_the_refusals_of_reversals_have_their_codes(street: Street) -> None:
    member = street.new_member()
    earning = member.spend("100.00").json()["id"]
    problem(member.reverse("01a20c2c-a1ac-8001-8000-0000004af491"), 404, "transaction-not-found")
    problem(member.reverse("no-id-at-all"), 404, "transaction-not-found")
    problem(member.reverse(earning, points=101), 409, "reversal-exceeds-original")
    problem(member.reverse(earning, spend={"currency": "EUR", "amount": "1.00"}), 422, "currency-mismatch")
    reversal = member.reverse(earning).json()["id"]
    problem(member.reverse(earning), 409, "already-reversed")
    problem(member.reverse(reversal), 409, "not-reversible")


def test_what_a_partner_may_do_holds_at_once(street: Street) -> None:
    service, code = street.service, f"P{uuid4().hex[:8]}"
    service.add_programme(code)
    shop = f"S{uuid4().hex[:8]}"
    key = service.add_partner(shop)
    member = street.new_member(key)
    problem(member.earn(1, programme=code), 403, "partner-not-permitted")
    service.permit(code, shop, may_issue=True, may_accept=False)
    assert member.earn(10, programme=code).status_code == 201
    problem(member.redeem(1, programme=code), 403, "partner-not-permitted")
    service.permit(code, shop, may_issue=False, may_accept=True)
    problem(member.earn(10, programme=code), 403, "partner-not-permitted")
    assert member.redeem(1, programme=code).status_code == 201


def test_points_available_later_are_pending(street: Street) -> None:
    member = street.new_member()
    assert member.earn(10, available_from=FUTURE).status_code == 201
    assert (member.balance()["available"], member.balance()["pending"]) == (0, 10)
    problem(member.redeem(1), 409, "insufficient-points")


def test_a_lost_answer_is_found_by_its_key(street: Street) -> None:
    member, key, refused = street.new_member(), uuid4().hex, uuid4().hex
    earning = member.earn(10, idempotency_key=key).json()
    refusal = member.redeem(11, idempotency_key=refused).json()
    found = street.service.get(f"/v1/transactions?key={key}", key=street.cafe).json()
    assert [(one["id"], one["points"]) for one in found["transactions"]] == [(earning["id"], 10)]
    assert found["refusal"] is None
    found = street.service.get(f"/v1/transactions?key={refused}", key=street.cafe).json()
    assert (found["transactions"], found["refusal"]) == ([], refusal)
    problem(street.service.get("/v1/transactions?key=never-used", key=street.cafe), 404, "not-found")


def test_transactions_are_found_by_the_partners_reference_newest_first(street: Street) -> None:
    member, reference = street.new_member(), uuid4().hex
    first = member.earn(10, reference=reference).json()["id"]
    second = member.redeem(4, reference=reference).json()["id"]
    found = street.service.get(f"/v1/transactions?reference={reference}", key=street.cafe).json()
    assert [one["id"] for one in found["transactions"]] == [second, first]
    other = street.service.get(f"/v1/transactions?reference={reference}", key=street.books).json()
    assert other["transactions"] == []


def test_a_transaction_is_read_with_its_postings_and_what_reversed_it(street: Street) -> None:
    member = street.new_member()
    earning = member.earn(10).json()
    reversal = member.reverse(earning["id"], points=4).json()
    read = street.service.get(f"/v1/transactions/{earning['id']}", key=street.cafe).json()
    assert {name: read[name] for name in earning} == earning
    assert read["reversed_by"] == [reversal["id"]]
    assert read["postings"] == [
        {
            "debit": {"kind": "issuance", "owner": "CAFE"},
            "credit": {"kind": "available", "owner": member.id},
            "points": 10,
            "lot": earning["lots"][0]["id"],
        }
    ]
    assert len(bytes.fromhex(read["hash"])) == 32
