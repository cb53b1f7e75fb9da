"""Reading a lane's journal page by page, each in statements of its own, so that no snapshot lasts."""

from collections import defaultdict
from itertools import groupby
from operator import itemgetter

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.audit import queries
from ledger.rules.journal import LotOpening, Posting, Transaction
from ledger.store.arrays import Bigints

PAGE_TRANSACTIONS = 5_000

_TRANSACTION_FIELDS = len(queries.TRANSACTION_FIELDS)
_OPENING_FIELDS = len(LotOpening.__struct_fields__)


class Lane(msgspec.Struct, frozen=True):
    """A lane's row: the numbers it gives out next, the head of its chain, its last instant."""

    lane: int
    next_sequence: int
    next_lot: int
    head: bytes
    recorded_at: int


class Rest(msgspec.Struct, frozen=True, gc=False):
    """What is left of a lot."""

    remaining: int
    held: int
    expired: int
    expiries: int
    is_open: bool


class LotRow(msgspec.Struct, frozen=True, gc=False):
    """A lot's row: its opening, whose it says it is, and what the projection says is left."""

    opening: LotOpening
    sequence: int
    member: int
    programme: int
    rest: Rest


class KeyRow(msgspec.Struct, frozen=True, gc=False):
    """The idempotency key of a transaction, as the table of keys has it."""

    lane: int | None
    sequence: int | None
    transactions: int | None
    request_digest: bytes | None


class Entry(msgspec.Struct, frozen=True):
    """A transaction as its rows give it; ``details`` are salt and document where they are still there."""

    transaction: Transaction
    hash: bytes
    lines: list[int]
    lots: list[LotRow]
    key: KeyRow
    details: tuple[bytes, bytes] | None


class Original(msgspec.Struct):
    """A transaction that a reversal names, with the lots it gave or took."""

    sequence: int
    kind: int
    programme: int
    partner: int
    member: int
    points: int
    spend_minor: int | None
    programme_version: int | None
    uses: list[tuple[int, int]] = []


class Page(msgspec.Struct, frozen=True):
    """A stretch of a lane's journal, up to ``end``; ``strays`` are rows whose transaction is not in it."""

    entries: list[Entry]
    end: int
    strays: list[tuple[str, int]]


async def read_lanes(connection: AsyncConnection) -> list[Lane]:
    """Read the rows of all lanes at one moment."""
    cursor = await connection.execute(queries.READ_LANES)
    return [Lane(*row) for row in await cursor.fetchall()]


async def read_lane(connection: AsyncConnection, lane: int) -> Lane:
    """Read a lane's row."""
    cursor = await connection.execute(queries.READ_LANE, [lane])
    [row] = await cursor.fetchall()
    return Lane(*row)


async def read_page(connection: AsyncConnection, lane: int, first: int, end: int, next_lot: int) -> Page:
    """Read at most 5,000 transactions of ``first`` up to, not including, ``end``, with all that belongs to them."""
    cursor = await connection.execute(queries.READ_TRANSACTIONS, [lane, first, end, PAGE_TRANSACTIONS])
    rows = await cursor.fetchall()
    if len(rows) == PAGE_TRANSACTIONS:
        end = rows[-1][2] + 1
    async with connection.pipeline():
        of_postings = await connection.execute(queries.READ_POSTINGS, [lane, first, end])
        of_details = await connection.execute(queries.READ_DETAILS, [lane, first, end])
    postings = await of_postings.fetchall()
    lots = await _read_openings(connection, lane, next_lot, postings)
    details = {sequence: (salt, document) for sequence, salt, document in await of_details.fetchall()}
    return _page(rows, end, postings, lots, details)


async def _read_openings(
    connection: AsyncConnection, lane: int, next_lot: int, postings: list[TupleRow]
) -> list[LotRow]:
    """Read the lots that a page opened: they follow ``next_lot``, and each is named by a posting of its own."""
    last = max((row[7] for row in postings if row[7] is not None), default=0)
    last = min(last, next_lot + len(postings))
    if last < next_lot:
        return []
    cursor = await connection.execute(queries.READ_OPENINGS, [lane, next_lot, last])
    return [_lot_row(row) for row in await cursor.fetchall()]


async def read_lots(connection: AsyncConnection, lane: int, lots: list[int]) -> list[LotRow]:
    """Read lots by their numbers; unknown ones are left out."""
    cursor = await connection.execute(queries.READ_LOTS, [lane, Bigints.of(lots)])
    return [_lot_row(row) for row in await cursor.fetchall()]


async def read_originals(connection: AsyncConnection, lane: int, sequences: list[int]) -> dict[int, Original]:
    """Read the transactions that reversals name, with the lots they gave or took."""
    named = [lane, Bigints.of(sequences)]
    async with connection.pipeline():
        of_originals = await connection.execute(queries.READ_ORIGINALS, named)
        of_uses = await connection.execute(queries.READ_USES, named)
    originals = {row[0]: Original(*row) for row in await of_originals.fetchall()}
    for sequence, uses in groupby(await of_uses.fetchall(), key=itemgetter(0)):
        if sequence in originals:
            originals[sequence].uses = [(lot, amount) for _, lot, amount in uses]
    return originals


def _lot_row(row: TupleRow) -> LotRow:
    sequence, member, programme = row[_OPENING_FIELDS : _OPENING_FIELDS + 3]
    rest = Rest(*row[_OPENING_FIELDS + 3 :])
    return LotRow(LotOpening(*row[:_OPENING_FIELDS]), sequence, member, programme, rest)


def _page(
    rows: list[TupleRow],
    end: int,
    postings: list[TupleRow],
    lots: list[LotRow],
    details: dict[int, tuple[bytes, bytes]],
) -> Page:
    lines: dict[int, list[int]] = defaultdict(list)
    postings_of: dict[int, list[Posting]] = defaultdict(list)
    for row in postings:
        lines[row[0]].append(row[1])
        postings_of[row[0]].append(Posting(*row[2:]))
    lots_of: dict[int, list[LotRow]] = defaultdict(list)
    for lot in lots:
        lots_of[lot.sequence].append(lot)
    entries = []
    for row in rows:
        sequence = row[2]
        opened = lots_of.pop(sequence, [])
        transaction = Transaction(
            *(
                *row[:_TRANSACTION_FIELDS],
                tuple(postings_of.pop(sequence, ())),
                tuple([lot.opening for lot in opened]),
            )
        )
        entries.append(
            Entry(
                transaction,
                row[_TRANSACTION_FIELDS],
                lines.get(sequence, []),
                opened,
                KeyRow(*row[_TRANSACTION_FIELDS + 1 :]),
                details.pop(sequence, None),
            )
        )
    strays = [("postings", sequence) for sequence in postings_of]
    strays += [("details", sequence) for sequence in details]
    strays += [(f"lot {lot.opening.lot}", sequence) for sequence, found in lots_of.items() for lot in found]
    return Page(entries, end, strays)
