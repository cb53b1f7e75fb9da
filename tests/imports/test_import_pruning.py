"""What callers wrote in their files is kept for some days after an import and no longer."""

import asyncio
import os
import time
from pathlib import Path
from uuid import UUID, uuid4

from ledger.posting.import_pruning import KEPT_DAYS, LINES_PER_STEP, SECONDS_PER_DAY, Pruned, prune_imports
from ledger.posting.import_reports import report_csv
from ledger.store.imports import Import
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase
from tests.imports.shops import SAMPLE_FILE, found_shop, import_file, rows

IMPORTS = "select file_name, posted, refused, failed, partly_posted from imports where import_id = %s"
LINES = "select count(*) from import_lines where import_id = %s"
NOTHING = Pruned()


def prune(database: LedgerDatabase, directory: Path) -> Pruned:
    async def work() -> Pruned:
        async with open_pool(database.service_url) as pool:
            return await prune_imports(pool, directory)

    return asyncio.run(work())


def end_days_ago(database: LedgerDatabase, this: Import, days: float) -> None:
    """Let an import have ended some days ago."""
    rows(
        database,
        "update imports set finished_at = clock_timestamp() - %s * interval '1 day' where import_id = %s returning 1",
        days,
        this.import_id,
    )


def file_of_days_ago(directory: Path, name: str, days: float) -> Path:
    path = directory / name
    path.write_text("line\n")
    then = time.time() - days * SECONDS_PER_DAY
    os.utime(path, (then, then))
    return path


def test_lines_and_name_of_a_file_go_when_the_import_ended_long_ago_and_its_counts_stay(
    database: LedgerDatabase, tmp_path: Path
) -> None:
    found_shop(database)
    this = import_file(database, SAMPLE_FILE)
    [(name, *counts)] = rows(database, IMPORTS, this.import_id)
    [(lines,)] = rows(database, LINES, this.import_id)
    assert name == SAMPLE_FILE.name
    assert lines == this.refused + this.failed + this.partly_posted > 0
    end_days_ago(database, this, KEPT_DAYS - 0.1)
    assert prune(database, tmp_path) == NOTHING
    end_days_ago(database, this, KEPT_DAYS + 0.1)
    assert prune(database, tmp_path) == Pruned(imports=1, lines=lines)
    assert rows(database, IMPORTS, this.import_id) == [("", *counts)]
    assert rows(database, LINES, this.import_id) == [(0,)]
    assert prune(database, tmp_path) == NOTHING
    # The same file is still the same import: nothing is posted twice.
    assert import_file(database, SAMPLE_FILE).import_id == this.import_id
    assert asyncio.run(_report(database, this.import_id)) == "line,outcome,code,detail,content\r\n"


async def _report(database: LedgerDatabase, import_id: UUID) -> str:
    async with open_pool(database.service_url) as pool:
        return "".join([piece async for piece in report_csv(pool, import_id)])


def test_lines_of_many_steps_all_go(database: LedgerDatabase, tmp_path: Path) -> None:
    found_shop(database)
    this = import_file(database, SAMPLE_FILE)
    many = 2 * LINES_PER_STEP
    rows(
        database,
        "insert into import_lines select %s, n, 'failed', 'malformed-line', 'd', 'c' from generate_series(100, %s) n"
        " returning 1",
        this.import_id,
        many,
    )
    end_days_ago(database, this, KEPT_DAYS + 1)
    assert prune(database, tmp_path).lines > many - 100
    assert rows(database, LINES, this.import_id) == [(0,)]


def test_a_file_left_behind_goes_unless_its_import_still_needs_it(database: LedgerDatabase, tmp_path: Path) -> None:
    found_shop(database)
    this = import_file(database, SAMPLE_FILE)
    ended = file_of_days_ago(tmp_path, str(this.import_id), KEPT_DAYS + 1)
    unknown = file_of_days_ago(tmp_path, str(uuid4()), KEPT_DAYS + 1)
    recent = file_of_days_ago(tmp_path, str(uuid4()), KEPT_DAYS - 1)
    being_received = file_of_days_ago(tmp_path, "receiving-1", KEPT_DAYS + 1)
    assert prune(database, tmp_path).files == 2
    assert not ended.exists()
    assert not unknown.exists()
    assert recent.exists()
    assert being_received.exists()
    for state, is_kept in (("waiting", True), ("running", True), ("failed", False)):
        rows(database, "update imports set state = %s where import_id = %s returning 1", state, this.import_id)
        kept = file_of_days_ago(tmp_path, str(this.import_id), KEPT_DAYS + 1)
        prune(database, tmp_path)
        assert kept.exists() is is_kept, state


def test_a_folder_that_is_not_there_holds_nothing(database: LedgerDatabase, tmp_path: Path) -> None:
    found_shop(database)
    assert prune(database, tmp_path / "none") == NOTHING
