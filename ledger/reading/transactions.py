"""Transactions: just posted or read back, found by key or by the partner's reference.

Both ways give equal views: the journal is read into the same entries that the poster made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from ledger.ids import LedgerKey, Place, transaction_id
from ledger.reading.first_holds import read_first_holds
from ledger.reading.fresh_registry import fresh_registry
from ledger.reading.transaction_views import (
    AccountView,
    LotView,
    PostingView,
    Surroundings,
    TransactionView,
    counter_place,
    hold_place,
    original_place,
    view_of,
)
from ledger.rules.journal import (
    FORMAT,
    JournalEntry,
    LotOpening,
    Particulars,
    ParticularTransaction,
    Posting,
    Transaction,
)
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import Registry
from ledger.rules.state import KeyRecord
from ledger.store.arrays import Bigints, Smallints
from ledger.store.transaction_places import read_transaction_heads

__all__ = [
    "AccountView",
    "LotView",
    "PostingView",
    "TransactionView",
    "find_by_key",
    "find_by_reference",
    "places_of",
    "read_views",
    "reversals_of",
    "view_posted",
    "views_of_posted",
]

MAXIMUM_FOUND = 200
"""Transactions that one reference finds at most, the newest first."""

MAXIMUM_REVERSALS_NAMED = 100
"""Reversals that are named of one original at most, the earliest first."""

# Transactions by place, in the order of the fields of Transaction, with their member's id, the particulars of
# those that have some, and the version of the set-up.
_READ_TRANSACTIONS = """
select t.format, t.lane, t.sequence, t.kind, t.programme, t.partner, t.member, t.points, t.recorded_at,
       t.occurred_at, t.scene, t.channel, t.outlet, t.spend_minor, t.cash_minor, t.programme_version,
       t.reverses_lane, t.reverses_sequence, t.key_digest, t.request_digest, t.available_after,
       t.held_after, t.pending_after, t.answer_format, t.details_commitment,
       t.hash, m.public_id::text, f.hold, f.expires_at, f.counter_lane, f.counter_sequence, f.into_member, f.approval,
       f.expires_on, f.days_before, f.exchange_rate, (select version from registry)
from unnest(%b, %b) as wanted(lane, sequence)
join transactions t on t.lane = wanted.lane and t.sequence = wanted.sequence
left join members m on m.lane = t.lane and m.member = t.member
left join particulars f on t.format > 1 and f.lane = t.lane and f.sequence = t.sequence
"""
_TRANSACTION_COLUMNS = 25
_PARTICULARS = (
    "hold",
    "expires_at",
    "counter_lane",
    "counter_sequence",
    "into",
    "approval",
    "expires_on",
    "days_before",
    "exchange_rate",
)

# Their postings in order, in the order of the fields of Posting, each with its lot's opening.
_READ_POSTINGS = """
select p.lane, p.sequence, p.debit_kind, p.debit_owner, p.credit_kind, p.credit_owner, p.amount, p.lot,
       p.counter_lot,
       l.lot, l.funding, l.terms_version, l.earned_at, l.available_from, l.expires_on, l.original,
       l.restored_from
from unnest(%b, %b) as wanted(lane, sequence)
join postings p on p.lane = wanted.lane and p.sequence = wanted.sequence
left join lots l on l.lane = p.lane and l.lot = p.lot
order by p.lane, p.sequence, p.line
"""

# An idempotency key's record.
_FIND_KEY = """
select digest, request_digest, lane, sequence, transactions, answer
from idempotency_keys where digest = %b
"""

# A partner's transactions that carry its reference.
_FIND_REFERENCE = """
select d.lane, d.sequence
from details d join transactions t on t.lane = d.lane and t.sequence = d.sequence
where d.reference_digest = %b and t.partner = %b
order by t.recorded_at desc, d.lane, d.sequence desc limit %b
"""

# What reverses each of the originals, in whichever lane: its member may have moved since.
_READ_REVERSALS = """
select wanted.lane, wanted.sequence, r.recorded_at, r.lane, r.sequence, r.hash
from unnest(%b, %b) as wanted(lane, sequence)
cross join lateral (
    select t.recorded_at, t.lane, t.sequence, t.hash from transactions t
    where t.reverses_lane = wanted.lane and t.reverses_sequence = wanted.sequence
    order by t.recorded_at, t.lane, t.sequence limit %b
) r
order by r.recorded_at, r.lane, r.sequence
"""


class Named(NamedTuple):
    """Ids of what transactions name: originals and other legs, and the first hold behind a hold, by place."""

    ids: Mapping[Place, str]
    holds: Mapping[Place, str]


_NOTHING_NAMED = Named({}, {})


def views_of_posted(posted: Posted, registry: Registry, named: Named = _NOTHING_NAMED) -> list[TransactionView]:
    """The views of a command's own entries, without database.

    ``named`` has the ids of what they name besides each other; KeyError without one.
    """
    ids = named.ids
    if len(posted.entries) > 1:
        ids = {**ids, **{_place(entry): _id(entry) for entry in posted.entries}}
    views = []
    for entry in posted.own_entries:
        openings = {lot: opening for (lane, lot), opening in posted.lots.items() if lane == entry.transaction.lane}
        around = Surroundings(openings, posted.member_id or None, ids, named.holds)
        views.append(view_of(entry, around, registry))
    return views


async def view_posted(
    pool: AsyncConnectionPool[AsyncConnection], posted: Posted, registry: Registry
) -> list[TransactionView]:
    """The views of a command's own entries; the database is asked only for what they name."""
    entries = posted.own_entries
    others = {place for entry in entries for place in _names(entry.transaction)}
    others -= {_place(entry) for entry in posted.entries} if others else others
    holds = {place for entry in entries if (place := hold_place(entry.transaction)) is not None}
    if not others and not holds:
        return views_of_posted(posted, registry)
    async with pool.connection() as connection:
        named = await _read_named(connection, others, holds)
    return views_of_posted(posted, registry, named)


async def read_views(
    connection: AsyncConnection, registry: Registry, places: Sequence[Place]
) -> dict[Place, TransactionView]:
    """Read transactions back from the journal; places where nothing is are left out."""
    cursor = await connection.execute(_READ_TRANSACTIONS, _arrays(places))
    rows = await cursor.fetchall()
    if not rows:
        return {}
    registry = await fresh_registry(connection, registry, rows[0][-1])
    postings, openings = await _read_postings(connection, places)
    entries = {}
    for row in rows:
        entry = _entry(row, tuple(postings[Place(row[1], row[2])]))
        entries[_place(entry)] = (entry, row[_TRANSACTION_COLUMNS + 1])
    named = await _read_named(
        connection,
        {place for entry, _ in entries.values() for place in _names(entry.transaction)},
        {place for entry, _ in entries.values() if (place := hold_place(entry.transaction)) is not None},
    )
    return {
        place: view_of(entry, Surroundings(openings[place], member_id, *named), registry)
        for place, (entry, member_id) in entries.items()
    }


async def _read_postings(
    connection: AsyncConnection, places: Sequence[Place]
) -> tuple[Mapping[Place, list[Posting]], Mapping[Place, dict[int, LotOpening]]]:
    """The postings of transactions, in order, and the openings of the lots that they name."""
    cursor = await connection.execute(_READ_POSTINGS, _arrays(places))
    postings: dict[Place, list[Posting]] = defaultdict(list)
    openings: dict[Place, dict[int, LotOpening]] = defaultdict(dict)
    for row in await cursor.fetchall():
        place = Place(row[0], row[1])
        postings[place].append(Posting(*row[2:9]))
        if row[9] is not None:
            openings[place][row[9]] = LotOpening(*row[9:])
    return postings, openings


async def _read_named(connection: AsyncConnection, others: Iterable[Place], holds: Iterable[Place]) -> Named:
    places, held = list(others), list(holds)
    heads = await read_transaction_heads(connection, places) if places else {}
    ids = {
        place: transaction_id(head.recorded_at, head.lane, head.sequence, head.hash) for place, head in heads.items()
    }
    firsts = await read_first_holds(connection, held) if held else {}
    return Named(ids, {place: first.id for place, first in firsts.items()})


def places_of(record: KeyRecord) -> list[Place]:
    """Places of the transactions under a key, in order; none for a refusal."""
    if record.lane is None or record.sequence is None:
        return []
    return [Place(record.lane, record.sequence + number) for number in range(record.transactions)]


async def find_by_key(
    connection: AsyncConnection, key: LedgerKey, owner: str, idempotency_key: str
) -> KeyRecord | None:
    """Find what became of an idempotency key in its owner's space; None for a key never used."""
    cursor = await connection.execute(_FIND_KEY, [key.key_digest(owner, idempotency_key)])
    row = await cursor.fetchone()
    return None if row is None else KeyRecord(*row)


async def find_by_reference(
    connection: AsyncConnection, key: LedgerKey, owner: str, reference: str, partner: int
) -> list[Place]:
    """Find a partner's transactions by its own reference, newest first, at most MAXIMUM_FOUND.

    A reference that was erased finds nothing any more.
    """
    parameters = [key.reference_digest(owner, reference), partner, MAXIMUM_FOUND]
    cursor = await connection.execute(_FIND_REFERENCE, parameters)
    return [Place(*row) for row in await cursor.fetchall()]


async def reversals_of(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, tuple[str, ...]]:
    """Ids of what reverses each original, earliest first, at most MAXIMUM_REVERSALS_NAMED of one."""
    cursor = await connection.execute(_READ_REVERSALS, [*_arrays(places), MAXIMUM_REVERSALS_NAMED])
    found: dict[Place, tuple[str, ...]] = {}
    for original_lane, original_sequence, recorded_at, lane, sequence, digest in await cursor.fetchall():
        original = Place(original_lane, original_sequence)
        found[original] = (*found.get(original, ()), transaction_id(recorded_at, lane, sequence, digest))
    return found


def _entry(row: TupleRow, postings: tuple[Posting, ...]) -> JournalEntry:
    """A journal entry without the openings of lots, which its view does not need."""
    fields: list[Any] = [*row[:_TRANSACTION_COLUMNS], postings, ()]
    digest, _, *particulars = row[_TRANSACTION_COLUMNS:-1]
    if row[0] == FORMAT:
        return JournalEntry(Transaction(*fields), digest)
    values: dict[str, Any] = dict(zip(_PARTICULARS, particulars, strict=True))
    fields.append(Particulars(**values))
    return JournalEntry(ParticularTransaction(*fields), digest)


def _names(transaction: Transaction) -> list[Place]:
    """Places of the original and of the other leg that a transaction names."""
    return [place for place in (original_place(transaction), counter_place(transaction)) if place is not None]


def _place(entry: JournalEntry) -> Place:
    return Place(entry.transaction.lane, entry.transaction.sequence)


def _id(entry: JournalEntry) -> str:
    transaction = entry.transaction
    return transaction_id(transaction.recorded_at, transaction.lane, transaction.sequence, entry.hash)


def _arrays(places: Sequence[Place]) -> list[bytes]:
    return [Smallints.of([place.lane for place in places]), Bigints.of([place.number for place in places])]
