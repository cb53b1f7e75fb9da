"""One worker: the courier of webhooks and the jobs, over an engine of its own."""

import asyncio
import os
import signal
import ssl
from collections.abc import Sequence

from api.settings import Settings
from api.webhooks.courier import Courier
from api.webhooks.retries import RetryPolicy
from api.webhooks.sending import Sender
from api.worker.jobs import JOBS, Job
from api.worker.runner import JobRunner
from ledger.posting.engine import Engine
from ledger.store.unit_of_work import open_pool

PARENT_POLL_SECONDS = 1.0


async def run_worker(
    url: str,
    settings: Settings,
    stop: asyncio.Event,
    *,
    policy: RetryPolicy | None = None,
    jobs: Sequence[Job] = JOBS,
    trust: ssl.SSLContext | None = None,
) -> None:
    """Work on the ledger at ``url`` until told to stop, then finish what runs, within limits.

    Without ``trust`` receivers are believed by the certificates of the public authorities. Raises as
    ``Engine.open``, and SettingsError where there is no ledger key.
    """
    policy = policy or RetryPolicy()
    sender = Sender(settings.webhook_targets, policy.attempt_seconds, trust)
    try:
        async with (
            Engine.open(url, settings.read_ledger_key(), settings.lane_groups) as engine,
            open_pool(url, maximum_size=max(len(jobs), 1)) as locks,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(Courier(engine, sender, policy).run(stop))
            group.create_task(JobRunner(engine, settings, jobs, locks).run(stop))
    finally:
        await sender.close()


async def run_worker_until_signal(url: str, settings: Settings, *, parent: int | None = None) -> None:
    """Work until SIGTERM or SIGINT, or until the parent with that process number is gone; raises as ``run_worker``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    orphaned = None if parent is None else asyncio.create_task(_stop_when_orphaned(stop, parent))
    try:
        await run_worker(url, settings, stop)
    finally:
        if orphaned is not None:
            orphaned.cancel()


async def _stop_when_orphaned(stop: asyncio.Event, parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110 - the end of a process sets no event
        await asyncio.sleep(PARENT_POLL_SECONDS)
    stop.set()
