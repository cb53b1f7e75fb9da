"""Jobs: each once per due time with any number of workers, also when workers are killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, make_ledger
from tests.webhooks.receiver import wait_until
from tests.worker.jobs_of_a_test import traced

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def worker(database: LedgerDatabase, folder: Path, *jobs: str) -> Iterator["subprocess.Popen[bytes]"]:
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.worker.jobs_of_a_test", *jobs],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "CITYPOINTS_DATA": str(folder),
                "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
                "DATABASE_URL": database.service_url,
            },
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


@pytest.fixture
def ledger(database: LedgerDatabase) -> LedgerDatabase:
    make_ledger(database)
    return database


def state(database: LedgerDatabase, job: str) -> tuple[object, ...] | None:
    with psycopg.connect(database.service_url) as connection:
        return connection.execute(
            "select last_outcome, last_started_at is not null, last_finished_at is not null,"
            " extract(epoch from next_run_at - clock_timestamp())::int from jobs where job = %s",
            [job],
        ).fetchone()


def test_several_workers_do_a_job_one_after_the_other(ledger: LedgerDatabase, tmp_path: Path) -> None:
    started = time.monotonic()
    with worker(ledger, tmp_path, "note"), worker(ledger, tmp_path, "note"), worker(ledger, tmp_path, "note"):
        wait_until(lambda: traced(tmp_path).count("end") >= 4, "four runs")
        seconds = time.monotonic() - started
    trace = traced(tmp_path)
    trace = trace[: len(trace) // 2 * 2]
    assert trace == ["begin", "end"] * (len(trace) // 2)
    # Each run is followed by a second of rest, whoever made it.
    assert len(trace) // 2 <= seconds / 1.3 + 1
    assert (state(ledger, "note") or ())[:3] == ("noted", True, True)


def test_a_job_of_a_killed_worker_is_done_by_another(ledger: LedgerDatabase, tmp_path: Path) -> None:
    with worker(ledger, tmp_path, "hang") as hanging:
        wait_until(lambda: traced(tmp_path) == ["begin"], "begun")
        with worker(ledger, tmp_path, "note"):
            time.sleep(2)
            assert traced(tmp_path) == ["begin"]
            hanging.kill()
            wait_until(lambda: (state(ledger, "note") or ())[0] == "noted", "done by the other")
    assert traced(tmp_path)[:3] == ["begin", "begin", "end"]


def test_a_job_that_fails_is_tried_again_later_and_holds_up_no_other(ledger: LedgerDatabase, tmp_path: Path) -> None:
    with worker(ledger, tmp_path, "fail", "note") as process:
        wait_until(lambda: traced(tmp_path).count("end") >= 2, "two runs of the other")
        assert process.poll() is None
    outcome, _, _, due_in_seconds = state(ledger, "fail") or ("", 0, 0, 0)
    assert outcome == "failed: ValueError"
    assert isinstance(due_in_seconds, int)
    assert 30 < due_in_seconds <= 60
    log = (tmp_path / "log").read_text()
    assert "job_failed" in log
    assert "planted-words" not in log
