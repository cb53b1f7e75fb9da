"""The command ``citypoints worker``, and the worker that ``serve`` brings."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from api.worker.jobs import JOBS
from tests.command_line import ROOT, CommandLine
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
        wait_until(lambda: set(outcomes(database)) == {job.name for job in JOBS}, "jobs known")
        wait_until(lambda: None not in outcomes(database).values(), "each done once")
        for process, number in ((one, signal.SIGTERM), (two, signal.SIGINT)):
            process.send_signal(number)
            assert process.wait(STOP_LIMIT_SECONDS) == 0
    done = outcomes(database)
    assert done["expire"] == "expired 0 points in 0 lots, released 0 holds"
    assert done["notices"] == "recorded 0 notices of 0 points"
    assert not [outcome for outcome in done.values() if outcome is None or "Error" in outcome], done
    assert [log.read_text() for log in logs] == ["The worker runs. Stop it with Ctrl-C.\n"] * 2


def test_the_guide_for_operators_lists_every_job() -> None:
    guide = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    table = guide.split("| job | when | what |")[1].split("\n\n")[0]
    assert set(re.findall(r"^\| ([\w-]+) \|", table, re.MULTILINE)) == {"deliveries", *(job.name for job in JOBS)}


def test_a_worker_without_a_ledger_is_one_clear_line(bare: CommandLine, nowhere: CommandLine) -> None:
    assert "there is no ledger" in nowhere.fails("worker")
    (bare.data_directory).mkdir()
    (bare.data_directory / "ledger.key").write_text("0f" * 32)
    finished = bare.run("worker")
    assert finished.code == 1
    assert "holds no ledger yet" in finished.errors
