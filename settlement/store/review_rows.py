"""Rows that a reviewer looks at: batches by their heads, those approved before one, and what waits around it."""

from collections.abc import Sequence
from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from settlement.batches import Batch
from settlement.store.batch_rows import read_batch
from settlement.unusual import Surroundings

_HEAD = """
b.batch, b.state, b.first_day, b.last_day,
(select s.person from settlement_batch_steps s where s.batch = b.batch order by s.step desc limit 1),
(select s.at from settlement_batch_steps s where s.batch = b.batch order by s.step desc limit 1)
"""
_LIST = f"""
select {_HEAD} from settlement_batches b
where b.programme = %(programme)s and (%(after)s::text is null or (b.last_day, b.revision) < (
    select last_day, revision from settlement_batches where batch = %(after)s))
order by b.last_day desc, b.revision desc limit %(limit)s
"""
_LIST_OPEN = f"""
select {_HEAD} from settlement_batches b
where b.programme = %s and b.state not in ('closed', 'cancelled') order by b.last_day, b.revision
"""
_LIST_EARLIER = """
select batch from settlement_batches
where programme = %s and last_day < %s and sequence is not null order by last_day desc, revision desc limit %s
"""
_COUNT_AROUND = """
select
    (select count(*) from settlement_proposals
     where programme = %(programme)s and operation = 'adjustment' and state = 'approved'
       and (%(since)s::timestamptz is null or decided_at > %(since)s)
       and (%(until)s::timestamptz is null or decided_at <= %(until)s)),
    (select count(*) from settlement_proposals
     where programme = %(programme)s and operation = 'adjustment' and state = 'waiting'),
    (select count(*) from suspense_items where programme = %(programme)s and matched_by is null),
    (select count(*) from disputes where programme = %(programme)s and state = 'open')
"""


class BatchHead(msgspec.Struct, frozen=True):
    """A batch without its documents, and who brought it where it is; ``at`` in microseconds since 1970 UTC."""

    id: str
    state: str
    first_day: date
    last_day: date
    person: str
    at: int


async def list_heads(
    connection: AsyncConnection, programme: int, limit: int, after: str | None = None
) -> list[BatchHead]:
    """The latest batches, the last first; those that come after one in this order."""
    sent = {"programme": programme, "limit": limit, "after": after}
    return [BatchHead(*row) for row in await (await connection.execute(_LIST, sent)).fetchall()]


async def list_open_heads(connection: AsyncConnection, programme: int) -> list[BatchHead]:
    """The batches that are neither closed nor cancelled, the oldest first."""
    return [BatchHead(*row) for row in await (await connection.execute(_LIST_OPEN, [programme])).fetchall()]


async def read_earlier(connection: AsyncConnection, batch: Batch, limit: int) -> list[Batch]:
    """The approved batches before a batch, the last first."""
    cursor = await connection.execute(_LIST_EARLIER, [batch.programme, batch.first_day, limit])
    found = [await read_batch(connection, name) for (name,) in await cursor.fetchall()]
    return [one for one in found if one is not None]


async def count_around(
    connection: AsyncConnection, batch: Batch, before: Batch | None, without_terms: Sequence[int]
) -> Surroundings:
    """What waits around a batch, and the adjustments since the batch before was approved, up to its own approval."""
    since, until = (None if one is None else _approved_at(one) for one in (before, batch))
    sent = {
        "programme": batch.programme,
        "since": None if since is None else to_datetime(since),
        "until": None if until is None else to_datetime(until),
    }
    [(adjustments, waiting, suspense, disputes)] = await (await connection.execute(_COUNT_AROUND, sent)).fetchall()
    return Surroundings(
        without_terms=tuple(without_terms),
        adjustments=adjustments,
        adjustments_waiting=waiting,
        suspense_items=suspense,
        open_disputes=disputes,
    )


def _approved_at(batch: Batch) -> int | None:
    return next((step.at for step in batch.steps if step.state == "approved"), None)
