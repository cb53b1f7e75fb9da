"""Erasure over HTTP: what says who a member is goes, what the ledger promised stays."""

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from ledger.audit import AuditReport, audit
from ledger.store.erasing import TEXTS_PER_STEP
from ledger.store.unit_of_work import open_pool
from tests.api.street import PROGRAMME, Regular, Street, problem
from tests.databases import LedgerDatabase
from tests.service import Service, make_staff_key, run_apart

ASKED = {"reason": "member-asked"}
FORGOTTEN_WITHIN_SECONDS = 10.0
SERVICE_WAIT_SECONDS = 20.0
CONSENTS = [{"purpose": "balance"}, {"purpose": "offers"}]

LEFT = """
select (select count(*) from personal_data where public_id = %(id)s),
       (select count(*) from consents where public_id = %(id)s),
       (select count(*) from details d join transactions t on t.lane = d.lane and t.sequence = d.sequence
        join members m on m.lane = t.lane and m.member = t.member where m.public_id = %(id)s),
       (select count(*) from member_names n join members m on m.lane = n.lane and m.member = n.member
        where m.public_id = %(id)s and n.kind <> 'id'),
       (select count(*) from member_tokens n join members m on m.lane = n.lane and m.member = n.member
        where m.public_id = %(id)s)
"""


def erase(member: Regular, *, key: str | None = None, idempotency_key: str | None = None) -> httpx.Response:
    """Ask for a member to be erased; as the operator without a key."""
    path = f"/v1/members/{member.id}/erasure"
    return member.street.service.post(path, ASKED, key=key, idempotency_key=idempotency_key)


def known_member(street: Street) -> Regular:
    """A member of whom the vault holds everything that it can hold."""
    reference = uuid4().hex
    body = {"reference": reference, "region": "310101", "birth_year": 1980, "consents": CONSENTS}
    answer = street.service.post("/v1/members", body, key=street.cafe).raise_for_status().json()
    member = Regular(street, street.cafe, answer["id"], f"ref:{reference}", f"card:{answer['card']}")
    first = member.earn(30, reference="till 7", evidence="photo", metadata={"shelf": "b"}).json()
    member.redeem(10, evidence="slip")
    member.reverse(first["id"], points=5)
    return member


def left(member: Regular) -> tuple[Any, ...]:
    """How many rows are left of a member: personal data, consents, texts, names beside the id, tokens."""
    with psycopg.connect(member.street.service.database.superuser_url) as connection:
        row = connection.execute(LEFT, {"id": member.id}).fetchone()
    assert row is not None
    return row


def audited(database: LedgerDatabase) -> AuditReport:
    async def work() -> AuditReport:
        async with open_pool(database.service_url, maximum_size=1) as pool:
            return await audit(pool)

    return run_apart(work())


def forgotten(street: Street, name: str) -> None:
    """Wait until no process of the service remembers a name."""
    deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
    unknown = 0
    while unknown < 8:
        assert time.monotonic() < deadline, f"{name} is still known"
        is_unknown = street.service.get(f"/v1/members/{name}", key=street.cafe).status_code == 404
        unknown = unknown + 1 if is_unknown else 0


def test_an_erased_member_leaves_nothing_but_its_id_and_the_proof(street: Street) -> None:
    member = known_member(street)
    member.token()
    assert left(member) == (1, 2, 3, 2, 1)
    street.set_status(member.id, "closed")
    answer = erase(member)
    assert answer.status_code == 201
    assert answer.json().keys() == {"id", "erased_at", "erased_by", "reason"}
    assert (answer.json()["erased_by"], answer.json()["reason"]) == ("operator", "member-asked")
    assert left(member) == (0, 0, 0, 0, 0)
    with psycopg.connect(street.service.database.superuser_url) as connection:
        proof = connection.execute("select erased_by, reason from erasures where public_id = %s", [member.id])
        assert proof.fetchall() == [("operator", "member-asked")]
    assert member.balance()["available"] == 15


def test_the_chain_stays_whole_and_the_auditor_counts_what_was_erased(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        street = Street(service)
        member = known_member(street)
        street.new_member().earn(1, reference="stays")
        assert (audited(database).is_clean, audited(database).erased_details) == (True, 0)
        street.close(member.id)
        erase(member).raise_for_status()
        report = audited(database)
        assert (report.is_clean, report.erased_details) == (True, 4), report.differences


def test_every_key_about_an_erased_member_is_answered_as_before(street: Street) -> None:
    reference = uuid4().hex
    new = {"reference": reference, "region": "310101", "consents": [{"purpose": "offers"}]}
    requests: list[tuple[str, dict[str, Any]]] = [("/v1/members", new)]
    common = {"programme": PROGRAMME, "member": f"ref:{reference}", "scene": "food"}
    requests.append(("/v1/earnings", {**common, "points": 30, "reference": "till 7", "evidence": "photo"}))
    requests.append(("/v1/redemptions", {**common, "points": 10, "metadata": {"shelf": "b"}}))
    requests.append(("/v1/redemptions", {**common, "points": 1_000, "evidence": "slip"}))
    keys = [uuid4().hex for _ in range(5)]
    answers = [
        street.service.post(path, body, key=street.cafe, idempotency_key=key)
        for (path, body), key in zip(requests, keys, strict=False)
    ]
    reversal = f"/v1/transactions/{answers[1].json()['id']}/reversals"
    requests.append((reversal, {"reason": "returned by the member"}))
    answers.append(street.service.post(reversal, requests[-1][1], key=street.cafe, idempotency_key=keys[-1]))
    assert [answer.status_code for answer in answers] == [201, 201, 201, 409, 201]
    identifier = answers[0].json()["id"]
    member = Regular(street, street.cafe, identifier, f"ref:{reference}", "")
    street.set_status(identifier, "closed")
    erase(member).raise_for_status()
    forgotten(street, member.ref)
    for (path, body), key, answer in zip(requests, keys, answers, strict=True):
        for _ in range(4):
            again = street.service.post(path, body, key=street.cafe, idempotency_key=key)
            assert (again.status_code, again.content) == (answer.status_code, answer.content), path
            assert again.headers["idempotency-replayed"] == "true"
    found = street.service.get(f"/v1/transactions?key={keys[1]}", key=street.cafe).json()
    assert found["transactions"][0]["id"] == answers[1].json()["id"]


def test_an_export_after_it_is_empty_but_for_points_and_the_id(street: Street) -> None:
    member = known_member(street)
    street.set_status(member.id, "closed")
    erase(member).raise_for_status()
    document = street.service.get(f"/v1/members/{member.id}/export").raise_for_status().json()
    assert [document[name] for name in ("profiles", "tokens", "consents", "texts")] == [[]] * 4
    assert [name["kind"] for name in document["names"]] == ["id"]
    assert [len(account["statement"]) for account in document["accounts"]] == [3]


def test_names_of_an_erased_member_find_nobody_and_may_name_a_new_one(street: Street) -> None:
    member = known_member(street)
    for _ in range(4):
        assert street.service.get(f"/v1/members/{member.ref}", key=street.cafe).status_code == 200
    street.set_status(member.id, "closed")
    erase(member).raise_for_status()
    forgotten(street, member.ref)
    problem(street.service.get(f"/v1/members/{member.card}", key=street.books), 404, "member-not-found")
    body = {"reference": member.ref.removeprefix("ref:")}
    anew = street.service.post("/v1/members", body, key=street.cafe)
    assert anew.status_code == 201
    assert anew.json()["id"] != member.id
    # A process that no request of the wait above came to may remember the old name for about a second more.
    deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
    while (earned := member.earn(1)).status_code != 201 and time.monotonic() < deadline:
        time.sleep(0.2)
    assert (earned.status_code, earned.json()["member"]) == (201, anew.json()["id"])


def test_a_token_ends_with_the_member_in_every_process(street: Street) -> None:
    member = known_member(street)
    token = member.token()
    path = f"/v1/members/{member.id}/balances?programme={PROGRAMME}"
    for _ in range(4):
        assert street.service.get(path, key=token).status_code == 200
    street.set_status(member.id, "closed")
    answer = erase(member, key=token)
    assert (answer.status_code, answer.json()["erased_by"]) == (201, "member")
    deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
    refused = 0
    while refused < 8:
        assert time.monotonic() < deadline, "the token is still good"
        refused = refused + 1 if street.service.get(path, key=token).status_code == 401 else 0


@pytest.mark.parametrize("status", ["active", "frozen"])
def test_a_member_that_is_not_closed_is_not_erased(street: Street, status: str) -> None:
    member, key = known_member(street), uuid4().hex
    street.set_status(member.id, status)
    before = left(member)
    refused = erase(member, idempotency_key=key)
    assert problem(refused, 409, "member-not-closed")["member_status"] == status
    street.set_status(member.id, "closed")
    again = erase(member, idempotency_key=key)
    assert again.content == refused.content
    assert again.headers["idempotency-replayed"] == "true"
    assert left(member) == before


def test_asking_again_answers_the_first_proof_and_erases_what_has_come_in_since(street: Street) -> None:
    member, key = known_member(street), uuid4().hex
    street.set_status(member.id, "closed")
    first = erase(member, idempotency_key=key)
    replayed = erase(member, idempotency_key=key)
    assert (replayed.status_code, replayed.content) == (201, first.content)
    street.set_status(member.id, "active")
    member.earn(1, member=member.id, reference="late")
    street.set_status(member.id, "closed")
    assert left(member) == (0, 0, 1, 0, 0)
    again = erase(member, key=make_staff_key(street.service.database, "support"))
    assert (again.status_code, again.json()) == (200, first.json())
    assert left(member) == (0, 0, 0, 0, 0)


def test_erased_at_once_by_many_there_is_one_proof(street: Street) -> None:
    member = known_member(street)
    street.set_status(member.id, "closed")
    with ThreadPoolExecutor(8) as together:
        answers = list(together.map(lambda _: erase(member), range(8)))
    assert {answer.content for answer in answers} == {answers[0].content}
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]


def test_what_a_member_was_before_a_merge_is_erased_with_it(street: Street) -> None:
    member, former = known_member(street), known_member(street)
    merge = (
        "update members set status = 'merged', into_lane = i.lane, into_member = i.member from members i"
        " where members.public_id = %s and i.public_id = %s"
    )
    with psycopg.connect(street.service.database.superuser_url) as connection:
        connection.execute(merge, [former.id, member.id])
    street.set_status(member.id, "closed")
    erase(member).raise_for_status()
    assert left(member) == left(former) == (0, 0, 0, 0, 0)


def test_erasure_is_for_the_member_and_those_who_help_it_alone(street: Street) -> None:
    member, other = known_member(street), street.new_member()
    street.set_status(member.id, "closed")
    before = left(member)
    problem(erase(member, key=other.token()), 404, "member-not-found")
    problem(erase(member, key=street.cafe), 403, "forbidden")
    for role in ("finance-clerk", "finance-approver", "manager", "auditor"):
        problem(erase(member, key=make_staff_key(street.service.database, role)), 403, "forbidden")
    path = f"/v1/members/{member.id}/erasure"
    for body in ({}, {"reason": "because"}, {"reason": "member-asked", "note": "x"}):
        problem(street.service.post(path, body), 400, "malformed-request")
    problem(street.service.post("/v1/members/nobody/erasure", ASKED), 404, "member-not-found")
    assert left(member) == before


def test_killed_half_way_it_is_finished_when_asked_again(database: LedgerDatabase) -> None:
    with Service.start(database, sandbox=True) as service:
        member = _member_with_many_texts(Street(service))
        key, token = uuid4().hex, member.token()
        member.street.close(member.id)
        with psycopg.connect(database.superuser_url) as blocking, ThreadPoolExecutor(1) as asking:
            blocking.execute("select from details where convert_from(document, 'utf8') like '%n1500%' for update")
            asked = asking.submit(_ask_in_vain, member, token, key)
            # One more than a step: the reason of its closing.
            _wait_until(lambda: left(member)[2] == TEXTS_PER_STEP + 1)
            service.kill()
            asked.result()
        assert left(member) == (0, 0, TEXTS_PER_STEP + 1, 0, 1)
    with Service.start(database, sandbox=True) as service:
        again = service.post(f"/v1/members/{member.id}/erasure", ASKED, key=token, idempotency_key=key)
        assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
        assert again.json()["erased_by"] == "member"
        assert left(member) == (0, 0, 0, 0, 0)
    assert audited(database).is_clean


def _member_with_many_texts(street: Street) -> Regular:
    """A member with texts for two steps of an erasure."""
    member = street.new_member()
    common = {"operation": "earn", "programme": PROGRAMME, "member": member.ref, "scene": "food", "points": 1}
    for first in range(0, 2 * TEXTS_PER_STEP, 1_000):
        numbers = range(first, first + 1_000)
        items = [{**common, "key": f"k{number}", "reference": f"n{number}"} for number in numbers]
        street.service.post("/v1/bulk", {"mode": "independent", "items": items}, key=street.cafe).raise_for_status()
    return member


def _ask_in_vain(member: Regular, token: str, key: str) -> None:
    with pytest.raises(httpx.TransportError):
        erase(member, key=token, idempotency_key=key)


def _wait_until(is_so: Any) -> None:
    deadline = time.monotonic() + SERVICE_WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)
