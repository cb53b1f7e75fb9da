"""A real year of a shop: 22,190 invoices, 3,654 of them cancellations that name no original."""

import asyncio
import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from ledger.audit import audit
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase
from tests.imports.shops import (
    KEY,
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


@dataclass
class KeptEarn:
    """An invoice that earned, and the pence of it that are kept."""

    invoice: str
    at: str
    line: int
    kept_pence: int


@dataclass
class Model:
    """What the year must come to, told in a few lines."""

    earns: dict[str, list[KeptEarn]] = field(default_factory=dict)
    reports: dict[int, str] = field(default_factory=dict)

    def read(self, path: Path) -> None:
        with path.open(encoding="utf-8", newline="") as file:
            for line, row in enumerate(csv.DictReader(file), start=2):
                self._take(line, row)

    def _take(self, line: int, row: dict[str, str]) -> None:
        earns = self.earns.setdefault(row["customer"], [])
        pence, at = int(row["amount_pence"]), row["invoice_at"]
        if not row["invoice"].startswith("C"):
            if pence < 100:
                self.reports[line] = "zero-points"
            else:
                earns.append(KeptEarn(row["invoice"], at, line, pence))
            return
        rest = -pence
        for earn in sorted(earns, key=lambda earn: (earn.at, earn.line), reverse=True):
            if earn.at <= at:
                taken = min(rest, earn.kept_pence)
                earn.kept_pence -= taken
                rest -= taken
        if rest == -pence:
            self.reports[line] = "no-earlier-earn"
        elif rest:
            self.reports[line] = f"partly-posted {rest / 100:.2f}"


@pytest.fixture
def year(shared_data: Callable[[str], Path]) -> Path:
    return shared_data(FILE)


@pytest.fixture
def shop(database: LedgerDatabase) -> LedgerDatabase:
    found_shop(database)
    return database


def points_of(database: LedgerDatabase) -> dict[bytes, int]:
    """Each member's points, by the digest of the shop's reference."""
    query = """
    select n.digest, coalesce(p.posted, 0) from member_names n
    left join member_points p on p.lane = n.lane and p.member = n.member where n.kind = 'reference'
    """
    return {bytes(digest): points for digest, points in rows(database, query)}


def kept_of(database: LedgerDatabase) -> dict[bytes, tuple[int, int]]:
    """What is kept of each earn, in points and pence, by the digest of its key."""
    query = """
    select t.key_digest, t.points - coalesce(b.points, 0), t.spend_minor - coalesce(b.spend_minor, 0)
    from transactions t left join taken_back b on b.lane = t.lane and b.sequence = t.sequence where t.kind = 1
    """
    return {bytes(digest): (points, pence) for digest, points, pence in rows(database, query)}


def lots_of(database: LedgerDatabase) -> dict[bytes, int]:
    """The rest of each earn's lot, by the digest of its key."""
    query = """
    select t.key_digest, l.remaining from transactions t
    join lots l on l.lane = t.lane and l.sequence = t.sequence where t.kind = 1
    """
    return {bytes(digest): points for digest, points in rows(database, query)}


def reported(database: LedgerDatabase) -> dict[int, str]:
    """The reports as the model writes them."""
    return {
        line: f"{code} {detail.split(', ')[1].split()[0]}" if code == "partly-posted" else code
        for line, _, code, detail, _ in reports(database)
    }


async def is_clean(database: LedgerDatabase) -> bool:
    """Whether the auditor finds nothing."""
    async with open_pool(database.service_url) as pool:
        return (await audit(pool)).is_clean


def test_a_real_year_comes_to_what_an_independent_model_says(shop: LedgerDatabase, year: Path) -> None:
    done = import_file(shop, year)
    model = Model()
    model.read(year)
    assert reported(shop) == model.reports
    partly = sum(report.startswith("partly") for report in model.reports.values())
    assert (done.state, done.lines_done, done.failed, done.partly_posted) == ("done", 22_190, 0, partly)
    assert done.posted == 22_190 - (len(model.reports) - partly)
    earns = [earn for each in model.earns.values() for earn in each]
    kept = {KEY.key_digest("p:1", earn.invoice): (earn.kept_pence // 100, earn.kept_pence) for earn in earns}
    assert kept_of(shop) == kept
    assert lots_of(shop) == {digest: points for digest, (points, _) in kept.items()}
    assert points_of(shop) == {
        KEY.member_digest("reference", "1", customer): sum(earn.kept_pence // 100 for earn in each)
        for customer, each in model.earns.items()
    }
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
