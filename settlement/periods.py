"""Periods: closed for good once every day of them is settled."""

from datetime import date

from ledger.errors import BatchInTheWay, DayStillOpen
from ledger.posting.clearing import ClearingUnit
from ledger.rules.business_day import first_instant_after, to_datetime
from ledger.rules.programmes import Programme
from settlement.store.batch_rows import read_batch_of_day
from settlement.store.day_rows import read_last_day


async def refuse_unsettled(unit: ClearingUnit, programme: Programme, through: date) -> None:
    """Raise DayStillOpen while a day of a period is open, BatchInTheWay while one is in no approved batch."""
    last = await read_last_day(unit.connection, programme.number)
    if last is None or last < through:
        closes_at = to_datetime(first_instant_after(through, programme.zone, programme.cut_off_minutes)).isoformat()
        raise DayStillOpen(f"The day {through} is not closed yet.", day=through.isoformat(), closes_at=closes_at)
    batch = await read_batch_of_day(unit.connection, programme.number, through)
    if batch is None or batch.sequence is None:
        name, state = ("none", "none") if batch is None else (batch.id, batch.state)
        raise BatchInTheWay(f"The day {through} is in no approved batch yet.", batch=name, state=state)
