"""``kill -9`` under load: what was answered is there, once; what was not is there once after a retry."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from ledger.audit import AuditReport, audit
from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import upgrade
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase
from tests.service import Service, run_apart

REQUESTS = 160
CLIENTS = 8
MEMBERS = 12
RETRY_LIMIT_SECONDS = 60
PAUSE_SECONDS = 0.1


def audited(url: str) -> AuditReport:
    async def run() -> AuditReport:
        async with open_pool(url) as pool:
            return await audit(pool)

    return run_apart(run())


def send(service: Service, key: str, number: int) -> httpx.Response:
    body = {"programme": "CITY", "member": f"ref:m{number % MEMBERS}", "points": 7, "scene": "food"}
    return service.post("/v1/earnings", body, key=key, idempotency_key=f"receipt-{number}")


def send_until_answered(service: Service, key: str, number: int) -> httpx.Response:
    """Send with the same key again and again, as a till does, until there is an answer that is not a 5xx."""
    deadline = time.monotonic() + RETRY_LIMIT_SECONDS
    while True:
        try:
            answer = send(service, key, number)
            if answer.status_code < 500 or time.monotonic() > deadline:
                return answer
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def set_up(service: Service) -> str:
    service.add_programme("CITY")
    key = service.add_partner("CAFE", programmes=["CITY"])
    for number in range(MEMBERS):
        service.add_member(key, f"m{number}")
    return key


def load_and_break(
    service: Service, key: str, sender: Callable[[Service, str, int], httpx.Response], fault: Callable[[], None]
) -> dict[int, bytes]:
    """Send everything from several clients, break something in the middle; return the answers that came."""
    answers: dict[int, bytes] = {}

    def client(first: int) -> None:
        for number in range(first, REQUESTS, CLIENTS):
            try:
                answer = sender(service, key, number)
            except httpx.TransportError:
                continue
            if answer.status_code == httpx.codes.CREATED:
                answers[number] = answer.content

    with ThreadPoolExecutor(CLIENTS) as clients:
        running = [clients.submit(client, first) for first in range(CLIENTS)]
        while len(answers) < REQUESTS // 4:
            time.sleep(0.005)
        fault()
        for client_run in running:
            client_run.result()
    return answers


def recorded(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from transactions").fetchone()
    return int(row[0]) if row else 0


def test_a_killed_service_has_kept_every_answer_and_takes_the_rest_again(database: LedgerDatabase) -> None:
    service = Service.start(database, workers=2)
    key = set_up(service)
    before = load_and_break(service, key, send, service.kill)
    assert len(before) < REQUESTS
    with Service.start(database, workers=2) as again:
        for number in range(REQUESTS):
            answer = send(again, key, number)
            assert answer.status_code == httpx.codes.CREATED
            if number in before:
                assert answer.content == before[number]
                assert answer.headers["Idempotency-Replayed"] == "true"
    report = audited(database.service_url)
    assert report.is_clean, report.differences
    assert recorded(database.service_url) == REQUESTS


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[tuple[LedgerDatabase, Path]]:
    """A server of this test's own, since it is going to be killed."""
    with EmbeddedPostgres.start(tmp_path) as server:
        upgrade(server.owner_url())
        yield (
            LedgerDatabase(
                name="citypoints",
                service_url=server.service_url(),
                owner_url=server.owner_url(),
                superuser_url=server.superuser_url("citypoints"),
                bin_directory=server.bin_directory,
            ),
            tmp_path,
        )


def test_a_killed_database_comes_back_with_every_answer_and_clients_go_on(
    own_server: tuple[LedgerDatabase, Path],
) -> None:
    database, folder = own_server
    restarted: list[EmbeddedPostgres] = []

    def kill_and_restart() -> None:
        [pid_file] = folder.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)
        restarted.append(EmbeddedPostgres.start(folder))

    with Service.start(database, workers=2) as service:
        key = set_up(service)
        answers = load_and_break(service, key, send_until_answered, kill_and_restart)
        assert len(answers) == REQUESTS
        assert all(send_until_answered(service, key, number).content == answers[number] for number in range(REQUESTS))
    report = audited(database.service_url)
    assert report.is_clean, report.differences
    assert recorded(database.service_url) == REQUESTS
    [server] = restarted
    server.stop()
