"""The state machine is worth something: it catches each way of breaking the ledger."""

import pytest
from hypothesis.errors import Flaky
from hypothesis.stateful import run_state_machine_as_test

from tests.databases import LedgerDatabase
from tests.stateful.broken_app import FAULT_VARIABLE
from tests.stateful.comparing import Disagreement
from tests.stateful.faults import FAULTS
from tests.stateful.machine import LedgerBesideModel, bounded, machine_over
from tests.stateful.model.terms import Programme
from tests.stateful.running_ledger import run_ledger

BROKEN_APPLICATION = "tests.stateful.broken_app:create_app"
SERVICES = (1, 1)
EXAMPLES, STEPS = 40, 30
CONTROL_EXAMPLES = 3

ANSWERS = {"answer", "balance", "quote", "serial order"}
REPEATS = {"replay", "concurrent duplicates", "unchanged"}
CAUGHT_BY = {
    "drop_a_posting": {"journal", "audit"},
    "skip_the_lane_lock": {"serial order"},
    "apply_retries_twice": REPEATS,
    "apply_reversals_twice": REPEATS,
    "refund_claw_backs": ANSWERS,
    "restore_with_new_expiry": ANSWERS,
    "lengthen_the_grace": ANSWERS,
    "spend_lapsed_lots": ANSWERS,
    "forget_shortfalls": ANSWERS,
    "never_repay_shortfalls": ANSWERS,
    "forget_refusals": REPEATS,
}
"""Which check finds each fault; where there are several, what comes first depends on the steps that were drawn."""


@pytest.mark.parametrize("fault", sorted(CAUGHT_BY))
def test_a_broken_ledger_is_caught(database: LedgerDatabase, fault: str) -> None:
    with run_ledger(database, SERVICES, BROKEN_APPLICATION, {FAULT_VARIABLE: fault}) as ledger:
        # A fault that strikes by chance need not strike again when the example is repeated.
        with pytest.raises((Disagreement, Flaky)):
            live(machine_over(ledger))
        first = ledger.disagreements[0]
    assert isinstance(first, Disagreement)
    assert first.check in CAUGHT_BY[fault], f"{fault} was caught by the check of {first.check}: {first}"


def live(machine: type[LedgerBesideModel]) -> None:
    """One story that is told, then those that are drawn."""
    live_a_story(machine)
    run_state_machine_as_test(machine, settings=bounded(EXAMPLES, STEPS, shrinks=False))


def live_a_story(machine: type[LedgerBesideModel]) -> None:
    """Owe points and repay them by a return: few of the drawn examples come this far."""
    story = machine()
    owing = Programme(1, 100, validity_days=5, grace_days=0, member_owes=True, cut_off_hour=0)
    story.open(first=owing, second=owing)
    try:
        story.take_back_what_was_spent(member=0, earned=10, spent=10, later=7)
        story.what_was_touched_agrees()
    except Disagreement:
        story.teardown()
        raise
    story.teardown()


def test_a_ledger_started_in_the_same_way_without_a_fault_is_sound(database: LedgerDatabase) -> None:
    with run_ledger(database, SERVICES, BROKEN_APPLICATION, {FAULT_VARIABLE: "break_nothing"}) as ledger:
        run_state_machine_as_test(machine_over(ledger), settings=bounded(CONTROL_EXAMPLES, STEPS, shrinks=False))


def test_every_fault_has_its_check() -> None:
    assert set(CAUGHT_BY) == set(FAULTS) - {"break_nothing"}
