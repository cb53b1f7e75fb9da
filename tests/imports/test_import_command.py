"""``citypoints import``, as its user runs it."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.databases import LedgerDatabase
from tests.imports.shops import KEY_BYTES, SAMPLE_FILE, SAMPLE_MAPPING, SHOP, counts, found_shop

ROOT = Path(__file__).resolve().parents[2]
COMMAND = "from api.cli.main import main; main()"
WAIT_SECONDS = 60


@pytest.fixture
def shop(database: LedgerDatabase) -> LedgerDatabase:
    found_shop(database)
    return database


def run(database: LedgerDatabase, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", COMMAND, "import", *arguments],
        env={
            **os.environ,
            "DATABASE_URL": database.service_url,
            "CITYPOINTS_LEDGER_KEY": KEY_BYTES.hex(),
            "PYTHONPATH": str(ROOT),
        },
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
    )


def test_it_says_in_one_line_what_was_done_and_leaves_with_1_where_lines_failed(
    shop: LedgerDatabase, tmp_path: Path
) -> None:
    out = tmp_path / "lines.csv"
    done = run(shop, SAMPLE_FILE, "--partner", SHOP, "--mapping", SAMPLE_MAPPING, "--lines", out)
    assert done.stdout == (
        "Imported shop_invoices.csv: 10 lines, 7 posted (1 of them in part), 2 refused, 1 failed.\n"
    ), done.stderr
    assert (done.returncode, done.stderr) == (1, "")
    with out.open(encoding="utf-8", newline="") as file:
        assert [row["line"] for row in csv.DictReader(file)] == ["5", "8", "9", "11"]
    again = run(shop, SAMPLE_FILE, "--partner", SHOP, "--mapping", SAMPLE_MAPPING, "--json")
    answer = json.loads(again.stdout)
    assert (answer["changed"], answer["state"], answer["posted"], answer["failed"]) == (False, "done", 7, 1)


def test_refused_lines_alone_are_no_failure(shop: LedgerDatabase, tmp_path: Path) -> None:
    path = tmp_path / "small.csv"
    path.write_text("invoice,invoice_at,customer,amount_pence\n1,2024-03-01T09:00:00,20417,99\n")
    done = run(shop, path, "--partner", SHOP, "--mapping", SAMPLE_MAPPING)
    assert done.returncode == 0
    assert "0 posted (0 of them in part), 1 refused, 0 failed" in done.stdout


def test_what_cannot_be_imported_is_one_clear_line(shop: LedgerDatabase, tmp_path: Path) -> None:
    empty = tmp_path / "empty.csv"
    empty.touch()
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(SAMPLE_MAPPING.read_text().replace("leisure", "fun"))
    for arguments, code, message in (
        ((SAMPLE_FILE, "--partner", "NOBODY", "--mapping", SAMPLE_MAPPING), 1, "--partner: got 'NOBODY'"),
        ((SAMPLE_FILE, "--partner", SHOP, "--mapping", mapping), 1, "entry scene: got fun, wanted one of clothing"),
        ((empty, "--partner", SHOP, "--mapping", SAMPLE_MAPPING), 1, "The file: got an empty file"),
        ((tmp_path / "none.csv", "--partner", SHOP, "--mapping", SAMPLE_MAPPING), 2, "none.csv"),
        ((SAMPLE_FILE, "--partner", SHOP), 2, "--mapping"),
    ):
        done = run(shop, *arguments)
        assert done.returncode == code, done.stderr
        assert message in done.stderr
        assert (done.stdout, done.stderr.count("\n")) == ("", 1)
    assert counts(shop) == []
