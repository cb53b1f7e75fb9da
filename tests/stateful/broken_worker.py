"""A worker with one seeded fault, to be killed: ``python -m tests.stateful.broken_worker``."""

import asyncio
import os

from tests.stateful.broken_app import FAULT_VARIABLE
from tests.stateful.faults import FAULTS
from tests.webhooks.hasty_worker import main

if __name__ == "__main__":
    FAULTS[os.environ[FAULT_VARIABLE]]()
    asyncio.run(main())
