"""How the ledger is doing, for whoever looks after it: what was recorded when, what is due, what waits."""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
from psycopg import AsyncConnection

from ledger.store.event_ranges import read_heads, read_positions_at

_JOBS = "select job, next_run_at, last_started_at, last_finished_at, last_outcome from jobs order by job"
_HOLDS_DUE = """
select count(h.sequence), min(h.expires_at)
from lanes l join holds h on h.lane = l.lane and h.remaining > 0 and h.expires_at <= ledger_now()
"""
_DELIVERIES = """
select count(*) filter (where state = 'pending'), count(*) filter (where state = 'dead'),
       min(next_attempt_at) filter (where state = 'pending')
from webhook_deliveries where state in ('pending', 'dead')
"""
_LOG = """
select current_setting('archive_mode') <> 'off', last_archived_time,
       coalesce(last_failed_time > last_archived_time, last_failed_time is not null)
from pg_stat_archiver
"""


class JobState(msgspec.Struct, frozen=True):
    """When a job is due and how it ended last; instants are microseconds since 1970 UTC, by the real time."""

    job: str
    next_run_at: int
    last_started_at: int | None
    last_finished_at: int | None
    last_outcome: str | None


class DueHolds(msgspec.Struct, frozen=True):
    """Holds whose time is over and that are not released on paper yet, and since when the first is over."""

    count: int
    oldest_at: int | None


class Deliveries(msgspec.Struct, frozen=True):
    """Webhook deliveries that wait and that were given up, and when the first that waits is due."""

    waiting: int
    dead: int
    next_at: int | None


class LogStoring(msgspec.Struct, frozen=True):
    """Whether the database stores its log for a backup, when it last did, and whether it cannot at present."""

    is_on: bool
    last_at: int | None
    fails: bool


async def read_jobs(connection: AsyncConnection) -> list[JobState]:
    """All jobs that a worker has ever known."""
    cursor = await connection.execute(_JOBS)
    return [JobState(*row) for row in await cursor.fetchall()]


async def read_due_holds(connection: AsyncConnection) -> DueHolds:
    """Holds that the worker has to release; readers see them released already."""
    [row] = await (await connection.execute(_HOLDS_DUE)).fetchall()
    return DueHolds(*row)


async def read_deliveries(connection: AsyncConnection) -> Deliveries:
    """What webhooks wait for, of all partners together."""
    [row] = await (await connection.execute(_DELIVERIES)).fetchall()
    return Deliveries(*row)


async def read_log_storing(connection: AsyncConnection) -> LogStoring:
    """How the database's log is stored, as the server itself says."""
    [row] = await (await connection.execute(_LOG)).fetchall()
    return LogStoring(*row)


async def count_recorded(connection: AsyncConnection, instants: Sequence[int]) -> list[int]:
    """How many transactions were recorded from each instant on until the next, the last one until now.

    Instants are microseconds since 1970 UTC, rising. Each is searched by halving, so it costs the same in a long
    journal as in a short one.
    """
    ends = [sum(await read_positions_at(connection, instant)) for instant in instants]
    ends.append(sum(await read_heads(connection)))
    return [later - earlier for earlier, later in pairwise(ends)]
