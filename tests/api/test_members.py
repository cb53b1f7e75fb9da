"""Members over HTTP: created once per reference, linked, given cards and tokens."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import psycopg

from tests.api.street import PROGRAMME, Street, problem


def test_a_member_is_created_with_a_card_and_found_again_without_it(street: Street) -> None:
    reference = uuid4().hex
    first = street.service.post("/v1/members", {"reference": reference}, key=street.cafe)
    assert first.status_code == 201
    assert first.json().keys() == {"id", "status", "created_at", "card"}
    assert first.json()["status"] == "active"
    again = street.service.post("/v1/members", {"reference": reference}, key=street.cafe)
    assert again.status_code == 200
    assert again.json() == {**first.json(), "card": None}


def test_a_replay_tells_the_card_again_though_no_card_is_stored(street: Street) -> None:
    key, reference = uuid4().hex, uuid4().hex
    first = street.service.post("/v1/members", {"reference": reference}, key=street.cafe, idempotency_key=key)
    for _ in range(4):
        again = street.service.post("/v1/members", {"reference": reference}, key=street.cafe, idempotency_key=key)
        assert (again.status_code, again.content) == (201, first.content)
        assert again.headers["idempotency-replayed"] == "true"
    with psycopg.connect(street.service.database.superuser_url) as connection:
        [(answers,)] = connection.execute("select string_agg(answer::text, ' ') from idempotency_keys").fetchall()
    assert first.json()["card"].encode().hex() not in answers
    assert reference.encode().hex() not in answers


def test_the_same_reference_at_once_makes_one_member(street: Street) -> None:
    reference = uuid4().hex
    with ThreadPoolExecutor(8) as together:
        answers = list(
            together.map(
                lambda _: street.service.post("/v1/members", {"reference": reference}, key=street.cafe), range(16)
            )
        )
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 15 + [201]


def test_the_same_key_at_once_gives_every_caller_the_same_answer(street: Street) -> None:
    reference, key = uuid4().hex, uuid4().hex
    with ThreadPoolExecutor(8) as together:
        answers = list(
            together.map(
                lambda _: street.service.post(
                    "/v1/members", {"reference": reference}, key=street.cafe, idempotency_key=key
                ),
                range(16),
            )
        )
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 15


def test_a_reference_is_linked_by_the_card_presented(street: Street) -> None:
    member, reference = street.new_member(), uuid4().hex
    link = f"/v1/members/{member.card}/links"
    linked = street.service.post(link, {"reference": reference}, key=street.books)
    assert (linked.status_code, linked.json()) == (201, {"id": member.id})
    assert member.earn(5, key=street.books, member=f"ref:{reference}").status_code == 201
    assert street.service.post(link, {"reference": reference}, key=street.books).status_code == 201


def test_a_reference_is_linked_with_the_members_token_and_not_without(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    link, body = f"/v1/members/{member.id}/links", {"reference": uuid4().hex}
    problem(street.service.post(link, body, key=street.books), 403, "forbidden")
    with_other = street.service.post(link, body, key=street.books, headers={"Member-Token": other.token()})
    problem(with_other, 403, "forbidden")
    linked = street.service.post(link, body, key=street.books, headers={"Member-Token": member.token()})
    assert linked.json() == {"id": member.id}


def test_a_reference_that_names_another_member_is_not_linked_again(street: Street) -> None:
    member, other = street.new_member(), street.new_member()
    body, key = {"reference": member.ref.removeprefix("ref:")}, uuid4().hex
    link = f"/v1/members/{other.card}/links"
    refusal = street.service.post(link, body, key=street.cafe, idempotency_key=key)
    problem(refusal, 409, "already-exists")
    again = street.service.post(link, body, key=street.cafe, idempotency_key=key)
    assert again.content == refusal.content
    assert again.headers["idempotency-replayed"] == "true"


def test_an_operator_links_on_a_sandbox_alone(street: Street, live_street: Street) -> None:
    member, reference = street.new_member(), uuid4().hex
    link = f"/v1/members/{member.id}/links"
    assert street.service.post(link, {"reference": reference, "partner": "BOOKS"}).json() == {"id": member.id}
    assert street.service.get(f"/v1/members/ref:{reference}", key=street.books).json()["id"] == member.id
    problem(street.service.post(link, {"reference": reference}), 400, "malformed-request")
    problem(street.service.post(link, {"reference": reference, "partner": "NOPE"}), 404, "not-found")
    live = live_street.new_member()
    body = {"reference": reference, "partner": "BOOKS"}
    problem(live_street.service.post(f"/v1/members/{live.id}/links", body), 403, "forbidden")


def test_a_blocked_card_names_nobody_at_once_and_in_every_process(street: Street) -> None:
    member = street.new_member()
    for _ in range(4):
        assert member.earn(1, key=street.books, member=member.card).status_code == 201
    key, path = uuid4().hex, f"/v1/members/{member.card}/cards"
    issued = street.service.post(path, {"block_others": True}, idempotency_key=key)
    again = street.service.post(path, {"block_others": True}, idempotency_key=key)
    assert (issued.status_code, again.content) == (201, issued.content)
    for _ in range(8):
        problem(member.earn(1, key=street.books, member=member.card), 404, "member-not-found")
    new_card = f"card:{issued.json()['card']}"
    assert member.earn(1, key=street.books, member=new_card).status_code == 201
    item = {"operation": "earn", "key": uuid4().hex, "programme": PROGRAMME, "scene": "food", "points": 1}
    items = [{**item, "member": member.card}, {**item, "key": uuid4().hex, "member": new_card}]
    bulk = street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.books).json()
    assert [result["status"] for result in bulk["results"]] == [404, 201]


def test_a_token_is_shown_once_and_a_replay_says_null(street: Street) -> None:
    member, key = street.new_member(), uuid4().hex
    path = f"/v1/members/{member.id}/tokens"
    first = street.service.post(path, {}, idempotency_key=key).json()
    assert first["token"].startswith("cpm_")
    again = street.service.post(path, {}, idempotency_key=key)
    assert again.json() == {**first, "token": None}
    assert again.headers["idempotency-replayed"] == "true"


def test_a_partner_makes_tokens_on_a_sandbox_alone(street: Street, live_street: Street) -> None:
    member, live = street.new_member(), live_street.new_member()
    made = street.service.post(f"/v1/members/{member.ref}/tokens", {}, key=street.cafe)
    assert made.status_code == 201
    refused = live_street.service.post(f"/v1/members/{live.ref}/tokens", {}, key=live_street.cafe)
    problem(refused, 403, "forbidden")
    assert live.token().startswith("cpm_")


def test_staff_name_members_by_id_or_card_and_an_unknown_one_is_not_found(street: Street) -> None:
    member = street.new_member()
    assert street.service.get(f"/v1/members/{member.id}").json()["id"] == member.id
    assert street.service.get(f"/v1/members/{member.card}").json()["id"] == member.id
    for name in (member.ref, "ref:x", "card:1", "nobody", "%00", "..", "ref:%2F"):
        assert street.service.get(f"/v1/members/{name}").status_code == 404, name


def test_a_member_is_named_by_its_id_in_any_case(street: Street) -> None:
    member = street.new_member()
    assert street.service.get(f"/v1/members/{member.id.upper()}").json()["id"] == member.id


def test_one_key_for_a_posting_and_a_member_at_once_has_one_effect(street: Street) -> None:
    member = street.new_member()
    with ThreadPoolExecutor(2) as together:
        for number in range(20):
            key = f"{member.id}-{number}"
            new = {"reference": uuid4().hex}
            created = together.submit(street.service.post, "/v1/members", new, key=street.cafe, idempotency_key=key)
            earned = together.submit(member.earn, 1, idempotency_key=key)
            answers = [created.result(), earned.result()]
            assert sorted(answer.status_code for answer in answers) == [201, 422], [one.text for one in answers]
            known = street.service.get(f"/v1/members/ref:{new['reference']}", key=street.cafe).status_code
            assert known == (200 if answers[0].status_code == 201 else 404)
