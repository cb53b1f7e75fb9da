"""A real year of a shop: 22,190 invoices, 3,654 of them cancellations that name no original."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ledger.audit import audit
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase
from tests.imports.kept_model import Model, assert_alike
from tests.imports.shops import (
    KEY_BYTES,
    SAMPLE_MAPPING,
    SHOP,
    counts,
    found_shop,
    import_file,
    journal_by_member,
    reports,
    rows,
)

ROOT = Path(__file__).resolve().parents[2]
FILE = "online_retail_invoices.csv"
COMMAND = "from api.cli.main import main; main()"
WAIT_SECONDS = 60


@pytest.fixture
def year(shared_data: Callable[[str], Path]) -> Path:
    return shared_data(FILE)


@pytest.fixture
def shop(database: LedgerDatabase) -> LedgerDatabase:
    found_shop(database)
    return database


async def is_clean(database: LedgerDatabase) -> bool:
    """Whether the auditor finds nothing."""
    async with open_pool(database.service_url) as pool:
        return (await audit(pool)).is_clean


def test_a_real_year_comes_to_what_an_independent_model_says(shop: LedgerDatabase, year: Path) -> None:
    done = import_file(shop, year)
    model = Model()
    model.read(year)
    assert_alike(shop, model)
    partly = sum(report.startswith("partly") for report in model.reports.values())
    assert (done.state, done.lines_done, done.failed, done.partly_posted) == ("done", 22_190, 0, partly)
    assert done.posted == 22_190 - (len(model.reports) - partly)
    assert asyncio.run(is_clean(shop))
    before = (counts(shop), rows(shop, "select sum(next_sequence), count(*) from lanes"), reports(shop))
    assert import_file(shop, year).lines_done == 22_190
    assert (counts(shop), rows(shop, "select sum(next_sequence), count(*) from lanes"), reports(shop)) == before


@pytest.fixture
def mapping(tmp_path: Path) -> Path:
    path = tmp_path / "mapping.toml"
    path.write_bytes(SAMPLE_MAPPING.read_bytes())
    return path


def start_command(database: LedgerDatabase, year: Path, mapping: Path) -> subprocess.Popen[bytes]:
    """The command line, as its user runs it."""
    environment = {
        **os.environ,
        "DATABASE_URL": database.service_url,
        "CITYPOINTS_LEDGER_KEY": KEY_BYTES.hex(),
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", COMMAND, "import", str(year), "--partner", SHOP, "--mapping", str(mapping)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def kill_after(process: subprocess.Popen[bytes], database: LedgerDatabase, lines: int) -> None:
    """Kill a command without warning as soon as so many lines are stored."""
    deadline = time.monotonic() + WAIT_SECONDS
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        while time.monotonic() < deadline and process.poll() is None:
            [(done,)] = connection.execute("select coalesce(max(lines_done), 0) from imports").fetchall() or [(0,)]
            if done >= lines:
                break
            time.sleep(0.005)
    assert process.poll() is None, process.communicate()[0].decode()
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=WAIT_SECONDS)


@pytest.fixture
def whole_year(second_shop: LedgerDatabase, year: Path) -> LedgerDatabase:
    """A ledger to which the year was imported without interruption."""
    import_file(second_shop, year)
    return second_shop


def test_killed_in_the_middle_and_resumed_the_journal_is_that_of_a_whole_run(
    shop: LedgerDatabase, whole_year: LedgerDatabase, year: Path, mapping: Path
) -> None:
    for lines in (1, 4_000, 13_000):
        kill_after(start_command(shop, year, mapping), shop, lines)
    [(state, done)] = rows(shop, "select state, lines_done from imports")
    assert state == "running"
    assert 13_000 <= done < 22_190
    process = start_command(shop, year, mapping)
    output = process.communicate(timeout=WAIT_SECONDS)[0].decode()
    assert process.returncode == 0, output
    assert output.splitlines()[-1].startswith(f"Imported {FILE}: 22190 lines, ")
    assert counts(shop) == counts(whole_year)
    assert reports(shop) == reports(whole_year)
    assert journal_by_member(shop) == journal_by_member(whole_year)
    again = start_command(shop, year, mapping).communicate(timeout=WAIT_SECONDS)[0].decode()
    assert again.startswith(f"Imported before, nothing was changed: {FILE}: 22190 lines, ")
