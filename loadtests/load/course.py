"""How a run went over time: answers a second and how long they took, from the record; memory, as it was sampled."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec

from loadtests.load.checks.evidence import IMPORT_LINE
from loadtests.load.percentiles import NANOSECONDS_PER_SECOND, milliseconds, percentile
from loadtests.load.records import Attempt
from loadtests.load.sampling import Sample

MOST_POINTS = 120
BYTES_PER_MEGABYTE = 1_000_000
SETTLING = "settle:"


class Point(NamedTuple):
    """A value at so many seconds after the beginning."""

    second: float
    value: float


class Line(NamedTuple):
    """A named line of a picture."""

    name: str
    points: list[Point]


class Panel(msgspec.Struct, frozen=True):
    """Lines of one unit over the time of the run."""

    title: str
    lines: list[Line]


class Course(msgspec.Struct, frozen=True):
    """The panels of a run of so many seconds, with the moments (seconds) at which its days were cut off."""

    title: str
    seconds: int
    cut_offs: list[float]
    panels: list[Panel]


def panels_of(attempts: Iterable[Attempt], samples: Sequence[Sample], begun: int, seconds: int) -> list[Panel]:
    """The panels of a run that began at a moment of the machine's clock (ns), without the finance people."""
    bucket_seconds = max(1, -(-seconds // MOST_POINTS))
    took: defaultdict[int, list[float]] = defaultdict(list)
    for attempt in attempts:
        if attempt.answered is None or attempt.kind == IMPORT_LINE or attempt.kind.startswith(SETTLING):
            continue
        took[int(_second(attempt.answered, begun) // bucket_seconds)].append(milliseconds(attempt))
    buckets = range(-(-seconds // bucket_seconds))
    ordered = {bucket: sorted(took.get(bucket, [])) for bucket in buckets}
    middle = {bucket: (bucket + 0.5) * bucket_seconds for bucket in buckets}
    rate = [Point(middle[bucket], len(ordered[bucket]) / bucket_seconds) for bucket in buckets]
    latency = [
        Line(name, [Point(middle[bucket], percentile(ordered[bucket], share)) for bucket in buckets if ordered[bucket]])
        for name, share in (("p99", 0.99), ("p50", 0.5))
    ]
    return [
        Panel("answers a second", [Line("", rate)]),
        Panel("milliseconds until the answer", latency),
        Panel("resident memory, MB", _memory(samples, begun, seconds)),
    ]


def _memory(samples: Sequence[Sample], begun: int, seconds: int) -> list[Line]:
    lines: defaultdict[str, list[Point]] = defaultdict(list)
    for sample in samples:
        second = _second(sample.at, begun)
        if 0 <= second <= seconds:
            for name, size in sample.memory.items():
                lines[name].append(Point(second, size / BYTES_PER_MEGABYTE))
    return [Line(name, points) for name, points in lines.items()]


def _second(moment: int, begun: int) -> float:
    return (moment - begun) / NANOSECONDS_PER_SECOND
