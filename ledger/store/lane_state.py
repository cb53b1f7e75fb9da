"""Reading the state of a batch's lanes: in one round trip, and a second one for what takes back."""

from collections.abc import Iterable, Sequence

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from ledger.errors import ClockBehind
from ledger.ids import Place
from ledger.rules.business_day import MICROSECONDS_PER_SECOND
from ledger.rules.commands import Atomic, Earn, GrantCover, Reverse, Submission, SweepCap, TakeBack
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Registry
from ledger.rules.state import KeyRecord, LaneState, LedgerState, ShortfallState
from ledger.store import lane_queries as queries
from ledger.store.arrays import Bigints, Bytes, Smallints
from ledger.store.rarer_state import member_arrays, place_arrays, read_rarer_state
from ledger.store.state_rows import add_lot, add_member, add_open_lots, add_original, points_of
from ledger.store.unit_of_work import BEGIN
from ledger.store.wanted_state import Wanted, lots_at_first, wanted_of

MAXIMUM_LEAD_SECONDS = 60


class RegistryChanged(Exception):
    """The set-up is newer than the one this batch was resolved with: read it and start again."""


_SHORTFALL_FIELDS = 9


class _Cursors(msgspec.Struct):
    lanes: AsyncCursor[TupleRow]
    clock: AsyncCursor[TupleRow]
    keys: AsyncCursor[TupleRow]
    members: list[AsyncCursor[TupleRow]] = []
    lots: list[AsyncCursor[TupleRow]] = []
    shortfalls: list[AsyncCursor[TupleRow]] = []
    originals: list[AsyncCursor[TupleRow]] = []
    predecessors: list[AsyncCursor[TupleRow]] = []


async def read_state(
    connection: AsyncConnection,
    lanes: Iterable[int],
    submissions: Sequence[Submission],
    registry: Registry,
) -> LedgerState:
    """Begin a unit of work, lock its lanes, and read what its commands need.

    All lanes record the same instant, as the legs of one command must. Raises RegistryChanged when the set-up
    has changed since, ClockBehind when a lane's last record is over a minute ahead of the database clock. The
    unit of work is open afterwards in every case.
    """
    wanted = wanted_of(set(lanes), submissions, registry)
    async with connection.pipeline():
        cursors = await _send(connection, wanted)
    [(clock, version)] = await cursors.clock.fetchall()
    if version != registry.version:
        raise RegistryChanged
    state = LedgerState(
        registry=registry,
        lanes=_lanes(await cursors.lanes.fetchall(), clock),
        members={},
        keys={row[0]: KeyRecord(*row) for row in await cursors.keys.fetchall()},
    )
    predecessors = await _all_rows(cursors.predecessors)
    if predecessors:
        cursors.originals.append(await connection.execute(queries.READ_EARNS, wanted.earn_arrays(predecessors)))
    await _fill(state, wanted, cursors)
    if state.originals:
        await _read_uses(connection, state)
    if wanted.take_backs:
        _offer_earns(state, wanted, predecessors)
    await read_rarer_state(
        connection,
        state,
        holds=wanted.holds,
        gifts=wanted.gifts,
        codes=wanted.codes,
        earns=any(_touches_caps(s) for s in submissions),
    )
    return state


def _touches_caps(submission: Submission) -> bool:
    return isinstance(submission.command, Earn | Reverse | TakeBack | SweepCap | GrantCover | Atomic)


async def _send(connection: AsyncConnection, wanted: Wanted) -> _Cursors:
    await connection.execute(BEGIN)
    cursors = _Cursors(
        await connection.execute(queries.LOCK_LANES, [Smallints.of(wanted.lanes)]),
        await connection.execute(queries.READ_CLOCK),
        await connection.execute(queries.READ_KEYS, [Bytes.of(wanted.keys)]),
    )
    if wanted.points:
        arrays = member_arrays(list(wanted.points))
        needed = Bigints.of(list(wanted.points.values()))
        at_first = Smallints.of([lots_at_first(points) for points in wanted.points.values()])
        cursors.members = [await connection.execute(queries.READ_MEMBERS, arrays)]
        cursors.lots = [await connection.execute(queries.READ_LOTS, [*arrays, needed, at_first])]
        cursors.shortfalls = [await connection.execute(queries.READ_SHORTFALLS, arrays)]
    if wanted.originals:
        cursors.originals.append(await connection.execute(queries.READ_ORIGINALS, place_arrays(wanted.originals)))
    if wanted.take_backs:
        earns = wanted.earn_arrays()
        cursors.predecessors = [await connection.execute(queries.READ_PREDECESSORS, earns[1:3])]
        cursors.originals.append(await connection.execute(queries.READ_EARNS, earns))
    return cursors


def _lanes(rows: list[TupleRow], clock: int) -> dict[int, LaneState]:
    now = max([clock, *(recorded_at for *_, recorded_at in rows)])
    lanes = {}
    for lane, next_sequence, next_lot, head, recorded_at in rows:
        if recorded_at > clock + MAXIMUM_LEAD_SECONDS * MICROSECONDS_PER_SECOND:
            msg = "The database clock is behind what the ledger has recorded; try again later."
            raise ClockBehind(msg, lane=lane)
        lanes[lane] = LaneState(lane, next_sequence, next_lot, head, now)
    return lanes


async def _fill(state: LedgerState, wanted: Wanted, cursors: _Cursors) -> None:
    for row in await _all_rows(cursors.members):
        add_member(state, row, wanted)
    add_open_lots(state, wanted, await _all_rows(cursors.lots))
    for row in await _all_rows(cursors.shortfalls):
        points_of(state, row[2], row[3]).shortfalls.append(ShortfallState(*row[:_SHORTFALL_FIELDS]))
        add_lot(state, row[_SHORTFALL_FIELDS:])
    for row in await _all_rows(cursors.originals):
        add_original(state, row)


async def _read_uses(connection: AsyncConnection, state: LedgerState) -> None:
    """Add what originals moved, of lots and of caps, and those lots with all that came of them.

    Why a round trip of its own: to find the earns that take-backs may reach costs more than to read them, so it is
    done once.
    """
    places = place_arrays(list(state.originals))
    async with connection.pipeline():
        of_lots = await connection.execute(queries.READ_USES, places)
        family = await connection.execute(queries.READ_FAMILY, places)
        of_caps = [await connection.execute(queries.READ_CAP_USES, places)] if state.registry.caps else []
    for *of_lot, origin_lane, origin_lot in await family.fetchall():
        lot = add_lot(state, of_lot)
        if origin_lane is not None:
            state.children.setdefault((origin_lane, origin_lot), []).append(lot)
    for lane, sequence, lot_number, amount in await of_lots.fetchall():
        state.originals[Place(lane, sequence)].uses.append((lot_number, amount))
    for lane, sequence, cap, amount, taken_out in await _all_rows(of_caps):
        original = state.originals[Place(lane, sequence)]
        original.taken_out = taken_out
        original.cap_uses.append((cap, amount))


async def _all_rows(cursors: Sequence[AsyncCursor[TupleRow]]) -> list[TupleRow]:
    return [row for cursor in cursors for row in await cursor.fetchall()]


def _offer_earns(state: LedgerState, wanted: Wanted, predecessors: list[TupleRow]) -> None:
    """Let each member's take-backs reach its own earns and those of all members that have become it."""
    for _, member, programme, partner in wanted.take_backs:
        state.earns[member, programme, partner] = []
    for original in state.originals.values():
        if original.kind != TransactionKind.EARN or original.spend_minor is None:
            continue
        become = [number for number, _, member in predecessors if member == original.member]
        for member in (original.member, *become):
            earns = state.earns.get((member, original.programme, original.partner))
            if earns is not None:
                earns.append(original)
