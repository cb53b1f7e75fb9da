"""The promises of the ledger, over real HTTP and real PostgreSQL, beside a model that is too simple to err alike.

``CITYPOINTS_EXPLORE=1`` draws other examples at every run.
"""

import os

from hypothesis.stateful import run_state_machine_as_test

from tests.databases import LedgerDatabase
from tests.stateful.machine import bounded, machine_over
from tests.stateful.running_ledger import run_ledger

EXAMPLES, STEPS = 12, 30


def test_whatever_is_done_the_ledger_agrees_with_the_model(database: LedgerDatabase) -> None:
    explores = bool(os.environ.get("CITYPOINTS_EXPLORE"))
    with run_ledger(database) as ledger:
        run_state_machine_as_test(
            machine_over(ledger), settings=bounded(EXAMPLES, STEPS, shrinks=True, explores=explores)
        )
