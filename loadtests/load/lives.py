"""The transactions of one member in their order, and what it has after each of them."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from loadtests.load.journal import Row
from loadtests.load.order import Window


class Balance(NamedTuple):
    """What a member has, and owes."""

    available: int
    held: int
    pending: int
    owed: int = 0


NOTHING = Balance(0, 0, 0)


@dataclass
class _Hold:
    """A hold with its rest after each of the member's transactions that changed it, by their places in the life."""

    expires_at: int
    changed: list[int] = field(default_factory=list)
    rests: list[int] = field(default_factory=list)

    def rest(self, index: int) -> int:
        place = bisect_right(self.changed, index)
        return self.rests[place - 1] if place else 0


class Life:
    """A member's transactions; all in one lane, since no member moves in a load test.

    ``balances`` are what was available (with what was pending), held and owed after each, added up from the postings.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = sorted(rows, key=lambda row: row.sequence)
        self.lane = self.rows[0].lane
        self.balances = list(
            zip(
                accumulate(row.moved for row in self.rows),
                accumulate(row.moved_held for row in self.rows),
                accumulate(row.moved_owed for row in self.rows),
                strict=True,
            )
        )
        self._sequences = [row.sequence for row in self.rows]
        self._holds = self._read_holds()
        self._gifts = {arriving: _added_up(self.rows, arriving=arriving) for arriving in (False, True)}

    def indices(self, window: Window) -> range:
        """The places in ``rows`` of what was there last, for every position of a window; -1 before the first one."""
        return range(self._last(window.surely), self._last(window.maybe) + 1)

    def balance(self, index: int, at: int) -> Balance:
        """What the member has after a transaction when the ledger's clock says ``at``: due holds count as released.

        What they release repays first what the member owes.
        """
        if index < 0:
            return NOTHING
        row, owed = self.rows[index], self.balances[index][2]
        released = sum(hold.rest(index) for hold in self._holds if hold.expires_at <= at)
        repaid = min(released, owed)
        return Balance(row.available + released - repaid, row.held - released, row.pending, owed - repaid)

    def gifts(self, window: Window, *, arriving: bool) -> int:
        """The points that the member can at most have been given, or have given away, by the end of a window."""
        return self._gifts[arriving][self._last(window.maybe) + 1]

    def _last(self, sequence: int) -> int:
        return bisect_right(self._sequences, sequence) - 1

    def _read_holds(self) -> list[_Hold]:
        holds: dict[int, _Hold] = {}
        for index, row in enumerate(self.rows):
            hold = holds.get(row.sequence if row.hold is None else row.hold)
            if row.kind == "hold" and row.expires_at is not None:
                hold = holds[row.sequence] = _Hold(row.expires_at)
            if hold is not None:
                hold.changed.append(index)
                hold.rests.append((hold.rests[-1] if hold.rests else 0) + row.moved_held)
        return list(holds.values())


def _added_up(rows: Iterable[Row], *, arriving: bool) -> list[int]:
    return [0, *accumulate(row.points if row.kind == "gift" and row.arrives is arriving else 0 for row in rows)]
