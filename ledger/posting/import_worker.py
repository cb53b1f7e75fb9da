"""Imports in the background: files that were received are brought to their end, one at a time.

Every process of the service runs one worker over the same folder. A claim in the database decides which
of them takes a file; it ends with the process, so after a crash or a restart any of them goes on.
"""

import asyncio
from pathlib import Path
from uuid import UUID

import psycopg
import structlog

from ledger.errors import LedgerError
from ledger.posting.engine import Engine
from ledger.posting.imports import run_claimed
from ledger.store.imports import Import, claimed_import, read_import

POLL_SECONDS = 1.0

_log = structlog.get_logger(__name__)


class ImportWorker:
    """Works off the folder of files received; a file's name is the id of its import."""

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Say that a file has just been received."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled; an import in the middle stays where it is, for whoever goes on."""
        while True:
            self._wake.clear()
            await self._work_off()
            try:
                await asyncio.wait_for(self._wake.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _work_off(self) -> None:
        try:
            for import_id in self._received():
                await self._work_on(import_id)
        except OSError:
            _log.exception("import_folder_unreadable", folder=str(self._directory))

    def _received(self) -> list[UUID]:
        if not self._directory.is_dir():
            return []
        received = []
        for path in self._directory.iterdir():
            try:
                received.append(UUID(path.name))
            except ValueError:
                continue  # still being received
        return sorted(received)

    async def _work_on(self, import_id: UUID) -> None:
        try:
            await self._bring_to_its_end(import_id)
        except (LedgerError, psycopg.OperationalError) as error:
            _log.warning("import_interrupted", import_id=str(import_id), error=type(error).__name__)
        except Exception:  # noqa: BLE001 - the import is marked as failed; the next one gets its turn
            _log.exception("import_failed", import_id=str(import_id))

    async def _bring_to_its_end(self, import_id: UUID) -> None:
        path = self._directory / str(import_id)
        async with self._engine.pool.connection() as reading:
            this = await read_import(reading, import_id)
        if this is None or this.state == "failed":
            return
        if this.state != "done":
            async with claimed_import(self._engine.pool, import_id) as connection:
                if connection is None:
                    return
                this = await read_import(connection, import_id) or this
                this = await run_claimed(self._engine, connection, this, path, _say_nothing)
                _log.info("import_done", import_id=str(import_id), lines=this.lines_done)
        path.unlink(missing_ok=True)


def _say_nothing(_: Import) -> None:
    """Progress is read from the database."""
