"""Between which positions of a lane something was seen, by what was answered before it and sent after it.

A lane's sequence is the order of its commits. So what was answered before a request was sent stands before the
position that the request saw, and what was sent after its answer stands behind it. No clock of the ledger is asked.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from loadtests.load.journal import Place, Row

BEFORE_EVERYTHING = 0
NEVER = 1 << 62


class Span(NamedTuple):
    """When a transaction was asked for at first, and first answered (NEVER where the client did not hear)."""

    sent: int
    answered: int


class Window(NamedTuple):
    """The last sequence that was surely there already, and the last that may have been there."""

    surely: int
    maybe: int


class Order:
    """Of each lane, when at the earliest and at the latest each transaction was committed."""

    def __init__(self, rows: Iterable[Row], spans: Mapping[Place, Span]) -> None:
        lanes: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            lanes[row.lane].append(row)
        self._sequences: dict[int, list[int]] = {}
        self._earliest: dict[int, list[int]] = {}
        self._latest: dict[int, list[int]] = {}
        for lane, found in lanes.items():
            found.sort(key=lambda row: row.sequence)
            self._sequences[lane] = [row.sequence for row in found]
            known = [spans.get(row.place, Span(BEFORE_EVERYTHING, NEVER)) for row in found]
            self._earliest[lane] = _running_most(span.sent for span in known)
            self._latest[lane] = _running_least(span.answered for span in reversed(known))[::-1]

    def window(self, lane: int, sent: int, answered: int) -> Window:
        """What a request that was sent and answered then can have seen of a lane."""
        sequences = self._sequences.get(lane, [])
        surely = bisect_left(self._latest.get(lane, []), sent)
        maybe = bisect_right(self._earliest.get(lane, []), answered)
        return Window(
            surely=sequences[surely - 1] if surely else 0,
            maybe=sequences[maybe - 1] if maybe else 0,
        )

    def earliest(self, place: Place) -> int:
        """The moment of the machine's clock before which a transaction was surely not there."""
        lane, sequence = place
        return self._earliest[lane][bisect_left(self._sequences[lane], sequence)]


def _running_most(moments: Iterable[int]) -> list[int]:
    most, found = BEFORE_EVERYTHING, []
    for moment in moments:
        most = max(most, moment)
        found.append(most)
    return found


def _running_least(moments: Iterable[int]) -> list[int]:
    least, found = NEVER, []
    for moment in moments:
        least = min(least, moment)
        found.append(least)
    return found
