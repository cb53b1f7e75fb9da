"""What is known of an import: its state, how far it has come, and the lines that were not posted."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.ids import Place
from ledger.store.arrays import Bigints, Smallints, Texts

ImportState = Literal["waiting", "running", "done", "failed"]
LineOutcome = Literal["refused", "failed", "partly-posted"]

_COLUMNS = """
import_id, partner, file_name, file_bytes, mapping, state, failure, byte_offset, lines_done, posted,
refused, failed, partly_posted, created_at, finished_at
"""

# The same partner, file and mapping again are the same import.
_ADD = """
insert into imports (import_id, partner, file_digest, mapping_digest, mapping, file_name, state, file_bytes)
values (%s, %s, %s, %s, %s, %s, 'waiting', %s)
on conflict (partner, file_digest, mapping_digest) do nothing
"""
_FIND = f"select {_COLUMNS} from imports where partner = %s and file_digest = %s and mapping_digest = %s"
_READ = f"select {_COLUMNS} from imports where import_id = %s"

# Ids are in the order of time.
_LIST = f"""
select {_COLUMNS} from imports where partner = %(partner)s and (%(before)s::uuid is null or import_id < %(before)s)
order by import_id desc limit %(limit)s
"""

# Waiting, or failed and tried again -> running. What is done stays done.
_START = "update imports set state = 'running', failure = null where import_id = %s and state <> 'done'"

# Failed -> waiting: the same file was sent again.
_TRY_AGAIN = "update imports set state = 'waiting', failure = null where import_id = %s and state = 'failed'"

# Running -> running. Only from the offset that the writer knows: who lost the claim changes nothing.
_ADVANCE = """
update imports set byte_offset = %s, lines_done = lines_done + %s, posted = posted + %s,
    refused = refused + %s, failed = failed + %s, partly_posted = partly_posted + %s
where import_id = %s and byte_offset = %s and state = 'running'
"""
_ADD_LINES = """
insert into import_lines (import_id, line, outcome, code, detail, content)
select %s, line, outcome, code, detail, content
from unnest(%b, %b, %b, %b, %b) as new(line, outcome, code, detail, content)
"""

# Running -> done.
_FINISH = """
update imports set state = 'done', finished_at = clock_timestamp() where import_id = %s and state = 'running'
"""

# Running -> failed: an unexpected fault. How far the import has come stays known.
_FAIL = "update imports set state = 'failed', failure = %s where import_id = %s and state = 'running'"

_LINES = """
select line, outcome, code, detail, content from import_lines
where import_id = %s and line > %s order by line limit %s
"""

# The spend that take-backs found, by the places of their transactions.
_MATCHED = """
select wanted.lane, wanted.sequence, sum(t.spend_minor)::bigint
from unnest(%b, %b, %b) as wanted(lane, sequence, transactions)
join transactions t
  on t.lane = wanted.lane
 and t.sequence between wanted.sequence and wanted.sequence + wanted.transactions - 1
group by wanted.lane, wanted.sequence
"""

# Held by one session at a time, and let go of by the server when the session ends, however it ends.
_CLAIM = "select pg_try_advisory_lock(%s)"
_RELEASE = "select pg_advisory_unlock(%s)"


class ImportOvertaken(Exception):
    """Another process has taken the import over: this one has no more part in it."""


class NewImport(msgspec.Struct, frozen=True, kw_only=True):
    """An import to be added. Its identity is the partner with the two SHA-256 digests."""

    import_id: UUID
    partner: int
    file_name: str
    file_bytes: int
    file_digest: bytes
    mapping: str
    mapping_digest: bytes


class Import(msgspec.Struct, frozen=True):
    """An import and how far it has come.

    ``byte_offset`` is the end of the last line that is done. ``posted`` includes ``partly_posted``, so
    that posted, refused and failed add up to ``lines_done``. Times are microseconds since 1970 UTC.
    """

    import_id: UUID
    partner: int
    file_name: str
    file_bytes: int
    mapping: str
    state: ImportState
    failure: str | None
    byte_offset: int
    lines_done: int
    posted: int
    refused: int
    failed: int
    partly_posted: int
    created_at: int
    finished_at: int | None


class LineReport(msgspec.Struct, frozen=True):
    """A line that was not posted, or not whole; ``line`` counts the file's lines from 1."""

    line: int
    outcome: LineOutcome
    code: str
    detail: str
    content: str


class Advance(msgspec.Struct, frozen=True, kw_only=True):
    """What a piece of a file came to: the bytes it spans, its counts, its reports."""

    from_offset: int
    to_offset: int
    lines: int
    posted: int
    reports: Sequence[LineReport]


async def find_import(
    connection: AsyncConnection, partner: int, file_digest: bytes, mapping_digest: bytes
) -> Import | None:
    """Find an import by what it is; None where it is new."""
    cursor = await connection.execute(_FIND.encode(), [partner, file_digest, mapping_digest])
    row = await cursor.fetchone()
    return None if row is None else Import(*row)


async def add_import(connection: AsyncConnection, new: NewImport) -> Import:
    """Add an import, or find the one that another process has just added."""
    await connection.execute(
        _ADD,
        [
            new.import_id,
            new.partner,
            new.file_digest,
            new.mapping_digest,
            new.mapping,
            new.file_name,
            new.file_bytes,
        ],
    )
    cursor = await connection.execute(_FIND.encode(), [new.partner, new.file_digest, new.mapping_digest])
    [row] = await cursor.fetchall()
    return Import(*row)


async def read_import(connection: AsyncConnection, import_id: UUID) -> Import | None:
    """Read an import; None for an unknown id."""
    cursor = await connection.execute(_READ.encode(), [import_id])
    row = await cursor.fetchone()
    return None if row is None else Import(*row)


async def list_imports(connection: AsyncConnection, partner: int, *, before: UUID | None, limit: int) -> list[Import]:
    """Read a partner's imports, the latest first, before one of them."""
    parameters = {"partner": partner, "before": before, "limit": limit}
    cursor = await connection.execute(_LIST.encode(), parameters)
    return [Import(*row) for row in await cursor.fetchall()]


async def start_import(connection: AsyncConnection, import_id: UUID) -> None:
    """Say that an import is being worked on."""
    await connection.execute(_START, [import_id])


async def try_import_again(connection: AsyncConnection, import_id: UUID) -> None:
    """Let a failed import wait for its turn once more."""
    await connection.execute(_TRY_AGAIN, [import_id])


async def advance_import(connection: AsyncConnection, import_id: UUID, advance: Advance) -> None:
    """Store what a piece of the file came to; runs inside a unit of work.

    Raises ImportOvertaken when another process has advanced or ended the import.
    """
    reports = advance.reports
    cursor = await connection.execute(
        _ADVANCE,
        [
            advance.to_offset,
            advance.lines,
            advance.posted,
            sum(report.outcome == "refused" for report in reports),
            sum(report.outcome == "failed" for report in reports),
            sum(report.outcome == "partly-posted" for report in reports),
            import_id,
            advance.from_offset,
        ],
    )
    if cursor.rowcount != 1:
        raise ImportOvertaken
    if reports:
        await connection.execute(
            _ADD_LINES,
            [
                import_id,
                Bigints.of([report.line for report in reports]),
                Texts.of([report.outcome for report in reports]),
                Texts.of([report.code for report in reports]),
                Texts.of([report.detail for report in reports]),
                Texts.of([report.content for report in reports]),
            ],
        )


async def finish_import(connection: AsyncConnection, import_id: UUID) -> None:
    """Say that the whole file is done."""
    await connection.execute(_FINISH, [import_id])


async def fail_import(connection: AsyncConnection, import_id: UUID, failure: str) -> None:
    """Say that an import stopped on an unexpected fault."""
    await connection.execute(_FAIL, [failure, import_id])


async def read_line_reports(
    connection: AsyncConnection, import_id: UUID, *, after_line: int, limit: int
) -> list[LineReport]:
    """Read up to ``limit`` reports in the order of lines, of lines after ``after_line``."""
    cursor = await connection.execute(_LINES, [import_id, after_line, limit])
    return [LineReport(*row) for row in await cursor.fetchall()]


async def read_matched_spend(connection: AsyncConnection, take_backs: Sequence[tuple[Place, int]]) -> dict[Place, int]:
    """The spend (minor units) that take-backs took back, by their first place and count of transactions."""
    cursor = await connection.execute(
        _MATCHED,
        [
            Smallints.of([place.lane for place, _ in take_backs]),
            Bigints.of([place.number for place, _ in take_backs]),
            Smallints.of([transactions for _, transactions in take_backs]),
        ],
    )
    return {Place(lane, sequence): spend_minor for lane, sequence, spend_minor in await cursor.fetchall()}


@asynccontextmanager
async def claimed_import(
    pool: AsyncConnectionPool[AsyncConnection], import_id: UUID
) -> AsyncIterator[AsyncConnection | None]:
    """Claim an import for this process; None when another one has it.

    Progress is stored over the connection that holds the claim, so a claim lost with its connection
    cannot be written under.
    """
    number = int.from_bytes(import_id.bytes[8:], "big", signed=True)
    async with pool.connection() as connection:
        cursor = await connection.execute(_CLAIM, [number])
        [(is_claimed,)] = await cursor.fetchall()
        if not is_claimed:
            yield None
            return
        try:
            yield connection
        finally:
            if not connection.closed:
                await connection.execute(_RELEASE, [number])
