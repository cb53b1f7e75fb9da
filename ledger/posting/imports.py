"""Imports: a merchant's file becomes commands, in its own order, resumable at any moment.

The file is taken in pieces. Several pieces are in the posters' queues at a time; what a piece came to is
stored, in one unit of work with how far the import has come, only after all pieces before it. After a
crash the pieces in doubt are submitted again: their keys give the first answers, so nothing is posted
twice and nothing is reported otherwise than it would have been.

Order: a member's lines are queued in the order of the file, and a member has one lane with one queue in one process: a
sharer takes all lines of some members or none.
"""

import asyncio
import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection

from ledger.errors import DatabaseUnavailable, LedgerError
from ledger.ids import make_id
from ledger.posting.engine import Engine
from ledger.posting.import_commands import LineCommand, LineCommands
from ledger.posting.import_lines import ImportFile, LineFault, Record
from ledger.posting.import_mapping import Mapping, check_set_up, read_mapping
from ledger.posting.import_outcomes import report_fault
from ledger.posting.import_posting import LinePoster, MadeLine, QueuedLines, slices
from ledger.posting.import_sharing import Reports, Sharer, Task, sharing
from ledger.store.imports import (
    Advance,
    Import,
    ImportOvertaken,
    LineReport,
    NewImport,
    add_import,
    advance_import,
    claimed_import,
    fail_import,
    find_import,
    finish_import,
    read_import,
    start_import,
    try_import_again,
)
from ledger.store.ledger_row import read_clock
from ledger.store.members import create_members
from ledger.store.unit_of_work import again_when_raced, unit_of_work

PIECE_LINES = 1000
PIECES_IN_FLIGHT = 3
PIECES_IN_FLIGHT_OF_TWO = 8
"""Beside a sharer: neither stands still while the other is some pieces behind."""

FOLLOW_PAUSE_SECONDS = 0.5
RETRY_AFTER_SECONDS = 1
MAXIMUM_KNOWN_NAMES = 200_000
REFERENCE = "ref:"
_DIGEST_BYTES = 1 << 20

_log = structlog.get_logger(__name__)

OnProgress = Callable[[Import], None]


class ImportGone(Exception):
    """The import is not in the database any more."""


class _Piece(msgspec.Struct):
    """Some lines in a row, from one offset to another: unreadable ones, those posted here, and the sharer's."""

    from_offset: int
    to_offset: int
    lines: int
    faults: list[LineReport]
    here: list[MadeLine]
    shared: list[MadeLine]
    task: Task
    queued: QueuedLines
    answer: "asyncio.Future[Reports] | None" = None
    """What the sharer is to say; None once its lines are posted here as well."""


def file_digest(path: Path) -> bytes:
    """SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_DIGEST_BYTES):
            digest.update(piece)
    return digest.digest()


async def register_import(
    engine: Engine, partner: int, path: Path, mapping_document: bytes, *, file_name: str, digest: bytes
) -> tuple[Import, bool]:
    """Find the import that a partner's file and mapping are, or add it; True when it is new.

    A failed one waits again. Raises ImportMappingInvalid where the mapping does not fit itself, the file
    or the set-up, and MalformedRequest (field ``file``) for a file without lines; nothing is added then.
    """
    mapping = read_mapping(mapping_document)
    async with engine.pool.connection() as connection:
        known = await find_import(connection, partner, digest, mapping.digest())
        if known is not None:
            await try_import_again(connection, known.import_id)
            return await _read(connection, known), False
        check_set_up(mapping, partner, await engine.registry.refresh(connection))
        new = NewImport(
            import_id=make_id(await read_clock(connection), 0, secrets.randbits(40), secrets.randbits(22)),
            partner=partner,
            file_name=file_name,
            file_bytes=_checked_size(path, mapping),
            file_digest=digest,
            mapping=mapping_document.decode(),
            mapping_digest=mapping.digest(),
        )
        return await add_import(connection, new), True


async def run_import(
    engine: Engine, this: Import, path: Path, on_progress: OnProgress, sharer: Sequence[str] = ()
) -> Import:
    """Bring an import to its end, from wherever it is, and return it done.

    ``sharer`` is the command of a process that helps with a large file; the offset to begin at is added to it.

    While another process works on it, its progress is followed; should that process die, this one takes
    over. Raises LedgerError where the ledger cannot be reached or is too busy: running it again resumes
    it. Any other fault marks the import as failed and is raised.
    """
    while this.state != "done":
        async with claimed_import(engine.pool, this.import_id) as connection:
            if connection is not None:
                this = await _read(connection, this)
                return await run_claimed(engine, connection, this, path, on_progress, sharer)
        await asyncio.sleep(FOLLOW_PAUSE_SECONDS)
        async with engine.pool.connection() as reading:
            this = await _read(reading, this)
        on_progress(this)
    return this


async def run_claimed(
    engine: Engine,
    connection: AsyncConnection,
    this: Import,
    path: Path,
    on_progress: OnProgress,
    sharer: Sequence[str] = (),
) -> Import:
    """Bring an import that this process has claimed over ``connection`` to its end; as ``run_import``."""
    if this.state == "done":
        return this
    await start_import(connection, this.import_id)
    command = [*sharer, str(this.byte_offset)] if sharer else []
    try:
        async with sharing(command, this) as another:
            run = _Run(engine, connection, this, read_mapping(this.mapping.encode()), another)
            await run.whole(path, on_progress)
    except (LedgerError, ImportOvertaken):
        raise
    except psycopg.OperationalError as error:
        msg = "The database was lost during the import; the same import again goes on from where it stands."
        raise DatabaseUnavailable(msg, retry_after_seconds=RETRY_AFTER_SECONDS) from error
    except Exception:
        await _mark_failed(connection, this)
        raise
    return await _read(connection, this)


async def _mark_failed(connection: AsyncConnection, this: Import) -> None:
    present = await _read(connection, this)
    failure = f"An unexpected fault after {present.lines_done} lines; it is in the log of the process that imported."
    await fail_import(connection, this.import_id, failure)


class _Run:
    """One process's work on an import, from where it stands, with a sharer or alone."""

    def __init__(
        self, engine: Engine, connection: AsyncConnection, this: Import, mapping: Mapping, sharer: Sharer | None
    ) -> None:
        self._engine = engine
        self._connection = connection
        self._import = this
        self._mapping = mapping
        self._sharer = sharer
        self._poster = LinePoster(engine, this.partner)
        self._in_flight: deque[_Piece] = deque()
        self._names: dict[str, bool] = {}
        """Members' names, and whether the sharer posts their lines: all of one member are posted by one process."""

    async def whole(self, path: Path, on_progress: OnProgress) -> None:
        """Submit the rest of the file and store what it comes to."""
        with ImportFile.open(path, self._mapping) as file:
            commands = LineCommands(self._mapping, file.columns)
            offset = self._import.byte_offset
            records = file.records_from(offset)
            try:
                while taken := list(islice(records, PIECE_LINES)):
                    await self._submit(await self._piece(commands, taken, offset))
                    offset = taken[-1].end
                    while len(self._in_flight) > self._most_behind():
                        on_progress(await self._store_oldest())
                while self._in_flight:
                    on_progress(await self._store_oldest())
            finally:
                await self._poster.come_to_an_end()
        await finish_import(self._connection, self._import.import_id)

    def _most_behind(self) -> int:
        """How many pieces may be on their way while the next one is read."""
        if len(self._names) > MAXIMUM_KNOWN_NAMES:
            return 0
        return (PIECES_IN_FLIGHT if self._sharer is None else PIECES_IN_FLIGHT_OF_TWO) - 1

    async def _piece(self, commands: LineCommands, records: Sequence[Record], offset: int) -> _Piece:
        """Make the commands of some records, and choose who posts them."""
        faults: list[LineReport] = []
        made: list[tuple[int, MadeLine]] = []
        for some in slices(list(enumerate(records))):
            for position, record in some:
                try:
                    made.append((position, (record, _command(commands, record))))
                except LineFault as fault:
                    faults.append(report_fault(record, fault))
            await asyncio.sleep(0)
        await self._know_members({line.command.member for _, (_, line) in made})
        here = [line for _, line in made if not self._names[line[1].command.member]]
        shared = [(position, line) for position, line in made if self._names[line[1].command.member]]
        task = Task(len(records), [position for position, _ in shared])
        others = [line for _, line in shared]
        return _Piece(offset, records[-1].end, len(records), faults, here, others, task, self._poster.next_lines())

    async def _know_members(self, names: set[str]) -> None:
        """Find the members of some lines in bulk, and create those that are missing where wanted."""
        if not self._in_flight and len(self._names) > MAXIMUM_KNOWN_NAMES:
            self._names.clear()
        new = sorted(names - self._names.keys())
        intake, partner = self._engine.intake, self._import.partner
        found = await asyncio.gather(*(intake.find_member(partner, name) for name in new))
        missing = [name for name, member in zip(new, found, strict=True) if member is None]
        if missing and self._mapping.create_members:
            await again_when_raced(lambda: self._create([name.removeprefix(REFERENCE) for name in missing]))
            found = await asyncio.gather(*(intake.find_member(partner, name) for name in new))
        for name, member in zip(new, found, strict=True):
            self._names[name] = self._sharer is not None and member is not None and member.lane % 2 == 1

    async def _create(self, references: Sequence[str]) -> None:
        engine = self._engine
        async with engine.pool.connection() as connection, unit_of_work(connection):
            await create_members(connection, engine.key, self._import.partner, references, engine.lanes)

    async def _submit(self, piece: _Piece) -> None:
        """Queue a piece's lines here, and hand the sharer its own."""
        if self._sharer is not None and self._sharer.is_gone:
            await self._post_for_sharer()
        self._in_flight.append(piece)
        await self._poster.queue(piece.here, piece.queued)
        if self._sharer is not None:
            piece.answer = self._sharer.give(piece.task)
        elif piece.shared:
            await self._poster.queue(piece.shared, piece.queued)

    async def _post_for_sharer(self) -> None:
        """Post what the sharer was to post and has not answered for, in the order of the file, and go on alone.

        Why what it has answered for is left: that is posted. What it had posted without answering is answered again.
        """
        _log.warning("import_sharer_gone", import_id=str(self._import.import_id))
        self._sharer = None
        self._names = dict.fromkeys(self._names, False)
        for piece in self._in_flight:
            if piece.answer is not None and await piece.answer is None:
                piece.answer = None
                await self._poster.queue(piece.shared, piece.queued)

    async def _store_oldest(self) -> Import:
        """Wait for the oldest piece and store what it came to."""
        piece = self._in_flight[0]
        told: Reports = []
        if piece.answer is not None and self._sharer is not None:
            told = await self._sharer.answer(piece.answer)
            if told is None:
                await self._post_for_sharer()
        elif piece.answer is not None:
            told = await piece.answer
        reports = [*piece.faults, *(told or ()), *await self._poster.reports(piece.queued)]
        self._in_flight.popleft()
        reports.sort(key=lambda report: report.line)
        advance = Advance(
            from_offset=piece.from_offset,
            to_offset=piece.to_offset,
            lines=piece.lines,
            posted=piece.lines - sum(report.outcome != "partly-posted" for report in reports),
            reports=reports,
        )
        async with unit_of_work(self._connection):
            await advance_import(self._connection, self._import.import_id, advance)
        return await _read(self._connection, self._import)


def _checked_size(path: Path, mapping: Mapping) -> int:
    """The size of a file whose header fits the mapping."""
    with ImportFile.open(path, mapping):
        return path.stat().st_size


def _command(commands: LineCommands, record: Record) -> LineCommand:
    if record.fault is not None:
        raise record.fault
    return commands.command_of(record.values)


async def _read(connection: AsyncConnection, known: Import) -> Import:
    present = await read_import(connection, known.import_id)
    if present is None:
        raise ImportGone(str(known.import_id))
    return present
