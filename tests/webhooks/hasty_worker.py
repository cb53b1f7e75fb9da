"""A worker with short patience as a process of its own, to be killed: ``python -m tests.webhooks.hasty_worker``."""

import asyncio
import os

from api.settings import Settings
from api.worker.process import run_worker
from tests.webhooks.conftest import HASTY


async def main() -> None:
    """Work without jobs until killed."""
    settings = Settings.from_environment()
    await run_worker(os.environ["DATABASE_URL"], settings, asyncio.Event(), policy=HASTY, jobs=())


if __name__ == "__main__":
    asyncio.run(main())
