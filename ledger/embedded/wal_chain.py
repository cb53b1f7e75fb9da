"""Which archived segments a base backup goes on with, and where one is missing. Names and numbers only.

PostgreSQL takes a missing segment for the end of the log, so a gap has to be found before a recovery begins. Names and
timelines: PostgreSQL's documentation, "Continuous Archiving and Point-in-Time Recovery", 25.3.6.
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Self

SEGMENT_BYTES = 16 * 1024 * 1024
SEGMENTS_PER_FILE_NUMBER = 256

_SEGMENT = re.compile(r"[0-9A-F]{24}")
_HISTORY_LINE = re.compile(r"\s*(\d+)\s+([0-9A-F]+)/([0-9A-F]+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One segment of the log: its number, counted from 0, and the timeline it was written on."""

    number: int
    timeline: int

    @classmethod
    def of_name(cls, name: str) -> Self | None:
        """The segment of a file's name; None for any other file."""
        if _SEGMENT.fullmatch(name[:24]) is None or name[24:25] not in {"", "."}:
            return None
        high, low = int(name[8:16], 16), int(name[16:24], 16)
        return cls(high * SEGMENTS_PER_FILE_NUMBER + low, int(name[:8], 16))

    @property
    def name(self) -> str:
        """The name of its file."""
        high, low = divmod(self.number, SEGMENTS_PER_FILE_NUMBER)
        return f"{self.timeline:08X}{high:08X}{low:08X}"


@dataclass(frozen=True, slots=True)
class History:
    """A timeline with those it came from: each as its number and the position at which it was left, oldest first."""

    timeline: int
    ancestors: tuple[tuple[int, int], ...] = ()

    @classmethod
    def parse(cls, timeline: int, text: str) -> Self:
        """Read a history file."""
        matches = [match for line in text.splitlines() if (match := _HISTORY_LINE.match(line))]
        return cls(timeline, tuple((int(one[1]), position(f"{one[2]}/{one[3]}")) for one in matches))

    def candidates(self, number: int) -> list[Segment]:
        """The files that hold the segment of a number, the best first: where timelines meet, two do."""
        found: list[Segment] = []
        for timeline, left_at in self.ancestors:
            if number < left_at // SEGMENT_BYTES:
                return [Segment(number, timeline), *reversed(found)]
            if number == left_at // SEGMENT_BYTES:
                found.append(Segment(number, timeline))
        return [Segment(number, self.timeline), *reversed(found)]

    def has_left(self, number: int) -> bool:
        """Whether the log is known to go on behind a segment, since a later timeline begins there."""
        return any(number < left_at // SEGMENT_BYTES for _, left_at in self.ancestors)

    def passes(self, timeline: int, end: int) -> bool:
        """Whether what a timeline held up to a position is part of this one."""
        if timeline == self.timeline:
            return True
        return any(ancestor == timeline and end <= left_at for ancestor, left_at in self.ancestors)


@dataclass(frozen=True, slots=True)
class Chain:
    """What a base backup goes on with: files of the archive, oldest first, and the first one that is missing."""

    segments: tuple[Segment, ...]
    gap: Segment | None
    behind_gap: int


def position(text: str) -> int:
    """A position in the log, in bytes, from PostgreSQL's way to write it (``0/3000060``)."""
    high, _, low = text.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def newest_history(histories: Mapping[int, str]) -> History:
    """The newest timeline of an archive, from its history files; timeline 1 has none."""
    newest = max(histories, default=1)
    return History.parse(newest, histories.get(newest, ""))


def find_chain(history: History, archived: AbstractSet[Segment], start: int, end: int) -> Chain:
    """The segments behind a base backup, which begins at position ``start`` and holds the log itself up to ``end``."""
    number, last_of_base = start // SEGMENT_BYTES, (end - 1) // SEGMENT_BYTES
    segments: list[Segment] = []
    while True:
        found = next((one for one in history.candidates(number) if one in archived), None)
        if found is not None:
            segments.append(found)
        # The last one of the base is not whole: where the log goes on, the archive must have it.
        elif number >= last_of_base:
            break
        number += 1
    behind = sum(one.number > number and one in history.candidates(one.number) for one in archived)
    if behind or history.has_left(number):
        return Chain(tuple(segments), history.candidates(number)[0], behind)
    return Chain(tuple(segments), None, 0)
