"""Closing a business day: from then on nothing can be recorded in it.

Each lane is locked for a moment, its last instant raised to the cut-off, and the last sequence before the cut-off
kept. The day is closed when all lanes are; a close that was cut short is finished by the next, with the same result.
"""

from datetime import date, timedelta
from functools import partial

from ledger.errors import DayNotNext, DayStillOpen
from ledger.posting.engine import Engine
from ledger.rules.business_day import first_instant_after, to_datetime
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import read_clock
from ledger.store.unit_of_work import again_when_raced, unit_of_work
from settlement.people import Person
from settlement.store.day_rows import ClosedDay, add_day, add_ranges, last_before, read_day, read_last_day, read_lasts
from settlement.vocabulary import CLERK, MANAGER


async def close_day(engine: Engine, person: Person, programme: Programme, day: date) -> ClosedDay:
    """Close a programme's business day; one that is closed already is returned as it is.

    Raises Forbidden, DayStillOpen before its cut-off, DayNotNext while an earlier day is open.
    """
    person.refuse_without(CLERK, MANAGER)
    cut_off_at = first_instant_after(day, programme.zone, programme.cut_off_minutes)
    async with engine.pool.connection() as connection:
        if (closed := await read_day(connection, programme.number, day)) is not None:
            return closed
        last = await read_last_day(connection, programme.number)
        now = await read_clock(connection)
        known = await read_lasts(connection, programme.number, day)
    if last is not None and day != last + timedelta(days=1):
        following = (last + timedelta(days=1)).isoformat()
        raise DayNotNext(f"Days are closed in order; the next one is {following}.", got=day.isoformat(), next=following)
    if now < cut_off_at:
        may_at = to_datetime(cut_off_at).isoformat()
        raise DayStillOpen(f"The day {day} can be closed from {may_at} on.", day=day.isoformat(), closes_at=may_at)
    for lane in range(engine.lanes):
        if lane not in known:
            await again_when_raced(partial(_close_lane, engine, programme, day, lane, cut_off_at))
    return await _finish(engine, person, programme, ClosedDay(day, cut_off_at, now, person.name))


async def _close_lane(engine: Engine, programme: Programme, day: date, lane: int, cut_off_at: int) -> None:
    async with engine.pool.connection() as connection, unit_of_work(connection):
        last = await last_before(connection, lane, cut_off_at)
        await add_ranges(connection, programme.number, day, {lane: last})


async def _finish(engine: Engine, person: Person, programme: Programme, closed: ClosedDay) -> ClosedDay:
    async with engine.pool.connection() as connection:
        async with unit_of_work(connection):
            await add_day(connection, programme.number, closed)
        found = await read_day(connection, programme.number, closed.day)
    if found is None:
        raise LookupError(f"the day {closed.day} that {person.name} closed is not there")
    return found
