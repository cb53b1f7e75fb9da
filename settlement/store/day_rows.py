"""Rows of closed days: where each lane stood at the cut-off."""

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from ledger.store.arrays import Bigints, Smallints

# Under the lane's lock nothing is recorded; afterwards nothing is recorded earlier than the cut-off.
_LOCK_LANE = "select next_sequence, recorded_at from lanes where lane = %s for update"
_RAISE_LANE = "update lanes set recorded_at = greatest(recorded_at, %s) where lane = %s"
_RECORDED_BEFORE = "select recorded_at < %s from transactions where lane = %s and sequence = %s"

_READ_DAY = "select cut_off_at, closed_at, closed_by from settlement_days where programme = %s and day = %s"
_READ_LAST_DAY = "select max(day) from settlement_days where programme = %s"
_READ_LASTS = "select lane, last_sequence from settlement_ranges where programme = %s and day = %s"
_LIST_DAYS = """
select d.day, d.cut_off_at, d.closed_at, d.closed_by, b.batch
from settlement_days d
left join settlement_batch_days b on b.programme = d.programme and b.day = d.day and not b.is_freed
where d.programme = %(programme)s and (%(after)s::date is null or d.day < %(after)s)
order by d.day desc limit %(limit)s
"""
_ADD_RANGES = """
insert into settlement_ranges (programme, day, lane, last_sequence)
select %s, %s, lane, sequence from unnest(%b, %b) as found(lane, sequence)
on conflict do nothing
"""
_ADD_DAY = """
insert into settlement_days (programme, day, cut_off_at, closed_at, closed_by) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
_READ_BANK_DAYS = "select day, is_business from bank_days"
_SET_BANK_DAY = """
insert into bank_days (day, is_business, note, set_by) values (%s, %s, %s, %s)
on conflict (day) do update set is_business = excluded.is_business, note = excluded.note, set_by = excluded.set_by
"""


class ClosedDay(msgspec.Struct, frozen=True):
    """A closed business day; instants are microseconds since 1970 UTC. ``batch`` is the one it is settled in."""

    day: date
    cut_off_at: int
    closed_at: int
    closed_by: str
    batch: str | None = None


async def read_day(connection: AsyncConnection, programme: int, day: date) -> ClosedDay | None:
    """A closed day; None while it is open."""
    row = await (await connection.execute(_READ_DAY, [programme, day])).fetchone()
    return None if row is None else ClosedDay(day, *row)


async def read_last_day(connection: AsyncConnection, programme: int) -> date | None:
    """The last closed day of a programme; None before the first."""
    [(day,)] = await (await connection.execute(_READ_LAST_DAY, [programme])).fetchall()
    return day if isinstance(day, date) else None


async def list_days(
    connection: AsyncConnection, programme: int, limit: int, after: str | None = None
) -> list[ClosedDay]:
    """The latest closed days, the last first; those that come after one in this order."""
    cursor = await connection.execute(_LIST_DAYS, {"programme": programme, "limit": limit, "after": after})
    return [ClosedDay(*row) for row in await cursor.fetchall()]


async def read_lasts(connection: AsyncConnection, programme: int, day: date) -> dict[int, int]:
    """The last sequence of a closed day, by lane; 0 where a lane had none."""
    return dict(await (await connection.execute(_READ_LASTS, [programme, day])).fetchall())


async def last_before(connection: AsyncConnection, lane: int, instant: int) -> int:
    """Raise a lane's last instant to at least ``instant``, and find its last sequence recorded before that.

    Inside a unit of work. Within a lane ``recorded_at`` never falls, so it is searched for by halving.
    """
    moment = to_datetime(instant)
    [(next_sequence, _)] = await (await connection.execute(_LOCK_LANE, [lane])).fetchall()
    await connection.execute(_RAISE_LANE, [moment, lane])
    low, high = 0, next_sequence - 1
    while low < high:
        middle = (low + high + 1) // 2
        cursor = await connection.execute(_RECORDED_BEFORE, [moment, lane, middle])
        [(is_before,)] = await cursor.fetchall()
        low, high = (middle, high) if is_before else (low, middle - 1)
    if low == 0:
        return 0
    cursor = await connection.execute(_RECORDED_BEFORE, [moment, lane, low])
    [(is_before,)] = await cursor.fetchall()
    return low if is_before else 0


async def add_ranges(connection: AsyncConnection, programme: int, day: date, lasts: Mapping[int, int]) -> None:
    """Keep where lanes stood; what another closer kept before is the same."""
    lanes = sorted(lasts)
    arrays = [Smallints.of(lanes), Bigints.of([lasts[lane] for lane in lanes])]
    await connection.execute(_ADD_RANGES.encode(), [programme, day, *arrays])


async def add_day(connection: AsyncConnection, programme: int, closed: ClosedDay) -> None:
    """Close the day, now that all its ranges are there."""
    moments = [to_datetime(closed.cut_off_at), to_datetime(closed.closed_at)]
    await connection.execute(_ADD_DAY, [programme, closed.day, *moments, closed.closed_by])


async def read_bank_days(connection: AsyncConnection) -> dict[date, bool]:
    """The days that are not what their weekday says: whether banks settle."""
    return dict(await (await connection.execute(_READ_BANK_DAYS)).fetchall())


async def set_bank_days(
    connection: AsyncConnection, days: Sequence[date], note: str, person: str, *, is_business: bool
) -> None:
    """Name holidays, or working days at a weekend."""
    for day in days:
        await connection.execute(_SET_BANK_DAY, [day, is_business, note, person])
