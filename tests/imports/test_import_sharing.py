"""An import with a second process: it comes to what it comes to alone, however the second one ends."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from api.cli.own_processes import own_process
from ledger.audit import audit
from ledger.posting import import_sharing
from ledger.posting.imports import run_import
from ledger.store.imports import Import
from tests.databases import LedgerDatabase
from tests.imports.shops import (
    KEY_BYTES,
    counts,
    found_shop,
    import_file,
    journal_by_member,
    open_engine,
    register,
    reports,
)

LINES = 16_000
CUSTOMERS = 300
SHARER = own_process("api.cli.import_sharer")
# Tells its process id, and becomes the sharer.
TOLD_SHARER = """
import os, sys
open(sys.argv[1], "w").write(str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "api.cli.import_sharer", *sys.argv[2:]])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file large enough for a sharer: earns, cancellations of earlier ones, and lines that cannot be read."""
    chance = random.Random(7)
    lines = ["invoice,invoice_at,customer,country,amount_pence"]
    for number in range(LINES):
        is_cancelled, is_broken = chance.random() < 0.1, chance.random() < 0.01
        amount = "much" if is_broken else chance.randint(1, 9_000)
        at = f"2024-03-{1 + number * 28 // LINES:02}T{number % 24:02}:12:00"
        lines.append(f"{'C' * is_cancelled}{number},{at},{chance.randrange(CUSTOMERS)},United Kingdom,{amount}")
    path = tmp_path / "large.csv"
    path.write_text("\n".join(lines))
    assert path.stat().st_size > import_sharing.WORTH_SHARING_BYTES
    return path


@pytest.fixture
def shop(database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch) -> LedgerDatabase:
    """A shop that a sharer finds by the environment, as ``citypoints`` does."""
    found_shop(database)
    monkeypatch.setenv("DATABASE_URL", database.service_url)
    monkeypatch.setenv("CITYPOINTS_LEDGER_KEY", KEY_BYTES.hex())
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    return database


@pytest.fixture
def alone(second_shop: LedgerDatabase, file: Path) -> LedgerDatabase:
    """A ledger to which one process has imported the file."""
    import_file(second_shop, file)
    return second_shop


def import_shared(
    database: LedgerDatabase, path: Path, sharer: Sequence[str], on_progress: Callable[[Import], None] = lambda _: None
) -> list[str]:
    """Import a file with a sharer; returns the warnings that were logged."""

    async def work() -> None:
        async with open_engine(database) as engine:
            this = await register(engine, path)
            done = await run_import(engine, this, path, on_progress, [*sharer, str(this.import_id), str(path)])
            assert done.state == "done"
            assert (await audit(engine.pool)).is_clean

    with capture_logs() as logs:
        asyncio.run(work())
    return [entry["event"] for entry in logs if entry["log_level"] == "warning"]


def assert_same(one: LedgerDatabase, other: LedgerDatabase) -> None:
    assert counts(one) == counts(other)
    assert reports(one) == reports(other)
    assert journal_by_member(one) == journal_by_member(other)


def test_with_a_sharer_a_file_comes_to_what_it_comes_to_alone(
    shop: LedgerDatabase, alone: LedgerDatabase, file: Path
) -> None:
    assert import_shared(shop, file, SHARER) == []
    assert_same(shop, alone)


def test_a_sharer_that_is_killed_in_the_middle_is_not_missed(
    shop: LedgerDatabase, alone: LedgerDatabase, file: Path, tmp_path: Path
) -> None:
    told = tmp_path / "pid"

    def kill(this: Import) -> None:
        if this.lines_done > LINES // 4 and told.exists():
            os.kill(int(told.read_text()), signal.SIGKILL)
            told.unlink()

    gone = import_shared(shop, file, [sys.executable, "-c", TOLD_SHARER, str(told)], kill)
    assert gone == ["import_sharer_gone"]
    assert_same(shop, alone)


def test_a_sharer_that_stands_still_is_ended_and_its_lines_are_posted_here(
    shop: LedgerDatabase, alone: LedgerDatabase, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_sharing, "SILENT_SECONDS", 2.0)
    told = tmp_path / "pid"
    stopped: list[int] = []

    def stop(this: Import) -> None:
        if this.lines_done > LINES // 4 and not stopped:
            stopped.append(int(told.read_text()))
            os.kill(stopped[0], signal.SIGSTOP)

    gone = import_shared(shop, file, [sys.executable, "-c", TOLD_SHARER, str(told)], stop)
    assert gone == ["import_sharer_gone"]
    assert_same(shop, alone)
    with pytest.raises(ProcessLookupError):
        os.kill(stopped[0], 0)


@pytest.mark.parametrize(
    "sharer",
    [
        "import sys; sys.exit(1)",
        "print('hello')",
        "import sys; sys.stdin.buffer.read(20); sys.stdout.buffer.write((3).to_bytes(8, 'big') + b'abc')",
        "import sys; sys.stdout.buffer.write((1).to_bytes(8, 'big') + bytes([0x90])); sys.stdout.flush(); input()",
    ],
    ids=["ends", "breaks-off", "babbles", "answers-unasked"],
)
def test_a_sharer_that_cannot_help_is_done_without(
    shop: LedgerDatabase, alone: LedgerDatabase, file: Path, sharer: str
) -> None:
    assert import_shared(shop, file, [sys.executable, "-c", sharer]) == ["import_sharer_gone"]
    assert_same(shop, alone)


def test_a_sharer_with_another_ledgers_key_posts_nothing(
    shop: LedgerDatabase, alone: LedgerDatabase, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CITYPOINTS_LEDGER_KEY", (b"x" * 32).hex())
    assert import_shared(shop, file, SHARER) == ["import_sharer_gone"]
    assert_same(shop, alone)


def test_a_small_file_starts_no_second_process(shop: LedgerDatabase, file: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("\n".join(file.read_text().splitlines()[:100]))
    assert import_shared(shop, small, ["/no/such/program"]) == []
