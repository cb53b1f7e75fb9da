"""Transactions: just posted or read back, found by key or by the partner's reference.

Both ways give equal views: the journal is read into the same entries that the poster made.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.rows import TupleRow
from psycopg_pool import AsyncConnectionPool

from ledger.ids import LedgerKey, Place, transaction_id
from ledger.reading.fresh_registry import fresh_registry
from ledger.reading.transaction_views import AccountView, LotView, PostingView, Surroundings, TransactionView, view_of
from ledger.rules.journal import JournalEntry, LotOpening, Posting, Transaction
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

# Transactions by place, in the order of the fields of Transaction, with their member's id, what makes the
# original's id, and the version of the set-up.
_READ_TRANSACTIONS = """
select t.format, t.lane, t.sequence, t.kind, t.programme, t.partner, t.member, t.points, t.recorded_at,
       t.occurred_at, t.scene, t.channel, t.outlet, t.spend_minor, t.cash_minor, t.programme_version,
       t.reverses_lane, t.reverses_sequence, t.key_digest, t.request_digest, t.available_after,
       t.held_after, t.pending_after, t.answer_format, t.details_commitment,
       t.hash, m.public_id::text, o.recorded_at, o.hash, (select version from registry)
from unnest(%b, %b) as wanted(lane, sequence)
join transactions t on t.lane = wanted.lane and t.sequence = wanted.sequence
join members m on m.lane = t.lane and m.member = t.member
left join transactions o on o.lane = t.reverses_lane and o.sequence = t.reverses_sequence
"""
_TRANSACTION_COLUMNS = 25

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

# What reverses each of the originals.
_READ_REVERSALS = """
select wanted.lane, wanted.sequence, r.recorded_at, r.lane, r.sequence, r.hash
from unnest(%b, %b) as wanted(lane, sequence)
cross join lateral (
    select t.recorded_at, t.lane, t.sequence, t.hash from transactions t
    where t.reverses_lane = wanted.lane and t.reverses_sequence = wanted.sequence
    order by t.lane, t.sequence limit %b
) r
order by r.lane, r.sequence
"""


def views_of_posted(
    posted: Posted, registry: Registry, originals: Mapping[Place, str] | None = None
) -> list[TransactionView]:
    """The views of a command's own entries, without database.

    ``originals`` has the ids of the transactions that reversals among them name; KeyError without one.
    """
    views = []
    for entry in posted.own_entries:
        openings = {lot: opening for (lane, lot), opening in posted.lots.items() if lane == entry.transaction.lane}
        place = _original_place(entry)
        reverses = None if place is None else (originals or {})[place]
        views.append(view_of(entry, Surroundings(openings, posted.member_id, reverses), registry))
    return views


async def view_posted(
    pool: AsyncConnectionPool[AsyncConnection], posted: Posted, registry: Registry
) -> list[TransactionView]:
    """The views of a command's own entries; only reversals ask the database, for their original's id."""
    places = [place for entry in posted.own_entries if (place := _original_place(entry)) is not None]
    if not places:
        return views_of_posted(posted, registry)
    async with pool.connection() as connection:
        heads = await read_transaction_heads(connection, places)
    originals = {
        place: str(transaction_id(head.recorded_at, head.lane, head.sequence, head.hash))
        for place, head in heads.items()
    }
    return views_of_posted(posted, registry, originals)


async def read_views(
    connection: AsyncConnection, registry: Registry, places: Sequence[Place]
) -> dict[Place, TransactionView]:
    """Read transactions back from the journal; places where nothing is are left out."""
    cursor = await connection.execute(_READ_TRANSACTIONS, _arrays(places))
    rows = await cursor.fetchall()
    if not rows:
        return {}
    registry = await fresh_registry(connection, registry, rows[0][-1])
    cursor = await connection.execute(_READ_POSTINGS, _arrays(places))
    postings: dict[Place, list[Posting]] = defaultdict(list)
    openings: dict[Place, dict[int, LotOpening]] = defaultdict(dict)
    for row in await cursor.fetchall():
        place = Place(row[0], row[1])
        postings[place].append(Posting(*row[2:9]))
        if row[9] is not None:
            openings[place][row[9]] = LotOpening(*row[9:])
    views = {}
    for row in rows:
        place = Place(row[1], row[2])
        views[place] = _view_of_row(row, tuple(postings[place]), openings[place], registry)
    return views


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
        found[original] = (*found.get(original, ()), str(transaction_id(recorded_at, lane, sequence, digest)))
    return found


def _view_of_row(
    row: TupleRow, postings: tuple[Posting, ...], openings: dict[int, LotOpening], registry: Registry
) -> TransactionView:
    digest, member_id, original_recorded_at, original_digest, _ = row[_TRANSACTION_COLUMNS:]
    fields: list[Any] = [*row[:_TRANSACTION_COLUMNS], postings, ()]
    entry = JournalEntry(Transaction(*fields), digest)
    place = _original_place(entry)
    reverses = None if place is None else str(transaction_id(original_recorded_at, *place, original_digest))
    return view_of(entry, Surroundings(openings, member_id, reverses), registry)


def _original_place(entry: JournalEntry) -> Place | None:
    transaction = entry.transaction
    if transaction.reverses_lane is None or transaction.reverses_sequence is None:
        return None
    return Place(transaction.reverses_lane, transaction.reverses_sequence)


def _arrays(places: Sequence[Place]) -> list[bytes]:
    return [Smallints.of([place.lane for place in places]), Bigints.of([place.number for place in places])]
