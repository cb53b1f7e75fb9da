"""The disk is lost under load: what was stored is restored, and what is lost was answered within what is printed."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import psycopg
import pytest

from ledger.embedded.backup_folder import BackupFolder
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.faults.clients import Clients, add_till
from tests.service import Service, free_port

BEFORE, DURING, AFTER, LOST = range(40), range(40, 160), range(160, 200), range(200, 240)
PATIENCE_SECONDS = 180
LANES = 8


@dataclass
class TimedClients(Clients):
    """Clients that also write down when each answer came, in seconds since 1970."""

    answered_at: dict[int, float] = field(default_factory=dict)

    def send(self, number: int, service: Service | None = None) -> httpx.Response:
        answer = super().send(number, service)
        self.answered_at[number] = time.time()
        return answer


@dataclass
class Installation:
    """A data folder and a backup folder, and what is done with them."""

    command: CommandLine
    folder: Path

    @property
    def database(self) -> LedgerDatabase:
        """The ledger's database, while a server runs."""
        postgres = self.command.data_directory / "postgres"
        # The server says where: beside the data only where that path is short enough for a socket.
        process_file, deadline = postgres / "postgresql" / "postmaster.pid", time.monotonic() + PATIENCE_SECONDS
        while not process_file.exists() or "ready" not in process_file.read_text():
            assert time.monotonic() < deadline, "the database does not start"
            time.sleep(0.05)
        socket = process_file.read_text().splitlines()[4]

        def url(role: str) -> str:
            return f"postgresql://{role}@/citypoints?host={socket}&port=5432"

        return LedgerDatabase("citypoints", url("citypoints_app"), url("citypoints_owner"), url("postgres"), postgres)

    @contextmanager
    def serving(self) -> Iterator[Service]:
        """``citypoints serve``, killed at the end if it still runs."""
        port, logs = free_port(), self.folder / f"logs-{time.monotonic_ns()}"
        logs.mkdir()
        process = self.command.start(logs / "service.log", "serve", "--port", str(port), "--workers", "2")
        service = Service(f"http://127.0.0.1:{port}", "", logs, self.database, process)
        try:
            service.wait_until_ready()
            service.operator_key = str(self.command.json("keys", "create", "--operator")["key"])
            yield service
        finally:
            service.kill()

    def back_up(self) -> None:
        """Take a base backup."""
        self.command.done("backup")

    def end_segment(self) -> None:
        """End the segment of the log that is being written, and wait until it is stored."""
        archive = BackupFolder(self.folder / "backup")
        before = max(archive.archived_segments(), default=None)
        with psycopg.connect(self.database.superuser_url, autocommit=True) as connection:
            connection.execute("select pg_switch_wal()")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while max(archive.archived_segments(), default=None) == before:
            assert time.monotonic() < deadline, "the segment was not stored"
            time.sleep(0.05)

    def lose_the_disk(self, service: Service) -> None:
        """Kill the database, which would store the rest of its log if it were asked to end, and remove its folder."""
        postgres = self.command.data_directory / "postgres"
        os.kill(int((postgres / "postgresql" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        service.kill()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while postgres.exists():
            assert time.monotonic() < deadline, "the folder is written to for ever"
            shutil.rmtree(postgres, ignore_errors=True)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    command = CommandLine(tmp_path / "data", {"CITYPOINTS_BACKUP": str(tmp_path / "backup")})
    command.done("init", "--lanes", str(LANES))
    return Installation(command, tmp_path)


def test_a_disk_that_is_lost_under_load_loses_no_answer_of_before_the_printed_moment(
    installation: Installation,
) -> None:
    with installation.serving() as service:
        assert "There is no base backup in" in service.log()
        clients = TimedClients([service], add_till(service))
        clients.run(numbers=BEFORE)
        clients.run(installation.back_up, numbers=DURING)
        clients.run(numbers=AFTER)
        installation.command.done("seal")
        installation.end_segment()
        clients.run(numbers=LOST)
        last_seal = installation.command.json("seal")["number"]
        installation.lose_the_disk(service)
    before = dict(clients.answers)
    finished = installation.command.run("restore", "--json")
    told = httpx.Response(200, text=finished.output).json()
    complete_until = datetime.fromisoformat(told["complete_until"]).timestamp()
    assert (told["epoch"], told["superseded_seals"]) == (1, [last_seal])

    with installation.serving() as service:
        again = TimedClients([service], clients.key)
        again.run(numbers=sorted(before))
        kept = {number for number, answer in again.answers.items() if "Idempotency-Replayed" in answer.headers}
        lost = set(before) - kept
        assert {*BEFORE, *DURING, *AFTER} <= kept
        assert lost
        assert all(again.answers[number].content == before[number].content for number in kept)
        assert max(clients.answered_at[number] for number in AFTER) < complete_until
        assert min(clients.answered_at[number] for number in lost) >= complete_until
        # Besides: the epoch begins in each lane.
        again.check(installation.database, besides=LANES)
