"""Rows of what banks sent: files, entries told once, and receipts that nobody could place."""

from datetime import date
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime

_READ_FILE = "select outcome from bank_files where digest = %s"
_READ_MESSAGE = "select true from bank_files where kind = %s and message_id = %s"
_ADD_FILE = """
insert into bank_files (digest, kind, message_id, imported_by, imported_at, outcome) values (%s, %s, %s, %s, %s, %s)
"""
_ADD_ENTRY = """
insert into bank_entries (account, reference, digest) values (%s, %s, %s) on conflict do nothing returning true
"""
_ITEM = "item, programme, currency, amount_minor, booked_on, payer, remittance, matched_by, matched_to"
_ADD_ITEM = f"insert into suspense_items ({_ITEM}) values (%s, %s, %s, %s, %s, %s, %s, null, null)"
_READ_ITEM = f"select {_ITEM} from suspense_items where item = %s"
_LIST_ITEMS = f"""
select {_ITEM} from suspense_items
where matched_by is null
  and (%(programme)s::integer is null or programme = %(programme)s)
  and (%(after)s::uuid is null or (booked_on, item) > (
    select booked_on, item from suspense_items where item = %(after)s))
order by booked_on, item limit %(limit)s
"""
_SUM_ITEMS = """
select currency, count(*), sum(amount_minor)::bigint from suspense_items
where programme = %s and matched_by is null group by currency order by currency
"""
_FILE = "digest, kind, message_id, imported_by, imported_at, outcome"
_LIST_FILES = f"""
select {_FILE} from bank_files
where %(after)s::bytea is null or (imported_at, digest) < (
    select imported_at, digest from bank_files where digest = %(after)s)
order by imported_at desc, digest desc limit %(limit)s
"""
_READ_FILE_WHOLE = f"select {_FILE} from bank_files where digest = %s"
_MATCH_ITEM = "update suspense_items set matched_by = %s, matched_to = %s where item = %s"


class SuspenseItem(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in, or went out where it is below zero, and that could not be placed; minor units."""

    item: UUID
    programme: int
    currency: str
    amount_minor: int
    booked_on: date
    payer: str
    remittance: str
    matched_by: str | None = None
    matched_to: str | None = None


class KeptFile(msgspec.Struct, frozen=True):
    """A bank's file that was taken over: its SHA-256, who imported it when (microseconds), what came of it as JSON."""

    digest: bytes
    kind: str
    message_id: str
    imported_by: str
    imported_at: int
    outcome: bytes


async def read_outcome(connection: AsyncConnection, digest: bytes) -> bytes | None:
    """What came of a file, by its SHA-256, as JSON; None for a new file."""
    row = await (await connection.execute(_READ_FILE, [digest])).fetchone()
    return None if row is None else bytes(row[0])


async def is_known_message(connection: AsyncConnection, kind: str, message_id: str) -> bool:
    """Whether a file of a kind with this message id was imported before."""
    return await (await connection.execute(_READ_MESSAGE, [kind, message_id])).fetchone() is not None


async def add_bank_file(
    connection: AsyncConnection, digest: bytes, name: tuple[str, str], person: str, at: int, outcome: bytes
) -> None:
    """Keep what came of a file; ``name`` is its kind and message id."""
    await connection.execute(_ADD_FILE, [digest, *name, person, to_datetime(at), outcome])


async def is_new_entry(connection: AsyncConnection, account: str, reference: str, digest: bytes) -> bool:
    """Whether an account's entry is told for the first time; it is known from then on."""
    return await (await connection.execute(_ADD_ENTRY, [account, reference, digest])).fetchone() is not None


async def add_item(connection: AsyncConnection, item: SuspenseItem) -> None:
    """Put a movement that could not be placed on the work list."""
    values = [item.item, item.programme, item.currency, item.amount_minor, item.booked_on, item.payer]
    await connection.execute(_ADD_ITEM, [*values, item.remittance])


async def read_item(connection: AsyncConnection, item: UUID) -> SuspenseItem | None:
    """An item of the work list."""
    row = await (await connection.execute(_READ_ITEM, [item])).fetchone()
    return None if row is None else _item(row)


async def list_items(
    connection: AsyncConnection, limit: int, after: str | None = None, programme: int | None = None
) -> list[SuspenseItem]:
    """What waits to be placed, of one programme or all, the oldest first; those that come after one in this order."""
    cursor = await connection.execute(_LIST_ITEMS, {"limit": limit, "after": after, "programme": programme})
    return [_item(row) for row in await cursor.fetchall()]


async def sum_items(connection: AsyncConnection, programme: int) -> list[tuple[str, int, int]]:
    """How many items of a programme wait, and their sum in minor units, by currency."""
    return await (await connection.execute(_SUM_ITEMS, [programme])).fetchall()


async def list_files(connection: AsyncConnection, limit: int, after: bytes | None = None) -> list[KeptFile]:
    """The files that banks sent, the last first; those that come after one in this order."""
    cursor = await connection.execute(_LIST_FILES, {"limit": limit, "after": after})
    return [_kept(row) for row in await cursor.fetchall()]


async def read_file(connection: AsyncConnection, digest: bytes) -> KeptFile | None:
    """A file that was taken over, by its SHA-256."""
    row = await (await connection.execute(_READ_FILE_WHOLE, [digest])).fetchone()
    return None if row is None else _kept(row)


async def match_item(connection: AsyncConnection, item: UUID, person: str, reference: str) -> None:
    """Keep who placed an item, and where."""
    await connection.execute(_MATCH_ITEM, [person, reference, item])


def _kept(row: tuple[object, ...]) -> KeptFile:
    return msgspec.convert(dict(zip(KeptFile.__struct_fields__, row, strict=True)), KeptFile)


def _item(row: tuple[object, ...]) -> SuspenseItem:
    return SuspenseItem(**dict(zip(SuspenseItem.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]
