"""A streaming standby of a test's server, started by hand: nothing of the project starts one."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from ledger.embedded.account import server_environment
from ledger.embedded.cluster import server_settings
from tests.databases import LedgerDatabase
from tests.faults.conftest import DATABASE, OwnServer

START_LIMIT_SECONDS = 180
STOP_LIMIT_SECONDS = 120
PORT = 5433


@dataclass
class Standby:
    """A running standby and the ledger's database in it."""

    database: LedgerDatabase
    superuser_url: str

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        """Run a statement as the superuser; one that gives no rows gives none."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def wait_until(self, question: str) -> None:
        """Wait until a query says true."""
        deadline = time.monotonic() + START_LIMIT_SECONDS
        while self.execute(question) != [(True,)]:
            assert time.monotonic() < deadline, f"not so for too long: {question}"
            time.sleep(0.05)


@contextmanager
def standby_of(own: OwnServer, folder: Path, name: str = "standby") -> Iterator[Standby]:
    """A standby of a server, copied from it and following it under a name."""
    account, binaries = own.server.account, own.server.bin_directory
    folder.mkdir(mode=0o711)
    cluster, sockets = folder / "postgresql", folder / "socket"
    account.make_directory(sockets)
    source = f"{own.server.superuser_url()}&application_name={name}"
    copied = account.run(binaries / "pg_basebackup", f"--pgdata={cluster}", f"--dbname={source}", "-R", "-c", "fast")
    assert copied.returncode == 0, copied.stderr
    command = account.command(binaries / "postgres", "-D", cluster, "-p", str(PORT))
    command += [part for one, value in server_settings(sockets).items() for part in ("-c", f"{one}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd="/", env=server_environment(), stdout=log, stderr=log)

    def url(role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(sockets), safe='/')}&port={PORT}"

    database = LedgerDatabase(DATABASE, url("citypoints_app"), url("citypoints_owner"), url("postgres"), binaries)
    standby = Standby(database, url("postgres", "postgres"))
    try:
        _wait_until_it_answers(standby, folder / "log", process)
        yield standby
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_LIMIT_SECONDS)


def _wait_until_it_answers(standby: Standby, log: Path, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_LIMIT_SECONDS
    while True:
        try:
            standby.execute("select 1")
        except psycopg.OperationalError:
            assert process.poll() is None, log.read_text(errors="replace")
            assert time.monotonic() < deadline, log.read_text(errors="replace")
            time.sleep(0.05)
        else:
            return
