"""The worker's jobs: when each is due next, and how it ended last; by the real time, also on a sandbox."""

from collections.abc import Sequence

from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from ledger.store.arrays import Texts

# A job that is new is due at once.
_ADD = """
insert into jobs (job, next_run_at) select job, clock_timestamp() from unnest(%b) as listed(job)
on conflict do nothing
"""
_DUE = "select job from jobs where job = any(%b) and next_run_at <= clock_timestamp() order by next_run_at"
# The lock belongs to the session: it ends with the worker, however that ends.
_LOCK = "select pg_try_advisory_lock(hashtextextended('job ' || %b::text, 0))"
_UNLOCK = "select pg_advisory_unlock(hashtextextended('job ' || %b::text, 0))"
# Asked again under the lock: another worker may have just done it.
_START = """
update jobs set last_started_at = clock_timestamp()
where job = %s and next_run_at <= clock_timestamp() returning job
"""
_FINISH = """
update jobs set last_finished_at = clock_timestamp(), last_outcome = %s, next_run_at = %s where job = %s
"""
_CLOCK = "select clock_timestamp()"


async def add_jobs(connection: AsyncConnection, jobs: Sequence[str]) -> None:
    """Make jobs known that are not yet."""
    await connection.execute(_ADD, [Texts.of(jobs)])


async def read_due_jobs(connection: AsyncConnection, jobs: Sequence[str]) -> list[str]:
    """Which of some jobs are due, the longest due first."""
    cursor = await connection.execute(_DUE, [Texts.of(jobs)])
    return [job for (job,) in await cursor.fetchall()]


async def lock_job(connection: AsyncConnection, job: str) -> bool:
    """Take a job's lock for this session; False where another session has it."""
    cursor = await connection.execute(_LOCK, [job])
    [(is_locked,)] = await cursor.fetchall()
    return bool(is_locked)


async def unlock_job(connection: AsyncConnection, job: str) -> None:
    """Give a job's lock back."""
    await connection.execute(_UNLOCK, [job])


async def start_job(connection: AsyncConnection, job: str) -> bool:
    """Note that a locked job starts; False where it is not due any more."""
    cursor = await connection.execute(_START, [job])
    return await cursor.fetchone() is not None


async def finish_job(connection: AsyncConnection, job: str, outcome: str, next_run_at: int) -> None:
    """Note how a locked job ended, and when it is due next (microseconds since 1970 UTC)."""
    await connection.execute(_FINISH, [outcome, to_datetime(next_run_at), job])


async def read_real_time(connection: AsyncConnection) -> int:
    """The database's clock, in microseconds since 1970 UTC; not a sandbox's."""
    cursor = await connection.execute(_CLOCK)
    [(now,)] = await cursor.fetchall()
    return int(now)
