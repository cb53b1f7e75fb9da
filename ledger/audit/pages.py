"""Reading a lane's journal page by page, each in statements of its own, so that no snapshot lasts."""

from collections import defaultdict
from typing import Any

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.audit import queries
from ledger.rules.journal import (
    FORMAT_WITH_PARTICULARS,
    LotOpening,
    LotOrigin,
    Particulars,
    ParticularTransaction,
    Posting,
    Transaction,
)

PAGE_TRANSACTIONS = 5_000

_TRANSACTION_FIELDS = len(queries.TRANSACTION_FIELDS)
_OPENING_FIELDS = len(LotOpening.__struct_fields__)
_PARTICULARS = (
    *("hold", "expires_at", "counter_lane", "counter_sequence", "into", "approval", "expires_on", "days_before"),
    *("about", "money", "exchange_rate", "epoch", "epoch_identity", "superseded_seals"),
)
_NO_PARTICULARS = (None,) * len(_PARTICULARS)


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


class HoldRow(msgspec.Struct, frozen=True, kw_only=True):
    """A hold's row with those of its lots: of each lot the points held at first and those still held."""

    sequence: int
    member: int
    points: int
    remaining: int
    expires_at: int
    programme: int
    partner: int
    moved_lane: int | None
    moved_sequence: int | None
    lots: dict[int, tuple[int, int]]


_HOLD_FIELDS = HoldRow.__struct_fields__[:-1]


class KeyRow(msgspec.Struct, frozen=True, gc=False):
    """The idempotency key of a transaction, as the table of keys has it."""

    lane: int | None
    sequence: int | None
    transactions: int | None
    request_digest: bytes | None


class Entry(msgspec.Struct, frozen=True):
    """A transaction as its rows give it; ``details`` are salt and document where they are still there.

    ``hold`` is the row of the hold that it opens. ``has_particulars``: there is a row of them.
    """

    transaction: Transaction
    hash: bytes
    lines: list[int]
    lots: list[LotRow]
    key: KeyRow
    details: tuple[bytes, bytes] | None
    hold: HoldRow | None
    has_particulars: bool


class Page(msgspec.Struct, frozen=True):
    """A stretch of a lane's journal, up to ``end``; ``strays`` are rows whose transaction is not in it."""

    entries: list[Entry]
    end: int
    strays: list[tuple[str, int]]


class Belongings(msgspec.Struct):
    """The rows that belong to a page's transactions, by sequence; what is left at last belongs to none."""

    postings: defaultdict[int, list[Posting]] = msgspec.field(default_factory=lambda: defaultdict(list))
    lines: defaultdict[int, list[int]] = msgspec.field(default_factory=lambda: defaultdict(list))
    details: dict[int, tuple[bytes, bytes]] = {}
    lots: defaultdict[int, list[LotRow]] = msgspec.field(default_factory=lambda: defaultdict(list))
    particulars: dict[int, TupleRow] = {}
    origins: defaultdict[int, list[LotOrigin]] = msgspec.field(default_factory=lambda: defaultdict(list))
    holds: dict[int, HoldRow] = {}
    hold_lots: defaultdict[int, dict[int, tuple[int, int]]] = msgspec.field(default_factory=lambda: defaultdict(dict))

    def particulars_of(self, sequence: int) -> Particulars:
        """Take a transaction's particulars, with the origins of its lots."""
        values: dict[str, Any] = dict(zip(_PARTICULARS, self.particulars.pop(sequence, _NO_PARTICULARS), strict=True))
        return Particulars(**values, origins=tuple(self.origins.pop(sequence, ())))

    def hold_of(self, sequence: int) -> HoldRow | None:
        """Take the row of the hold that a transaction opens, and those of its lots."""
        hold = self.holds.pop(sequence, None)
        return None if hold is None else msgspec.structs.replace(hold, lots=self.hold_lots.pop(sequence, {}))

    def strays(self) -> list[tuple[str, int]]:
        """The rows whose transaction is not there, or has none of their kind."""
        strays = [("postings", sequence) for sequence in self.postings]
        strays += [("details", sequence) for sequence in self.details]
        strays += [(f"lot {lot.opening.lot}", sequence) for sequence, lots in self.lots.items() for lot in lots]
        strays += [("particulars", sequence) for sequence in self.particulars]
        strays += [("origins of lots", sequence) for sequence in self.origins]
        strays += [("hold", sequence) for sequence in self.holds]
        return strays + [("lots of a hold", sequence) for sequence in self.hold_lots]


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
    stretch = [lane, first, end]
    async with connection.pipeline():
        of_postings = await connection.execute(queries.READ_POSTINGS, stretch)
        of_details = await connection.execute(queries.READ_DETAILS, stretch)
        of_particulars = await connection.execute(queries.READ_PARTICULARS, stretch)
        of_holds = await connection.execute(queries.READ_HOLDS, stretch)
        of_hold_lots = await connection.execute(queries.READ_HOLD_LOTS, stretch)
    belongings = Belongings()
    postings = await of_postings.fetchall()
    for row in postings:
        belongings.lines[row[0]].append(row[1])
        belongings.postings[row[0]].append(Posting(*row[2:]))
    belongings.details = {sequence: (salt, document) for sequence, salt, document in await of_details.fetchall()}
    belongings.particulars = {row[0]: row[1:] for row in await of_particulars.fetchall()}
    belongings.holds = {hold.sequence: hold for hold in hold_rows(await of_holds.fetchall(), [])}
    for hold, lot, points, remaining in await of_hold_lots.fetchall():
        belongings.hold_lots[hold][lot] = (points, remaining)
    await _read_openings(connection, lane, next_lot, postings, belongings)
    return Page([_entry(row, belongings) for row in rows], end, belongings.strays())


async def _read_openings(
    connection: AsyncConnection, lane: int, next_lot: int, postings: list[TupleRow], belongings: Belongings
) -> None:
    """Read the lots that a page opened: they follow ``next_lot``, and each is named by a posting of its own."""
    last = max((row[7] for row in postings if row[7] is not None), default=0)
    last = min(last, next_lot + len(postings))
    if last < next_lot:
        return
    async with connection.pipeline():
        of_lots = await connection.execute(queries.READ_OPENINGS, [lane, next_lot, last])
        of_origins = await connection.execute(queries.READ_ORIGINS, [lane, next_lot, last])
    for row in await of_lots.fetchall():
        lot = lot_row(row)
        belongings.lots[lot.sequence].append(lot)
    for sequence, *origin in await of_origins.fetchall():
        belongings.origins[sequence].append(LotOrigin(*origin))


def lot_row(row: TupleRow) -> LotRow:
    """A lot's row of its columns."""
    sequence, member, programme = row[_OPENING_FIELDS : _OPENING_FIELDS + 3]
    rest = Rest(*row[_OPENING_FIELDS + 3 :])
    return LotRow(LotOpening(*row[:_OPENING_FIELDS]), sequence, member, programme, rest)


def hold_rows(holds: list[TupleRow], hold_lots: list[TupleRow]) -> list[HoldRow]:
    """Holds' rows of their columns, with the rows of their lots."""
    lots: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for hold, lot, points, remaining in hold_lots:
        lots[hold][lot] = (points, remaining)
    return [HoldRow(**dict(zip(_HOLD_FIELDS, row, strict=True)), lots=lots[row[0]]) for row in holds]


def _entry(row: TupleRow, belongings: Belongings) -> Entry:
    sequence = row[2]
    lots = belongings.lots.pop(sequence, [])
    fields = (
        *row[:_TRANSACTION_FIELDS],
        tuple(belongings.postings.pop(sequence, ())),
        tuple([lot.opening for lot in lots]),
    )
    hold = None
    is_particular = row[0] == FORMAT_WITH_PARTICULARS
    has_particulars = is_particular and sequence in belongings.particulars
    if is_particular:
        particulars = belongings.particulars_of(sequence)
        transaction: Transaction = ParticularTransaction(*(*fields, particulars))
        if particulars.expires_at is not None:
            hold = belongings.hold_of(sequence)
    else:
        transaction = Transaction(*fields)
    return Entry(
        transaction,
        row[_TRANSACTION_FIELDS],
        belongings.lines.get(sequence, []),
        lots,
        KeyRow(*row[_TRANSACTION_FIELDS + 1 :]),
        belongings.details.pop(sequence, None),
        hold,
        has_particulars,
    )
