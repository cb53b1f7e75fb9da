"""One member's code in many tills at once: several processes, two partners, and processes that are killed."""

import contextlib
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from uuid import uuid4

import httpx
import psycopg

from tests.api.street import PROGRAMME, Regular, Street
from tests.databases import LedgerDatabase
from tests.faults.clients import audited
from tests.service import Service

CODES = 12
TILLS_A_CODE = 6
POINTS = 1_000


@dataclass(frozen=True)
class Posting:
    """What a till sends, as often as it must until it is answered."""

    code: str
    key: str
    idempotency_key: str
    points: int

    def body(self) -> dict[str, object]:
        return {"programme": PROGRAMME, "member": self.code, "points": self.points, "scene": "food"}


def new_code(member: Regular, token: str) -> str:
    answer = member.street.service.post(f"/v1/members/{member.id}/codes", None, key=token).raise_for_status()
    return f"code:{answer.json()['code']}"


def postings_of(street: Street, members: Sequence[Regular]) -> list[Posting]:
    """Several tills of both shops for every code, in any order, each with points of its own."""
    tokens = {member.id: member.token() for member in members}
    codes = [new_code(member, tokens[member.id]) for member in members for _ in range(CODES // len(members))]
    postings = [
        Posting(code, key, uuid4().hex, number + 1)
        for code in codes
        for number, key in enumerate([street.cafe, street.books] * (TILLS_A_CODE // 2))
    ]
    random.Random(7).shuffle(postings)
    return postings


def check(database: LedgerDatabase, postings: Sequence[Posting], answers: Sequence[httpx.Response]) -> None:
    """Of every code exactly one posting, and the ledger agrees."""
    by_code: dict[str, list[httpx.Response]] = {}
    for posting, answer in zip(postings, answers, strict=True):
        by_code.setdefault(posting.code, []).append(answer)
    for answers_of_code in by_code.values():
        assert sorted(answer.status_code for answer in answers_of_code) == [201] + [409] * (TILLS_A_CODE - 1)
        refused = {answer.json()["code"] for answer in answers_of_code if answer.status_code == 409}
        assert refused == {"code-used"}
    with psycopg.connect(database.superuser_url) as connection:
        [(used, places)] = connection.execute(
            "select count(used_at), count(distinct (used_lane, used_sequence)) from member_codes"
        ).fetchall()
        [(redeemed,)] = connection.execute("select count(*) from transactions where kind = 2").fetchall()
    assert used == places == redeemed == CODES
    report = audited(database.service_url)
    assert report.is_clean, report.differences


def test_a_code_in_many_tills_of_two_partners_and_two_services_posts_once(database: LedgerDatabase) -> None:
    with Service.start(database, workers=2) as first, Service.start(database, workers=2) as second:
        street = Street(first)
        members = [street.new_member() for _ in range(3)]
        for member in members:
            member.earn(POINTS).raise_for_status()
        postings = postings_of(street, members)

        def send(posting: Posting) -> httpx.Response:
            service = random.choice([first, second])
            return service.post(
                "/v1/redemptions", posting.body(), key=posting.key, idempotency_key=posting.idempotency_key
            )

        with ThreadPoolExecutor(16) as executor:
            answers = list(executor.map(send, postings))
        again = [send(posting) for posting in postings]
        assert [answer.content for answer in again] == [answer.content for answer in answers]
        check(database, postings, answers)


def test_a_service_that_is_killed_meanwhile_has_spent_every_code_once_after_retries(database: LedgerDatabase) -> None:
    service = Service.start(database, workers=2)
    running = [service]
    street = Street(service)
    members = [street.new_member() for _ in range(3)]
    for member in members:
        member.earn(POINTS).raise_for_status()
    postings = postings_of(street, members)

    def send(posting: Posting) -> httpx.Response | None:
        with contextlib.suppress(httpx.TransportError):
            return running[0].post(
                "/v1/redemptions", posting.body(), key=posting.key, idempotency_key=posting.idempotency_key
            )
        return None

    try:
        with ThreadPoolExecutor(16) as executor:
            sent = [executor.submit(send, posting) for posting in postings]
            while sum(one.done() for one in sent) < len(sent) // 4:
                sent[0].exception(timeout=30)
            service.kill()
            lost = [one.result() for one in sent]
        assert None in lost, "the kill came too late to lose an answer"
        running[0] = Service.start(database, workers=2)
        answers = [send(posting) for posting in postings]
        for before, after in zip(lost, answers, strict=True):
            assert after is not None
            assert before is None or before.status_code >= 500 or before.content == after.content
        check(database, postings, [answer for answer in answers if answer is not None])
    finally:
        running[0].kill()
