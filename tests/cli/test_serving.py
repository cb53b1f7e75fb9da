import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from api.demo.month import month
from ledger.embedded.locks import can_lock
from ledger.rules.business_day import to_instant
from ledger.store.migrate import downgrade
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.service import free_port

READY_LIMIT_SECONDS = 90.0
STOP_LIMIT_SECONDS = 60.0


@dataclass
class Running:
    """A running ``citypoints serve``."""

    url: str
    log: Path
    process: "subprocess.Popen[bytes]"

    def get(self, path: str, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.get(self.url + path, headers=headers, timeout=30)

    def post(self, path: str, body: object, key: str, idempotency_key: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": idempotency_key}
        return httpx.post(self.url + path, json=body, headers=headers, timeout=30)

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_LIMIT_SECONDS)


def wait_until(is_so: Callable[[], bool], limit_seconds: float) -> None:
    deadline = time.monotonic() + limit_seconds
    while not is_so():
        assert time.monotonic() < deadline, "not so for too long"
        time.sleep(0.1)


@contextmanager
def serving(command: CommandLine, log: Path, *arguments: str) -> Iterator[Running]:
    port = free_port()
    process = command.start(log, "serve", "--port", str(port), "--workers", "1", *arguments)
    running = Running(f"http://127.0.0.1:{port}", log, process)
    try:
        wait_until(running.is_ready, READY_LIMIT_SECONDS)
        yield running
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_LIMIT_SECONDS)


def children(running: Running) -> dict[int, str]:
    """The processes that serve has started, with their command lines."""
    threads = Path(f"/proc/{running.process.pid}/task").glob("*/children")
    numbers = [number for thread in threads for number in thread.read_text().split()]
    return {int(number): Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ") for number in numbers}


def workers(running: Running) -> set[int]:
    """The processes that answer requests."""
    return {number for number, line in children(running).items() if "worker-" in line}


def workers_beside(running: Running) -> set[int]:
    """The processes that deliver webhooks and do jobs."""
    return {number for number, line in children(running).items() if "worker_process" in line}


def add_shop(command: CommandLine) -> str:
    """Add a partner by the command line, and return a key of its own."""
    command.done("partners", "add", "TEA", "--kind", "merchant", "--name", "Tea")
    return str(command.json("keys", "create", "--partner", "TEA")["key"])


def environment_given_by(running: Running) -> Mapping[str, str]:
    """The environment of what serve starts, read from a child that does not write its name over it."""
    [worker] = workers_beside(running)
    pairs = Path(f"/proc/{worker}/environ").read_text().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_serve_on_a_fresh_data_folder_makes_a_ledger_that_commands_share(tmp_path: Path) -> None:
    fresh = CommandLine(tmp_path / "var", {})
    with serving(fresh, tmp_path / "log") as running:
        assert running.get("/").is_success
        key = add_shop(fresh)
        created = running.post("/v1/members", {"reference": "guest-1"}, key, "m1")
        assert created.status_code == 201, created.text
        body = {"programme": "CITY", "member": "ref:guest-1", "points": 120, "scene": "food"}
        assert running.post("/v1/earnings", body, key, "e1").status_code == 201
        assert fresh.json("audit")["difference_count"] == 0
        assert "citypoints_posting_seconds" in running.get("/metrics").text
        wait_until(lambda: "\ncitypoints_webhook_backlog_deliveries 0.0" in running.get("/metrics").text, 30)
        assert running.stop() == 0
        log = running.log.read_text()
        assert f"City Points Ledger is on {running.url}" in log
        assert "Traceback" not in log
        # The server under the folder has stopped with its last user.
        assert "ledger.key" in {path.name for path in fresh.data_directory.iterdir()}
        assert not list((fresh.data_directory / "postgres").glob("socket/.s.PGSQL.5432"))
    assert fresh.json("partners", "list")["partners"][0]["code"] == "TEA"


def test_a_port_in_use_is_one_clear_line_and_makes_nothing(tmp_path: Path) -> None:
    fresh = CommandLine(tmp_path / "var", {})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = fresh.fails("serve", "--port", port)
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in said
    assert not fresh.data_directory.exists()


def test_an_address_of_another_machine_is_one_clear_line(nowhere: CommandLine) -> None:
    assert "cannot listen on 192.0.2.1 port 8000" in nowhere.fails("serve", "--host", "192.0.2.1", "--port", "8000")
    assert "cannot listen on no.such.invalid" in nowhere.fails("serve", "--host", "no.such.invalid")


@pytest.mark.parametrize("option", [("--port", "0"), ("--port", "65536"), ("--workers", "0"), ("--workers", "x")])
def test_an_option_out_of_range_is_usage(nowhere: CommandLine, option: tuple[str, str]) -> None:
    assert option[0] in nowhere.fails("serve", *option, code=2)


def test_serve_uses_a_given_database_and_keeps_the_owners_address_from_its_workers(
    bare: CommandLine, tmp_path: Path
) -> None:
    with serving(bare, tmp_path / "log", "--json") as running:
        assert json.loads(running.log.read_text()) == {"url": running.url}
        seen = environment_given_by(running)
        assert seen["DATABASE_URL"] == bare.variables["DATABASE_URL"]
        assert "MIGRATE_DATABASE_URL" not in seen
        assert not (bare.data_directory / "postgres").exists()
        assert running.stop() == 0


def test_serve_without_the_owner_refuses_a_database_that_is_not_ready(
    live: CommandLine, database: LedgerDatabase
) -> None:
    variables = {"DATABASE_URL": database.service_url}
    service_only = CommandLine(live.data_directory, variables)
    downgrade(database.owner_url, "-1")
    assert "run `citypoints migrate`" in service_only.fails("serve", "--port", str(free_port()))
    live.done("migrate")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("delete from ledger")
    assert "holds no ledger yet" in service_only.fails("serve", "--port", str(free_port()))


def test_serve_with_demo_data_loads_the_city_and_leaves_another_ledger_alone(live: CommandLine, tmp_path: Path) -> None:
    add_shop(live)
    with serving(live, tmp_path / "log", "--demo-data") as running:
        assert running.stop() == 0
        assert "No demo city: The ledger holds data of its own already" in running.log.read_text()
    assert [partner["code"] for partner in live.json("partners", "list")["partners"]] == ["TEA"]


def test_serve_with_demo_data_says_how_to_look_around(
    bare: CommandLine, database: LedgerDatabase, tmp_path: Path
) -> None:
    with serving(bare, tmp_path / "log", "--demo-data") as running:
        said = running.log.read_text()
        assert "Loaded the demo city: 300 citizens, 25 partners" in said
        match = re.search(r"keys create --partner (\S+)", said)
        assert match is not None
        key = bare.json("keys", "create", "--partner", match[1])["key"]
        with psycopg.connect(database.service_url) as connection:
            [(enrolled,)] = connection.execute("select min(created_at) from members").fetchall()
        visit = next(visit for visit in month(to_instant(enrolled)) if visit.partner == match[1])
        [found] = running.get(f"/v1/transactions?key={visit.key}", key).json()["transactions"]
        assert found["partner"] == match[1]
        assert "demo city" in running.get("/").text
        assert running.stop() == 0


def test_a_revoked_key_stops_within_seconds_and_its_successor_works(live: CommandLine, tmp_path: Path) -> None:
    with serving(live, tmp_path / "log") as running:
        old = live.json("keys", "create", "--operator")
        assert running.get("/v1/partners", old["key"]).status_code == 200
        new = live.json("keys", "rotate", old["prefix"], "--overlap-hours", "1")
        assert running.get("/v1/partners", old["key"]).status_code == 200
        live.done("keys", "revoke", old["prefix"])
        wait_until(lambda: running.get("/v1/partners", old["key"]).status_code == 401, 10)
        assert running.get("/v1/partners", new["key"]).status_code == 200


def test_a_stop_loses_no_answered_posting(live: CommandLine, database: LedgerDatabase, tmp_path: Path) -> None:
    key = add_shop(live)
    answered: list[str] = []
    with serving(live, tmp_path / "log") as running:
        assert running.post("/v1/members", {"reference": "m"}, key, "member").status_code == 201

        def post_until_refused(poster: int) -> None:
            body = {"programme": "CITY", "member": "ref:m", "points": 1, "scene": "food"}
            for number in range(100_000):
                try:
                    answer = running.post("/v1/earnings", body, key, f"{poster}-{number}")
                except httpx.TransportError:
                    return
                if answer.status_code == 201:
                    answered.append(answer.json()["id"])

        posters = [threading.Thread(target=post_until_refused, args=(number,)) for number in range(4)]
        for poster in posters:
            poster.start()
        wait_until(lambda: len(answered) > 100, 60)
        assert running.stop() == 0
        for poster in posters:
            poster.join(60)
    with psycopg.connect(database.service_url) as connection:
        [(recorded,)] = connection.execute("select count(*) from transactions").fetchall()
    assert len(answered) <= recorded <= len(answered) + len(posters)
    assert live.json("audit")["difference_count"] == 0


def test_a_killed_worker_is_replaced(live: CommandLine, tmp_path: Path) -> None:
    with serving(live, tmp_path / "log") as running:
        [worker] = workers(running)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: workers(running) not in ({worker}, set()), 10)
        wait_until(running.is_ready, READY_LIMIT_SECONDS)
        assert running.stop() == 0


def test_a_killed_worker_beside_is_replaced_and_serve_answers_on(live: CommandLine, tmp_path: Path) -> None:
    with serving(live, tmp_path / "log") as running:
        [worker] = workers_beside(running)
        os.kill(worker, signal.SIGKILL)
        wait_until(lambda: workers_beside(running) not in ({worker}, set()), 20)
        assert running.is_ready()
        assert "The worker ended with exit code -9; it is started again." in running.log.read_text()
        assert running.stop() == 0


def test_serve_leaves_the_worker_out_where_it_is_told_to(live: CommandLine, tmp_path: Path) -> None:
    with serving(live, tmp_path / "log", "--no-worker") as running:
        assert workers_beside(running) == set()
        assert running.stop() == 0


def test_killing_serve_leaves_neither_worker_nor_database(tmp_path: Path) -> None:
    fresh = CommandLine(tmp_path / "var", {})
    with serving(fresh, tmp_path / "log") as running:
        started = children(running)
        assert len(started) == 3
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.wait(STOP_LIMIT_SECONDS)
        wait_until(lambda: not any(Path(f"/proc/{process}").exists() for process in started), STOP_LIMIT_SECONDS)
        wait_until(lambda: can_lock(fresh.data_directory / "postgres" / "serving.lock"), STOP_LIMIT_SECONDS)
