"""The command ``citypoints worker``, and the worker that ``serve`` brings."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.webhooks.receiver import wait_until

STOP_LIMIT_SECONDS = 30


@contextmanager
def working(command: CommandLine, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = command.start(log, "worker")
    try:
        wait_until(lambda: log.exists() and "The worker runs." in log.read_text(), "running", 60)
        yield process
    finally:
        process.kill()
        process.wait(STOP_LIMIT_SECONDS)


def outcomes(database: LedgerDatabase) -> dict[str, str | None]:
    with psycopg.connect(database.service_url) as connection:
        return dict(connection.execute("select job, last_outcome from jobs").fetchall())


def test_workers_do_what_is_due_and_leave_when_asked(
    sandbox: CommandLine, database: LedgerDatabase, tmp_path: Path
) -> None:
    logs = [tmp_path / "one", tmp_path / "two"]
    with working(sandbox, logs[0]) as one, working(sandbox, logs[1]) as two:
        wait_until(lambda: set(outcomes(database)) == {"expire", "prune-deliveries", "measure-backlog"}, "jobs known")
        wait_until(lambda: None not in outcomes(database).values(), "each done once")
        for process, number in ((one, signal.SIGTERM), (two, signal.SIGINT)):
            process.send_signal(number)
            assert process.wait(STOP_LIMIT_SECONDS) == 0
    assert outcomes(database)["expire"] == "expired 0 points in 0 lots"
    assert [log.read_text() for log in logs] == ["The worker runs. Stop it with Ctrl-C.\n"] * 2


def test_a_worker_without_a_ledger_is_one_clear_line(bare: CommandLine, nowhere: CommandLine) -> None:
    assert "there is no ledger" in nowhere.fails("worker")
    (bare.data_directory).mkdir()
    (bare.data_directory / "ledger.key").write_text("0f" * 32)
    finished = bare.run("worker")
    assert finished.code == 1
    assert "holds no ledger yet" in finished.errors
