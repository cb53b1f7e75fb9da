"""Charts as coordinates: numbers in, places along a row out, in hundredths of its width.

A chart is rows of bars, so that labels and figures stay text which wraps and grows with the reader's type; only the
bars are drawn. A value that is not zero is never too short to be seen.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

LEAST_WIDTH = 0.5
"""Hundredths of a row: what the smallest value takes."""

TONES = 5
"""How many kinds of parts can be told apart in one chart; what is more goes by the last one."""

ROOM_FOR_A_NUMBER = 6.0
"""Hundredths of a row, from which on a part bears its number of the legend."""


class Segment(msgspec.Struct, frozen=True):
    """A piece of a row: where it begins, how wide it is, and the number of what it stands for."""

    start: float
    width: float
    tone: int = 0

    @property
    def middle(self) -> float:
        """Where its number is written."""
        return round(self.start + self.width / 2, 2)

    @property
    def has_room(self) -> bool:
        """Whether a number fits in."""
        return self.width >= ROOM_FOR_A_NUMBER


class Drawn(msgspec.Struct, frozen=True):
    """The rows of a chart, each with its pieces, and where zero is."""

    zero: float
    rows: tuple[tuple[Segment, ...], ...]


def bars(values: Sequence[int]) -> Drawn:
    """One bar for each value, from zero to the right, or to the left where it is below zero."""
    return stacked([(value,) for value in values])


def stacked(rows: Sequence[Sequence[int]]) -> Drawn:
    """The parts of each row one after the other: those above zero to its right, those below to its left."""
    high = max((sum(part for part in row if part > 0) for row in rows), default=0)
    low = min((sum(part for part in row if part < 0) for row in rows), default=0)
    scale = _Scale(low, high)
    return Drawn(scale.place(0), tuple(_stack(scale, row) for row in rows))


def waterfall(opening: int, moves: Sequence[int]) -> Drawn:
    """The opening, each move from where the one before ended, and the closing; tones 0 for ends, 1 up, 2 down."""
    levels = [opening]
    for move in moves:
        levels.append(levels[-1] + move)
    scale = _Scale(min(0, *levels), max(0, *levels))
    rows = [_pieces(scale, 0, opening, 0)]
    for before, after in pairwise(levels):
        rows.append(_pieces(scale, before, after, 1 if after > before else 2))
    rows.append(_pieces(scale, 0, levels[-1], 0))
    return Drawn(scale.place(0), tuple(rows))


class _Scale:
    """Values to hundredths of a row."""

    def __init__(self, low: int, high: int) -> None:
        self._low = low
        self._span = high - low

    def place(self, value: int) -> float:
        return 0.0 if self._span == 0 else round(100 * (value - self._low) / self._span, 2)


def _stack(scale: _Scale, parts: Sequence[int]) -> tuple[Segment, ...]:
    pieces: list[Segment] = []
    above = below = 0
    for number, part in enumerate(parts):
        tone = min(number, TONES - 1)
        if part > 0:
            pieces += _pieces(scale, above, above + part, tone)
            above += part
        elif part < 0:
            pieces += _pieces(scale, below, below + part, tone)
            below += part
    return tuple(pieces)


def _pieces(scale: _Scale, begin: int, end: int, tone: int) -> tuple[Segment, ...]:
    """The piece between two values; none where they are the same."""
    if begin == end:
        return ()
    left, right = scale.place(min(begin, end)), scale.place(max(begin, end))
    width = max(round(right - left, 2), LEAST_WIDTH)
    return (Segment(round(min(left, 100 - width), 2), width, tone),)
