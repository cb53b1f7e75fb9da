"""The one next thing that a person can do with a programme's days and batches, by its roles. Pure.

In the order of the work: a batch on its way first, since it is in the way of others; then days; then a new batch.
"""

from collections.abc import Sequence
from datetime import date
from typing import Literal

import msgspec

from settlement.people import Person
from settlement.vocabulary import APPROVER, CLERK, MANAGER

Doing = Literal[
    "close-day", "run", "submit", "approve", "instruct", "pay-again", "close", "await-bank", "await-cut-off"
]

SETTLING = frozenset({CLERK, MANAGER})
APPROVING = frozenset({APPROVER, MANAGER})


class OpenBatch(msgspec.Struct, frozen=True):
    """A batch that is neither closed nor cancelled; ``prepared_by`` are those who may not approve it."""

    id: str
    state: str
    prepared_by: frozenset[str]


class NextStep(msgspec.Struct, frozen=True):
    """What is next, with which batch or day; ``is_own`` where the person who looks may do it."""

    doing: Doing
    batch: str | None = None
    day: date | None = None
    is_own: bool = False


_AFTER: dict[str, Doing] = {
    "draft": "submit",
    "submitted": "approve",
    "approved": "instruct",
    "confirmed": "close",
}
# An approved batch that is not instructed keeps the next from being approved; a confirmed one is in nobody's way.
_ORDER = ("approved", "submitted", "draft")


def may_take(person: Person, doing: Doing, batch: OpenBatch | None = None) -> bool:
    """Whether a person's roles allow a step, and for an approval, whether it is another person's batch."""
    if doing == "approve":
        is_other = batch is None or person.name not in batch.prepared_by
        return is_other and not person.roles.isdisjoint(APPROVING)
    return doing not in {"await-bank", "await-cut-off"} and not person.roles.isdisjoint(SETTLING)


def next_step(
    person: Person,
    batches: Sequence[OpenBatch],
    closable: date | None,
    waiting: Sequence[date],
    coming: date,
    *,
    came_back: str | None = None,
) -> NextStep:
    """What to do next: ``closable`` is the first day that can be closed, ``waiting`` are closed days in no batch.

    ``coming`` is the day that can be closed next, once its cut-off has come; ``came_back`` is the batch of a payment
    that the bank rejected or returned, and that was not ordered again.
    """
    for state in _ORDER:
        found = next((one for one in batches if one.state == state), None)
        if found is not None:
            doing = _AFTER[state]
            return NextStep(doing, found.id, is_own=may_take(person, doing, found))
    if closable is not None:
        return NextStep("close-day", day=closable, is_own=may_take(person, "close-day"))
    if waiting:
        return NextStep("run", day=waiting[-1], is_own=may_take(person, "run"))
    if came_back is not None:
        return NextStep("pay-again", came_back, is_own=may_take(person, "pay-again"))
    for state, doing in (("confirmed", "close"), ("instructed", "await-bank"), ("partly_confirmed", "await-bank")):
        found = next((one for one in batches if one.state == state), None)
        if found is not None:
            return NextStep(doing, found.id, is_own=may_take(person, doing))
    return NextStep("await-cut-off", day=coming)
