"""Pruning imports: lines that were not posted, and files received, are kept for some days and no longer.

They are callers' own text and may hold personal data of members who cannot be told from it, so erasing a
member cannot find them. What the ledger needs of an import stays: its digests and its counts.
"""

import time
from pathlib import Path
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.store.ended_imports import find_ended_imports, forget_files, forget_lines, unfinished_imports
from ledger.store.unit_of_work import unit_of_work

KEPT_DAYS = 30
IMPORTS_PER_STEP = 100
LINES_PER_STEP = 5_000
SECONDS_PER_DAY = 86_400


class Pruned(msgspec.Struct):
    """What a run has removed: imports that held something, reported lines, files."""

    imports: int = 0
    lines: int = 0
    files: int = 0


async def prune_imports(
    pool: AsyncConnectionPool[AsyncConnection], directory: Path, *, kept_days: int = KEPT_DAYS
) -> Pruned:
    """Remove what imports that ended over ``kept_days`` days ago still hold of callers' files.

    ``directory`` is the folder of files received. Runs in bounded steps, beside live traffic and beside
    itself; stopped in the middle, the next run goes on. By the real time, on a sandbox as well.
    """
    pruned = Pruned()
    while True:
        async with pool.connection() as connection:
            ended = await find_ended_imports(connection, days=kept_days, limit=IMPORTS_PER_STEP)
            for import_id in ended:
                pruned.lines += await _prune_lines(connection, import_id)
            async with unit_of_work(connection):
                await forget_files(connection, ended)
        pruned.imports += len(ended)
        if len(ended) < IMPORTS_PER_STEP:
            break
    pruned.files = await _prune_files(pool, directory, kept_days)
    return pruned


async def _prune_lines(connection: AsyncConnection, import_id: UUID) -> int:
    removed = 0
    while True:
        async with unit_of_work(connection):
            step = await forget_lines(connection, import_id, limit=LINES_PER_STEP)
        removed += step
        if step < LINES_PER_STEP:
            return removed


async def _prune_files(pool: AsyncConnectionPool[AsyncConnection], directory: Path, kept_days: int) -> int:
    """Remove files as old whose import has ended, or is unknown: a restored database may not know it."""
    old = _received_before(directory, time.time() - kept_days * SECONDS_PER_DAY)
    async with pool.connection() as connection:
        needed = await unfinished_imports(connection, list(old))
    unneeded = [path for import_id, path in old.items() if import_id not in needed]
    for path in unneeded:
        path.unlink(missing_ok=True)
    return len(unneeded)


def _received_before(directory: Path, before: float) -> dict[UUID, Path]:
    """Files named by an import's id to which nothing was written since ``before`` (seconds since 1970)."""
    if not directory.is_dir():
        return {}
    old = {}
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < before:
                old[UUID(path.name)] = path
        except (ValueError, FileNotFoundError):
            continue  # no whole file yet, or one that was just worked off
    return old
