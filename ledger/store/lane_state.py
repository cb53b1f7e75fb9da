"""Reading the state of a batch's lanes: in one round trip, and in more where what was read asks for it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from ledger.errors import ClockBehind
from ledger.rules.business_day import MICROSECONDS_PER_SECOND
from ledger.rules.commands import Atomic, Earn, GrantCover, Reverse, Submission, SweepCap, TakeBack
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Registry
from ledger.rules.state import KeyRecord, LaneState, LedgerState, PointsState
from ledger.store import lane_queries as queries
from ledger.store.arrays import Bigints, Bytes, Smallints
from ledger.store.rarer_state import member_arrays, place_arrays, read_rarer_state
from ledger.store.state_rows import (
    add_cap_use,
    add_member,
    add_open_lots,
    add_original,
    add_relative,
    add_shortfall,
    add_use,
)
from ledger.store.unit_of_work import BEGIN
from ledger.store.wanted_state import ALL_LOTS, Wanted, lots_at_first, wanted_of

MAXIMUM_LEAD_SECONDS = 60


class RegistryChanged(Exception):
    """The set-up is newer than the one this batch was resolved with: read it and start again."""


class _Cursors(msgspec.Struct):
    lanes: AsyncCursor[TupleRow]
    clock: AsyncCursor[TupleRow]
    keys: AsyncCursor[TupleRow]
    members: list[AsyncCursor[TupleRow]] = []
    lots: list[AsyncCursor[TupleRow]] = []
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
    await _read_more(connection, state, wanted)
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
        cursors.members = [await connection.execute(queries.READ_MEMBERS, member_arrays(list(wanted.points)))]
        spent = {place: points for place, points in wanted.points.items() if points}
        if spent:
            cursors.lots = [await connection.execute(queries.READ_LOTS, _lot_arrays(spent))]
    if wanted.originals:
        cursors.originals.append(await connection.execute(queries.READ_ORIGINALS, place_arrays(wanted.originals)))
    if wanted.take_backs:
        earns = wanted.earn_arrays()
        cursors.predecessors = [await connection.execute(queries.READ_PREDECESSORS, earns[:2])]
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
    add_open_lots(state, wanted.points, await _all_rows(cursors.lots))
    for row in await _all_rows(cursors.originals):
        add_original(state, row)


async def _read_more(connection: AsyncConnection, state: LedgerState, wanted: Wanted) -> None:
    """Read, in one more round trip, what only some batches need, as their members and originals have shown.

    All lots of members of whom something has lapsed or is pending; what members owe; what originals moved. Why only
    now: to look for it costs a batch more than the round trip does, and to find the earns that take-backs may reach
    costs more than to read them.
    """
    read = [(points, spent) for place, spent in wanted.points.items() for points in _points_at(state, place)]
    changing = {_place_of(p): ALL_LOTS for p, spent in read if spent != ALL_LOTS and _is_changing(state, p)}
    owing = [_place_of(p) for p, _ in read if p.shortfall]
    originals = place_arrays(list(state.originals))
    if not (changing or owing or state.originals):
        return
    async with connection.pipeline():
        lots = [await connection.execute(queries.READ_LOTS, _lot_arrays(changing))] if changing else []
        owed = [await connection.execute(queries.READ_SHORTFALLS, member_arrays(owing))] if owing else []
        family = [await connection.execute(queries.READ_FAMILY, originals)] if state.originals else []
        uses = [await connection.execute(queries.READ_USES, originals)] if state.originals else []
        has_cap_uses = state.originals and state.registry.caps
        cap_uses = [await connection.execute(queries.READ_CAP_USES, originals)] if has_cap_uses else []
    add_open_lots(state, changing, await _all_rows(lots))
    for row in await _all_rows(owed):
        add_shortfall(state, row)
    for row in await _all_rows(family):
        add_relative(state, row)
    for row in await _all_rows(uses):
        add_use(state, row)
    for row in await _all_rows(cap_uses):
        add_cap_use(state, row)


def _points_at(state: LedgerState, place: tuple[int, int, int]) -> Iterable[PointsState]:
    """The points that a member has in a programme; none where it has none there, or is not known."""
    _, number, programme = place
    member = state.members.get(number)
    points = None if member is None else member.points.get(programme)
    return () if points is None else (points,)


def _place_of(points: PointsState) -> tuple[int, int, int]:
    return (points.lane, points.member, points.programme)


def _is_changing(state: LedgerState, points: PointsState) -> bool:
    """Whether something has lapsed, or is still pending."""
    now = state.lanes[points.lane].now
    return points.next_lapse_at <= now or points.pending_until > now


def _lot_arrays(spent: Mapping[tuple[int, int, int], int]) -> list[bytes]:
    """Members' places with the points that are spent of each, and how many lots to read for them at first."""
    return [
        *member_arrays(list(spent)),
        Bigints.of(list(spent.values())),
        Smallints.of([lots_at_first(points) for points in spent.values()]),
    ]


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
