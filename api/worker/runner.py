"""Runs jobs when they are due: each once per due time, however many workers there are.

A job's lock is held by a session of the worker's, so it ends with the worker even after ``kill -9``, and
another worker does what was not finished.
"""

import asyncio
from collections.abc import Sequence

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from api.settings import Settings
from api.worker.jobs import Job
from api.worker.schedules import Every
from ledger.posting.engine import Engine
from ledger.store.jobs import (
    add_jobs,
    finish_job,
    lock_job,
    read_due_jobs,
    read_real_time,
    start_job,
    unlock_job,
)

POLL_SECONDS = 1.0
# A job that failed is tried again soon, and not at once.
AFTER_FAILURE = Every(60)
# A job that runs when the worker is to stop may end by itself for so long.
STOP_LIMIT_SECONDS = 30

_log = structlog.get_logger(__name__)


class JobRunner:
    """Runs the jobs of one worker. ``locks`` is a pool with a connection for each job that may run."""

    def __init__(
        self, engine: Engine, settings: Settings, jobs: Sequence[Job], locks: AsyncConnectionPool[AsyncConnection]
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._jobs = {job.name: job for job in jobs}
        self._locks = locks
        self._running: dict[str, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Look every second for what is due until told to stop; then wait, up to a limit, for what runs."""
        try:
            while not stop.is_set():
                try:
                    await self._start_due()
                except (psycopg.Error, PoolTimeout) as error:
                    _log.warning("jobs_not_read", error=type(error).__name__)
                self._reap()
                await _wait(stop, POLL_SECONDS)
            if self._running:
                await asyncio.wait(self._running.values(), timeout=STOP_LIMIT_SECONDS)
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)

    async def _start_due(self) -> None:
        names = [name for name in self._jobs if name not in self._running]
        async with self._engine.pool.connection() as connection:
            await add_jobs(connection, names)
            due = await read_due_jobs(connection, names)
        for name in due:
            self._running[name] = asyncio.create_task(self._run_once(self._jobs[name]), name=name)

    def _reap(self) -> None:
        """Forget what has ended; an error that no job may have ends the worker."""
        for name in [name for name, task in self._running.items() if task.done()]:
            self._running.pop(name).result()

    async def _run_once(self, job: Job) -> None:
        try:
            async with self._locks.connection() as session:
                if not await lock_job(session, job.name):
                    return
                try:
                    if await start_job(session, job.name):
                        await self._do(job, session)
                finally:
                    await unlock_job(session, job.name)
        except (psycopg.Error, PoolTimeout) as error:
            # It stays due: whoever looks next runs it.
            _log.warning("job_not_recorded", job=job.name, error=type(error).__name__)

    async def _do(self, job: Job, session: AsyncConnection) -> None:
        schedule = job.schedule
        try:
            outcome = await job.work(self._engine, self._settings)
        except Exception as error:  # noqa: BLE001 - a job that fails must not end the others
            _log.error("job_failed", job=job.name, error=type(error).__name__)
            outcome, schedule = f"failed: {type(error).__name__}", AFTER_FAILURE
        else:
            _log.debug("job_done", job=job.name, outcome=outcome)
        await finish_job(session, job.name, outcome, schedule.after(await read_real_time(session)))


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
