"""Reading the state of a batch's lanes, in one round trip."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from psycopg import AsyncConnection, AsyncCursor
from psycopg.rows import TupleRow

from ledger.errors import ClockBehind
from ledger.ids import Place
from ledger.rules.business_day import MICROSECONDS_PER_SECOND, end_of_day
from ledger.rules.commands import Earn, Expire, Redeem, Reverse, Submission, TakeBack
from ledger.rules.journal import TransactionKind
from ledger.rules.lots import spend_order
from ledger.rules.programmes import Registry
from ledger.rules.state import (
    NEVER,
    KeyRecord,
    LaneState,
    LedgerState,
    LotState,
    MemberState,
    OriginalState,
    PointsState,
    ShortfallState,
)
from ledger.store import lane_queries as queries
from ledger.store.arrays import Bigints, Bytes, Integers, Moments, Smallints
from ledger.store.unit_of_work import BEGIN

MAXIMUM_LEAD_SECONDS = 60
ALL_LOTS = -1
LOTS_PER_REDEMPTION = 8
MOST_MINOR = (1 << 63) - 1


class RegistryChanged(Exception):
    """The set-up is newer than the one this batch was resolved with: read it and start again."""


class _Wanted(msgspec.Struct):
    """What a batch needs to read."""

    lanes: list[int]
    keys: list[bytes]
    points: dict[tuple[int, int, int], int]
    """(lane, member, programme) to how many lots its commands may use; ALL_LOTS for all."""
    originals: list[Place]
    take_backs: dict[tuple[int, int, int, int], list[TakeBack]]
    """(lane, member, programme, partner) to the take-backs of the batch."""
    reversed_members: set[int]
    """Members of whom the batch reverses a transaction by its name."""

    def earn_arrays(self) -> list[bytes]:
        """Which earns to read: of a member, partner and programme up to a time, until they hold a spend.

        A batch's take-backs of one member may meet in the same earns, so each reads for all of them;
        beside a reversal, which may empty any earn, all are read.
        """
        earns: dict[tuple[int, int, int, int, int, int], None] = {}
        for place, commands in self.take_backs.items():
            spend_minor = min(sum(command.spend_minor for command in commands), MOST_MINOR)
            if place[1] in self.reversed_members:
                spend_minor = MOST_MINOR
            earns.update({(*place, command.occurred_at, spend_minor): None for command in commands})
        return [
            Integers.of(range(len(earns))),
            Smallints.of([lane for lane, *_ in earns]),
            Bigints.of([member for _, member, *_ in earns]),
            Integers.of([programme for _, _, programme, *_ in earns]),
            Integers.of([partner for _, _, _, partner, *_ in earns]),
            Moments.of([occurred_at for *_, occurred_at, _ in earns]),
            Bigints.of([spend_minor for *_, spend_minor in earns]),
        ]


class _Cursors(msgspec.Struct):
    lanes: AsyncCursor[TupleRow]
    clock: AsyncCursor[TupleRow]
    keys: AsyncCursor[TupleRow]
    members: list[AsyncCursor[TupleRow]] = []
    lots: list[AsyncCursor[TupleRow]] = []
    families: list[AsyncCursor[TupleRow]] = []
    shortfalls: list[AsyncCursor[TupleRow]] = []
    originals: list[AsyncCursor[TupleRow]] = []
    uses: list[AsyncCursor[TupleRow]] = []


async def read_state(
    connection: AsyncConnection,
    lanes: Iterable[int],
    submissions: Sequence[Submission],
    registry: Registry,
) -> LedgerState:
    """Begin a unit of work, lock its lanes, and read what its commands need.

    Raises RegistryChanged when the set-up has changed since, ClockBehind when a lane's last record is
    over a minute ahead of the database clock. The unit of work is open afterwards in every case.
    """
    wanted = _wanted(lanes, submissions, registry)
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
    await _fill(state, wanted, cursors)
    return state


def _wanted(lanes: Iterable[int], submissions: Sequence[Submission], registry: Registry) -> _Wanted:
    wanted = _Wanted(sorted(lanes), [], {}, [], {}, set())
    for submission in submissions:
        command = submission.command
        wanted.keys.append(submission.key_digest)
        if submission.original is not None:
            wanted.originals.append(submission.original)
        if submission.member is None:
            continue
        programme = submission.programme
        if isinstance(command, Earn | Redeem | TakeBack | Expire):
            found = registry.programmes.get(command.programme)
            programme = None if found is None else found.number
        if programme is None:
            continue
        place = (submission.lane, submission.member, programme)
        wanted.points[place] = _more_lots(wanted.points.get(place, 0), submission)
        if isinstance(command, TakeBack):
            wanted.take_backs.setdefault((*place, submission.partner), []).append(command)
        elif isinstance(command, Reverse):
            wanted.reversed_members.add(submission.member)
    return wanted


def _more_lots(lots: int, submission: Submission) -> int:
    """Add what one more command of a member may use to what its others may."""
    if lots == ALL_LOTS or submission.needs_all_lots or isinstance(submission.command, Expire):
        return ALL_LOTS
    return lots + LOTS_PER_REDEMPTION if isinstance(submission.command, Redeem) else lots


async def _send(connection: AsyncConnection, wanted: _Wanted) -> _Cursors:
    await connection.execute(BEGIN)
    cursors = _Cursors(
        await connection.execute(queries.LOCK_LANES, [Smallints.of(wanted.lanes)]),
        await connection.execute(queries.READ_CLOCK),
        await connection.execute(queries.READ_KEYS, [Bytes.of(wanted.keys)]),
    )
    if wanted.points:
        places = list(wanted.points)
        arrays = [
            Smallints.of([place[0] for place in places]),
            Bigints.of([place[1] for place in places]),
            Integers.of([place[2] for place in places]),
        ]
        limits = Integers.of(list(wanted.points.values()))
        cursors.members = [await connection.execute(queries.READ_MEMBERS, arrays)]
        cursors.lots = [await connection.execute(queries.READ_LOTS, [*arrays, limits])]
        cursors.shortfalls = [await connection.execute(queries.READ_SHORTFALLS, arrays)]
    if wanted.originals:
        named = [
            Smallints.of([place.lane for place in wanted.originals]),
            Bigints.of([place.number for place in wanted.originals]),
        ]
        cursors.originals = [await connection.execute(queries.READ_ORIGINALS, named)]
        cursors.uses = [await connection.execute(queries.READ_USES, named)]
        cursors.families += [await connection.execute(queries.READ_FAMILY, named)]
    if wanted.take_backs:
        earns = wanted.earn_arrays()
        cursors.originals += [await connection.execute(queries.READ_EARNS, earns)]
        cursors.uses += [await connection.execute(queries.READ_EARN_USES, earns)]
        cursors.families += [await connection.execute(queries.READ_EARN_FAMILY, earns)]
    return cursors


def _lanes(rows: list[TupleRow], clock: int) -> dict[int, LaneState]:
    lanes = {}
    for lane, next_sequence, next_lot, head, recorded_at in rows:
        if recorded_at > clock + MAXIMUM_LEAD_SECONDS * MICROSECONDS_PER_SECOND:
            msg = "The database clock is behind what the ledger has recorded; try again later."
            raise ClockBehind(msg, lane=lane)
        lanes[lane] = LaneState(lane, next_sequence, next_lot, head, max(clock, recorded_at))
    return lanes


async def _fill(state: LedgerState, wanted: _Wanted, cursors: _Cursors) -> None:
    for row in await _all_rows(cursors.members):
        _add_member(state, row, wanted)
    _add_open_lots(state, wanted, await _all_rows(cursors.lots))
    for row in await _all_rows(cursors.families):
        _add_lot(state, row)
    for row in await _all_rows(cursors.shortfalls):
        _points(state, row[2], row[3]).shortfalls.append(ShortfallState(*row))
    for row in await _all_rows(cursors.originals):
        _add_original(state, row)
    for lane, sequence, lot, amount in await _all_rows(cursors.uses):
        original = state.originals[Place(lane, sequence)]
        if (lot, amount) not in original.uses:
            original.uses.append((lot, amount))
    if wanted.take_backs:
        _offer_earns(state, wanted)


async def _all_rows(cursors: Sequence[AsyncCursor[TupleRow]]) -> list[TupleRow]:
    return [row for cursor in cursors for row in await cursor.fetchall()]


def _offer_earns(state: LedgerState, wanted: _Wanted) -> None:
    for _, member, programme, partner in wanted.take_backs:
        state.earns[member, programme, partner] = []
    for original in state.originals.values():
        earns = state.earns.get((original.member, original.programme, original.partner))
        if earns is not None and original.kind == TransactionKind.EARN and original.spend_minor is not None:
            earns.append(original)


def _add_member(state: LedgerState, row: TupleRow, wanted: _Wanted) -> None:
    lane, number, public_id, status, programme, posted, held, shortfall, lapse, pending = row
    member = state.members.get(number)
    if member is None:
        member = MemberState(lane, number, public_id, status)
        state.members[number] = member
    if programme is not None:
        member.points[programme] = PointsState(
            lane=lane,
            member=number,
            programme=programme,
            posted=posted,
            held=held,
            shortfall=shortfall,
            next_lapse_at=NEVER if lapse is None else lapse,
            pending_until=pending or 0,
            lots_complete=wanted.points[lane, number, programme] == ALL_LOTS,
            is_new=False,
        )


def _add_open_lots(state: LedgerState, wanted: _Wanted, rows: list[TupleRow]) -> None:
    """Add open lots, which come in the order of use, and note how far each member's were read."""
    for *row, is_all in rows:
        lot = _add_lot(state, row)
        points = _points(state, lot.member, lot.programme)
        points.lots_read_to = spend_order(lot)
        points.lots_complete = points.lots_complete or is_all
    for (_, member, programme), limit in wanted.points.items():
        if member in state.members:
            points = _points(state, member, programme)
            points.lots_complete = points.lots_complete or len(points.lots) < limit


def _add_lot(state: LedgerState, row: Sequence[Any]) -> LotState:
    place = (row[0], row[1])
    known = state.lots.get(place)
    if known is not None:
        return known
    lot = LotState(*row)
    if lot.expires_on is not None:
        programme = state.registry.programme_numbered(lot.programme)
        lot.lapses_at = end_of_day(lot.expires_on, programme.zone)
    state.lots[place] = lot
    if lot.restored_from is not None:
        state.children.setdefault((lot.lane, lot.restored_from), []).append(lot)
    points = _points(state, lot.member, lot.programme)
    points.lots.append(lot)
    now = state.lanes[lot.lane].now
    if lot.lapses_at <= now:
        points.lapsed += lot.remaining
    elif lot.available_from > now:
        points.pending += lot.remaining
    return lot


def _add_original(state: LedgerState, row: TupleRow) -> None:
    place = Place(row[0], row[1])
    if place in state.originals:
        return
    state.originals[place] = OriginalState(*row)


def _points(state: LedgerState, member: int, programme: int) -> PointsState:
    return state.members[member].points_in(programme)
