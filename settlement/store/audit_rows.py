"""What the audit of settlement reads: days with where lanes stood, batches as they are kept, and what they posted.

What is compared with each other comes from one statement, so it is of one moment while others go on.
"""

from collections.abc import Sequence
from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.rules.journal import Posting
from ledger.rules.money_postings import CLEARING_LANE, OPERATOR, MoneyAccount, MoneyPosting

_READ_DAYS = """
select day, cut_off_at, closed_at, lag(day) over (order by day) from settlement_days where programme = %s order by day
"""
_READ_LANES_OF_DAY = """
select l.lane, l.next_sequence, l.recorded_at, day_before.last_sequence, r.last_sequence,
       last.recorded_at, following.recorded_at
from lanes l
left join settlement_ranges r on r.lane = l.lane and r.programme = %(programme)s and r.day = %(day)s
left join settlement_ranges day_before
  on day_before.lane = l.lane and day_before.programme = %(programme)s and day_before.day = %(day)s - 1
left join transactions last on last.lane = l.lane and last.sequence = r.last_sequence
left join transactions following on following.lane = l.lane and following.sequence = r.last_sequence + 1
order by l.lane
"""

# Ranges in no lane, and of days that are neither closed nor the next to be: that one's closing may have begun.
_READ_STRAY_RANGES = """
select r.programme, r.day, r.lane from settlement_ranges r
where not exists(select from lanes l where l.lane = r.lane)
   or (not exists(select from settlement_days d where d.programme = r.programme and d.day = r.day)
       and r.day <> (select max(day) + 1 from settlement_days d where d.programme = r.programme))
order by 1, 2, 3
"""
_READ_STRAY_DAYS = """
select b.batch, b.day from settlement_batch_days b
where not exists(select from settlement_days d where d.programme = b.programme and d.day = b.day) order by 1, 2
"""
_READ_DAYS_TAKEN_TWICE = """
select programme, day, string_agg(batch, ', ' order by batch) from settlement_batch_days
where not is_freed group by 1, 2 having count(*) > 1 order by 1, 2
"""
_READ_STRAY_SETTLEMENTS = """
select t.sequence, p.about from transactions t left join particulars p using (lane, sequence)
where t.lane = %s and t.kind = 19 and not exists(
    select from settlement_batches b where b.sequence = t.sequence and b.batch = p.about)
order by 1
"""
_LIST_BATCHES = "select batch from settlement_batches where programme = %s order by last_day, revision"
_READ_BATCH = """
select b.batch, b.first_day, b.last_day, b.revision, b.state, b.sequence, b.digest, b.inputs, b.figures,
       coalesce((select array_agg(d.day order by d.day) from settlement_batch_days d
                 where d.batch = b.batch and d.programme = b.programme
                   and d.is_freed = (b.state = 'cancelled')), '{}'),
       coalesce(steps.states, '{}'), coalesce(steps.people, '{}')
from settlement_batches b
cross join lateral (
    select array_agg(s.state order by s.step) states, array_agg(s.person order by s.step) people
    from settlement_batch_steps s where s.batch = b.batch
) steps
where b.batch = %s
"""
_READ_POSTED = """
select t.kind, t.programme, p.about from transactions t left join particulars p using (lane, sequence)
where t.lane = %s and t.sequence = %s
"""
_READ_POINTS = """
select debit_kind, debit_owner, credit_kind, credit_owner, amount, lot, counter_lot
from postings where lane = %s and sequence = %s order by line
"""
_READ_MONEY = """
select currency, debit, debit_party, credit, credit_party, amount_minor
from money_postings where lane = %s and sequence = %s order by line
"""
_READ_OWED = """
select coalesce(sum(case when (credit, credit_party) = (%(account)s, %(party)s) then amount_minor else 0 end)
              - sum(case when (debit, debit_party) = (%(account)s, %(party)s) then amount_minor else 0 end), 0)::bigint
from money_postings
where lane = %(lane)s and sequence <= %(sequence)s and programme = %(programme)s and currency = %(currency)s
"""


class AuditedDay(msgspec.Struct, frozen=True, array_like=True):
    """A closed day and the closed day before it; instants are microseconds since 1970 UTC."""

    day: date
    cut_off_at: int
    closed_at: int
    before: date | None


class LaneOfDay(msgspec.Struct, frozen=True, array_like=True):
    """Where a lane stood at the end of the day before and of a day, and when what is around that was recorded."""

    lane: int
    next_sequence: int
    recorded_at: int
    last_before: int | None
    last: int | None
    last_recorded_at: int | None
    following_recorded_at: int | None


class KeptBatch(msgspec.Struct, frozen=True, array_like=True):
    """A batch with its documents as bytes; ``states`` and ``people`` are those of its steps."""

    batch: str
    first_day: date
    last_day: date
    revision: int
    state: str
    sequence: int | None
    digest: bytes
    inputs: bytes
    figures: bytes
    days: list[date]
    states: list[str]
    people: list[str]


class PostedBatch(msgspec.Struct, frozen=True):
    """What the clearing lane says at a batch's sequence."""

    kind: int
    programme: int
    about: str | None
    points: tuple[Posting, ...]
    money: tuple[MoneyPosting, ...]


async def read_days(connection: AsyncConnection, programme: int) -> list[AuditedDay]:
    """All closed days, the first first."""
    return [AuditedDay(*row) for row in await _read(connection, _READ_DAYS, [programme])]


async def read_lanes_of_day(connection: AsyncConnection, programme: int, day: date) -> list[LaneOfDay]:
    """Every lane with its part of a day."""
    cursor = await connection.execute(_READ_LANES_OF_DAY, {"programme": programme, "day": day})
    return [LaneOfDay(*row) for row in await cursor.fetchall()]


async def read_stray_ranges(connection: AsyncConnection) -> list[tuple[int, date, int]]:
    """Ranges of no closed day or no lane: programme, day, lane."""
    return await _read(connection, _READ_STRAY_RANGES)


async def read_stray_days(connection: AsyncConnection) -> list[tuple[str, date]]:
    """Days of batches that are not closed."""
    return await _read(connection, _READ_STRAY_DAYS)


async def read_days_taken_twice(connection: AsyncConnection) -> list[tuple[int, date, str]]:
    """Days in more than one batch that is not cancelled: programme, day, the batches."""
    return await _read(connection, _READ_DAYS_TAKEN_TWICE)


async def read_stray_settlements(connection: AsyncConnection) -> list[tuple[int, str | None]]:
    """Sequences of settlements in the clearing lane that no batch claims, and what they say they are about."""
    return await _read(connection, _READ_STRAY_SETTLEMENTS, [CLEARING_LANE])


async def list_kept_batches(connection: AsyncConnection, programme: int) -> list[str]:
    """The names of all batches, in the order of their days."""
    return [batch for (batch,) in await _read(connection, _LIST_BATCHES, [programme])]


async def read_kept_batch(connection: AsyncConnection, batch: str) -> KeptBatch:
    """A batch as it is kept."""
    [row] = await _read(connection, _READ_BATCH, [batch])
    return KeptBatch(*row)


async def read_posted(connection: AsyncConnection, sequence: int) -> PostedBatch | None:
    """What was posted at a sequence of the clearing lane; None where nothing was."""
    place = [CLEARING_LANE, sequence]
    head = await (await connection.execute(_READ_POSTED, place)).fetchone()
    if head is None:
        return None
    kind, programme, about = head
    points = tuple(Posting(*row) for row in await _read(connection, _READ_POINTS, place))
    money = tuple(MoneyPosting(*row) for row in await _read(connection, _READ_MONEY, place))
    return PostedBatch(kind, programme, about, points, money)


async def read_owed(
    connection: AsyncConnection, account: MoneyAccount, programme: int, currency: str, sequence: int
) -> int:
    """What an account of the operator's own owed after a sequence of the clearing lane, in minor units."""
    parameters = {
        "account": account,
        "party": OPERATOR,
        "lane": CLEARING_LANE,
        "sequence": sequence,
        "programme": programme,
        "currency": currency,
    }
    [(owed,)] = await (await connection.execute(_READ_OWED, parameters)).fetchall()
    return int(owed)


async def _read(connection: AsyncConnection, query: str, parameters: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
    return await (await connection.execute(query.encode(), parameters)).fetchall()
