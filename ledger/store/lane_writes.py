"""Writing what a batch decided, in one round trip that ends with the commit."""

from collections.abc import Iterable, Sequence

from psycopg import AsyncConnection

from ledger.rules.journal import JournalEntry, Transaction
from ledger.rules.state import (
    NEVER,
    KeyRecord,
    LaneState,
    LedgerState,
    LotState,
    OriginalState,
    PointsState,
    ShortfallState,
)
from ledger.store import lane_queries as queries
from ledger.store.arrays import Bigints, Booleans, Bytes, Days, Integers, Moments, Smallints, Texts
from ledger.store.rarer_writes import write_rarer_state
from ledger.store.unit_of_work import COMMIT


async def write_state(connection: AsyncConnection, state: LedgerState) -> None:
    """Write everything that the decisions of a unit of work changed, and commit.

    Raises what the database refuses; the unit of work is then still open and without effect.
    """
    async with connection.pipeline():
        if state.new_keys:
            await _insert_keys(connection, state.new_keys)
        if state.entries:
            await _insert_journal(connection, state.entries)
            await _write_projections(connection, state)
        if state.details:
            await _insert_details(connection, state.details)
        await write_rarer_state(connection, state)
        await connection.execute(COMMIT)


async def _insert_keys(connection: AsyncConnection, keys: list[KeyRecord]) -> None:
    # In the order of the digest, so that two batches with the same keys cannot deadlock.
    keys = sorted(keys, key=lambda key: key.digest)
    await connection.execute(
        queries.INSERT_KEYS,
        [
            Bigints.of([key.sequence for key in keys]),
            Smallints.of([key.lane for key in keys]),
            Smallints.of([key.transactions for key in keys]),
            Bytes.of([key.digest for key in keys]),
            Bytes.of([key.request_digest for key in keys]),
            Bytes.of([key.answer for key in keys]),
        ],
    )


async def _insert_journal(connection: AsyncConnection, entries: list[JournalEntry]) -> None:
    # Lane by lane: rows that are neighbours in the tables and indexes are written one after the other.
    entries = sorted(entries, key=lambda entry: entry.transaction.lane)
    await connection.execute(queries.INSERT_TRANSACTIONS, _transaction_columns(entries))
    await _insert_postings(connection, [entry.transaction for entry in entries])


def _transaction_columns(entries: list[JournalEntry]) -> list[bytes]:
    transactions = [entry.transaction for entry in entries]
    return [
        Bigints.of([t.sequence for t in transactions]),
        Moments.of([t.recorded_at for t in transactions]),
        Moments.of([t.occurred_at for t in transactions]),
        Bigints.of([t.member for t in transactions]),
        Bigints.of([t.points for t in transactions]),
        Bigints.of([t.available_after for t in transactions]),
        Bigints.of([t.held_after for t in transactions]),
        Bigints.of([t.pending_after for t in transactions]),
        Bigints.of([t.spend_minor for t in transactions]),
        Bigints.of([t.cash_minor for t in transactions]),
        Bigints.of([t.reverses_sequence for t in transactions]),
        Integers.of([t.programme for t in transactions]),
        Integers.of([t.partner for t in transactions]),
        Integers.of([t.programme_version for t in transactions]),
        Smallints.of([t.lane for t in transactions]),
        Smallints.of([t.kind for t in transactions]),
        Smallints.of([t.format for t in transactions]),
        Smallints.of([t.answer_format for t in transactions]),
        Smallints.of([t.reverses_lane for t in transactions]),
        Bytes.of([t.key_digest for t in transactions]),
        Bytes.of([t.request_digest for t in transactions]),
        Bytes.of([entry.hash for entry in entries]),
        Bytes.of([t.details_commitment for t in transactions]),
        Texts.of([t.scene for t in transactions]),
        Texts.of([t.channel for t in transactions]),
        Texts.of([t.outlet for t in transactions]),
    ]


async def _insert_postings(connection: AsyncConnection, transactions: list[Transaction]) -> None:
    postings = [(t.lane, t.sequence, line, posting) for t in transactions for line, posting in enumerate(t.postings)]
    if postings:
        await connection.execute(
            queries.INSERT_POSTINGS,
            [
                Bigints.of([sequence for _, sequence, _, _ in postings]),
                Bigints.of([p.amount for _, _, _, p in postings]),
                Bigints.of([p.debit_owner for _, _, _, p in postings]),
                Bigints.of([p.credit_owner for _, _, _, p in postings]),
                Bigints.of([p.lot for _, _, _, p in postings]),
                Bigints.of([p.counter_lot for _, _, _, p in postings]),
                Smallints.of([lane for lane, _, _, _ in postings]),
                Smallints.of([line for _, _, line, _ in postings]),
                Smallints.of([p.debit_kind for _, _, _, p in postings]),
                Smallints.of([p.credit_kind for _, _, _, p in postings]),
            ],
        )


async def _write_projections(connection: AsyncConnection, state: LedgerState) -> None:
    await _write_lots(connection, list(state.changed_lots.values()))
    points = [p for m in state.members.values() for p in m.points.values() if p.is_changed]
    if points:
        await _write_points(connection, points)
    if state.changed_shortfalls:
        await _write_shortfalls(connection, list(state.changed_shortfalls.values()))
    originals = [original for original in state.originals.values() if original.is_changed]
    if originals:
        await _write_taken_back(connection, originals)
    changes = sorted((place, change) for place, change in state.party_changes.items() if change)
    if changes:
        await _move_party_balances(connection, changes)
    written = {entry.transaction.lane for entry in state.entries}
    await _update_lanes(connection, [state.lanes[lane] for lane in sorted(written)])


async def _write_lots(connection: AsyncConnection, lots: list[LotState]) -> None:
    new = [lot for lot in lots if lot.is_new]
    if new:
        await connection.execute(
            queries.INSERT_LOTS,
            [
                Bigints.of([lot.lot for lot in new]),
                Bigints.of([lot.sequence for lot in new]),
                Bigints.of([lot.member for lot in new]),
                Moments.of([lot.earned_at for lot in new]),
                Moments.of([lot.available_from for lot in new]),
                Bigints.of([lot.original for lot in new]),
                Bigints.of([lot.restored_from for lot in new]),
                Bigints.of([lot.remaining for lot in new]),
                Bigints.of([lot.held for lot in new]),
                Bigints.of([lot.expired for lot in new]),
                Integers.of([lot.programme for lot in new]),
                Integers.of([lot.funding for lot in new]),
                Integers.of([lot.terms_version for lot in new]),
                Days.of([lot.expires_on for lot in new]),
                Smallints.of([lot.lane for lot in new]),
                Smallints.of([lot.expiries for lot in new]),
                Booleans.of([lot.remaining + lot.held > 0 for lot in new]),
            ],
        )
    old = [lot for lot in lots if not lot.is_new]
    if old:
        await connection.execute(
            queries.UPDATE_LOTS,
            [
                Smallints.of([lot.lane for lot in old]),
                Bigints.of([lot.lot for lot in old]),
                Bigints.of([lot.remaining for lot in old]),
                Bigints.of([lot.held for lot in old]),
                Bigints.of([lot.expired for lot in old]),
                Smallints.of([lot.expiries for lot in old]),
            ],
        )


async def _write_points(connection: AsyncConnection, changed: list[PointsState]) -> None:
    for query, points in (
        (queries.INSERT_MEMBER_POINTS, [p for p in changed if p.is_new]),
        (queries.UPDATE_MEMBER_POINTS, [p for p in changed if not p.is_new]),
    ):
        if not points:
            continue
        moments = [_next_moments(p) for p in points]
        await connection.execute(
            query,
            [
                Bigints.of([p.member for p in points]),
                Bigints.of([p.posted for p in points]),
                Bigints.of([p.held for p in points]),
                Bigints.of([p.shortfall for p in points]),
                Moments.of([lapse for lapse, _ in moments]),
                Moments.of([pending for _, pending in moments]),
                Integers.of([p.programme for p in points]),
                Smallints.of([p.lane for p in points]),
            ],
        )


def _next_moments(points: PointsState) -> tuple[int | None, int | None]:
    """When something next lapses, and until when something is pending.

    Where not all lots were read, the earlier lapse is kept: it may be early, never late.
    """
    lapse = points.next_lapse_at
    if points.lots_complete:
        lapse = min((lot.lapses_at for lot in points.lots if lot.remaining), default=NEVER)
        lapse = min([lapse, *(hold.expires_at for hold in points.holds if hold.remaining)])
    return (None if lapse == NEVER else lapse, points.pending_until or None)


async def _write_shortfalls(connection: AsyncConnection, shortfalls: list[ShortfallState]) -> None:
    new = [shortfall for shortfall in shortfalls if shortfall.is_new]
    if new:
        await connection.execute(
            queries.INSERT_SHORTFALLS,
            [
                Bigints.of([s.sequence for s in new]),
                Bigints.of([s.member for s in new]),
                Bigints.of([s.lot for s in new]),
                Bigints.of([s.original for s in new]),
                Bigints.of([s.remaining for s in new]),
                Integers.of([s.programme for s in new]),
                Integers.of([s.funding for s in new]),
                Integers.of([s.terms_version for s in new]),
                Smallints.of([s.lane for s in new]),
            ],
        )
    old = [shortfall for shortfall in shortfalls if not shortfall.is_new]
    if old:
        await connection.execute(
            queries.UPDATE_SHORTFALLS,
            [
                Smallints.of([s.lane for s in old]),
                Bigints.of([s.sequence for s in old]),
                Bigints.of([s.remaining for s in old]),
            ],
        )


async def _write_taken_back(connection: AsyncConnection, originals: list[OriginalState]) -> None:
    await connection.execute(
        queries.WRITE_TAKEN_BACK,
        [
            Bigints.of([o.sequence for o in originals]),
            Bigints.of([o.reversed_points for o in originals]),
            Bigints.of([o.reversed_spend_minor for o in originals]),
            Bigints.of([o.expired_counted for o in originals]),
            Smallints.of([o.lane for o in originals]),
        ],
    )


async def _move_party_balances(
    connection: AsyncConnection, changes: Sequence[tuple[tuple[int, int, int, int], int]]
) -> None:
    await connection.execute(
        queries.MOVE_PARTY_BALANCES,
        [
            Bigints.of([owner for (_, _, owner, _), _ in changes]),
            Bigints.of([change for _, change in changes]),
            Integers.of([programme for (_, _, _, programme), _ in changes]),
            Smallints.of([lane for (lane, _, _, _), _ in changes]),
            Smallints.of([kind for (_, kind, _, _), _ in changes]),
        ],
    )


async def _insert_details(
    connection: AsyncConnection, details: Iterable[tuple[int, int, bytes, bytes, bytes | None]]
) -> None:
    rows = list(details)
    await connection.execute(
        queries.INSERT_DETAILS,
        [
            Bigints.of([sequence for _, sequence, _, _, _ in rows]),
            Smallints.of([lane for lane, _, _, _, _ in rows]),
            Bytes.of([salt for _, _, salt, _, _ in rows]),
            Bytes.of([reference for _, _, _, _, reference in rows]),
            Bytes.of([document for _, _, _, document, _ in rows]),
        ],
    )


async def _update_lanes(connection: AsyncConnection, lanes: list[LaneState]) -> None:
    await connection.execute(
        queries.UPDATE_LANES,
        [
            Smallints.of([lane.lane for lane in lanes]),
            Bigints.of([lane.next_sequence for lane in lanes]),
            Bigints.of([lane.next_lot for lane in lanes]),
            Bytes.of([lane.head for lane in lanes]),
            Moments.of([lane.now for lane in lanes]),
        ],
    )
