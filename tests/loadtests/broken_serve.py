"""``citypoints serve`` with one seeded fault, named by the environment.

Its processes import this file before they begin, so each of them is broken:

python -m tests.loadtests.broken_serve serve --port 8011
"""

import os
import time

from api.cli.main import main
from ledger.reading.balances import BalanceReader, BalanceView
from ledger.rules.programmes import Programme
from ledger.store.members import Member
from tests.stateful.breaking import put
from tests.stateful.broken_app import FAULT_VARIABLE
from tests.stateful.faults import FAULTS

CACHE_SECONDS = 30.0


def remember_balances() -> None:
    """A balance that was read is shown for a while, whatever happens meanwhile."""
    read = BalanceReader.get
    kept: dict[Member, tuple[float, BalanceView]] = {}

    async def read_now_and_then(self: BalanceReader, member: Member, programme: Programme) -> BalanceView:
        if member not in kept or time.monotonic() - kept[member][0] > CACHE_SECONDS:
            kept[member] = time.monotonic(), await read(self, member, programme)
        return kept[member][1]

    put(BalanceReader, "get", read_now_and_then)


ALL_FAULTS = {**FAULTS, remember_balances.__name__: remember_balances}

ALL_FAULTS[os.environ[FAULT_VARIABLE]]()

if __name__ == "__main__":
    main()
