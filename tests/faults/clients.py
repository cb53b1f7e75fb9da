"""Clients that keep their own record while something breaks: what they were answered, and what must then be true."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus

import httpx
import psycopg

from ledger.audit import AuditReport, audit
from ledger.store.unit_of_work import open_pool
from settlement.audit import check_settlement
from tests.databases import LedgerDatabase
from tests.service import Service, run_apart

CLIENTS = 8
MEMBERS = 12
REQUESTS = 160
# Only so that nothing hangs for ever: on a machine with other work everything takes ten times as long.
RETRY_LIMIT_SECONDS = 300
PAUSE_SECONDS = 0.1


def set_up(service: Service) -> str:
    """A programme, a partner and members; returns the partner's key."""
    service.add_programme("CITY")
    return add_till(service)


def add_till(service: Service) -> str:
    """A partner and members in the programme that is there; returns the partner's key."""
    key = service.add_partner("CAFE", programmes=["CITY"])
    for number in range(MEMBERS):
        service.add_member(key, f"m{number}")
    return key


def audited(url: str) -> AuditReport:
    """The report of the auditor."""

    async def run() -> AuditReport:
        async with open_pool(url) as pool:
            return await audit(pool, more_checks=[check_settlement])

    return run_apart(run())


@dataclass
class Clients:
    """Tills that send numbered requests, each under its own key, until it is answered.

    ``services`` are asked in turn, so that one that is gone does not matter while another is there; those that are not
    patient send each request once. ``answers`` has what came, by number; ``refusals`` counts the answers in between
    that asked to try again, by code.
    """

    services: list[Service]
    key: str
    # No divisor of the number of members: each of them earns and spends.
    spends_every: int | None = 5
    is_patient: bool = True
    answers: dict[int, httpx.Response] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    transport_errors: int = 0

    def send(self, number: int, service: Service | None = None) -> httpx.Response:
        """Send a request once."""
        body = {"programme": "CITY", "member": f"ref:m{number % MEMBERS}", "points": 7, "scene": "food"}
        path = "/v1/earnings"
        if self.spends_every is not None and number % self.spends_every == 0:
            path, body = "/v1/redemptions", {**body, "points": 5}
        chosen = service or self.services[number % len(self.services)]
        return chosen.post(path, body, key=self.key, idempotency_key=f"receipt-{number}")

    def send_until_answered(self, number: int) -> httpx.Response | None:
        """Send with the same key again and again, as a till does, until there is an answer that is not a 5xx.

        None for an impatient one whose connection was lost.
        """
        deadline = time.monotonic() + RETRY_LIMIT_SECONDS
        attempt = 0
        while True:
            service = self.services[(number + attempt) % len(self.services)]
            attempt += 1
            try:
                answer = self.send(number, service)
            except httpx.TransportError:
                self.transport_errors += 1
                if not self.is_patient:
                    return None
                if time.monotonic() > deadline:
                    raise
            else:
                if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    self.answers[number] = answer
                    return answer
                code = answer.json().get("code", str(answer.status_code))
                self.refusals[code] = self.refusals.get(code, 0) + 1
                if time.monotonic() > deadline:
                    raise AssertionError(f"request {number} stayed without an answer: {answer.text}")
            time.sleep(PAUSE_SECONDS)

    def run(self, fault: Callable[[], None] | None = None, numbers: Sequence[int] = range(REQUESTS)) -> None:
        """Send all of them from several clients; once a quarter is answered, let something break."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(self._run_one, numbers[first::CLIENTS]) for first in range(CLIENTS)]
            if fault is not None:
                while len(self.answers) < len(numbers) // 4 and not all(one.done() for one in running):
                    time.sleep(0.005)
                fault()
            for one in running:
                one.result()

    def check(self, database: LedgerDatabase, besides: int = 0) -> None:
        """The record agrees with the ledger: every answer is there, once, byte for byte; the audit is clean.

        ``besides`` is how many transactions others than these clients have recorded.
        """
        first = dict(self.answers)
        self.run(numbers=sorted(first))
        for number, answer in first.items():
            assert self.answers[number].content == answer.content, number
            assert self.answers[number].headers["Idempotency-Replayed"] == "true", number
        posted = sum(answer.status_code == HTTPStatus.CREATED for answer in self.answers.values())
        assert posted > 0
        assert recorded(database.service_url) == posted + besides
        report = audited(database.service_url)
        assert report.is_clean, report.differences

    def _run_one(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self.send_until_answered(number)


def recorded(url: str) -> int:
    """How many transactions the journal has."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from transactions").fetchone()
    return int(row[0]) if row else 0
