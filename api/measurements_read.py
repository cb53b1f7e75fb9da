"""What the processes of this machine have measured, added up: for Prometheus, and for the operator's page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from prometheus_client import REGISTRY as OWN_PROCESS
from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

POSTING_SECONDS = "citypoints_posting_seconds"
QUEUE_COMMANDS = "citypoints_queue_commands"
REFUSALS = "citypoints_refusals_total"
REPLAYS = "citypoints_replays_total"

PERCENTILES = (0.5, 0.95, 0.99)


class Measured(msgspec.Struct, frozen=True):
    """Figures since the processes started.

    ``within`` are seconds within which the shares of ``PERCENTILES`` of all batches were posted, rounded up to the
    measured steps; None beyond the last one. Empty where nothing was posted.
    """

    queued: int
    batches: int
    within: tuple[float | None, ...]
    refusals: int
    replays: int


def registry_of(metrics_directory: Path | None) -> CollectorRegistry:
    """The measurements of all processes that share a folder; without one, of this process."""
    if metrics_directory is None:
        return OWN_PROCESS
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(metrics_directory))  # type: ignore[no-untyped-call]
    return registry


def read_measured(metrics_directory: Path | None) -> Measured:
    """Add up what is measured; reads files, so not for the event loop."""
    totals: dict[str, float] = {}
    buckets: dict[float, float] = {}
    for family in registry_of(metrics_directory).collect():
        for sample in family.samples:
            if sample.name == f"{POSTING_SECONDS}_bucket":
                limit = float(sample.labels["le"])
                buckets[limit] = buckets.get(limit, 0) + sample.value
            else:
                totals[sample.name] = totals.get(sample.name, 0) + sample.value
    return Measured(
        queued=int(totals.get(QUEUE_COMMANDS, 0)),
        batches=int(totals.get(f"{POSTING_SECONDS}_count", 0)),
        within=percentiles(buckets, PERCENTILES),
        refusals=int(totals.get(REFUSALS, 0)),
        replays=int(totals.get(REPLAYS, 0)),
    )


def percentiles(buckets: Mapping[float, float], shares: Sequence[float]) -> tuple[float | None, ...]:
    """The upper limits of the buckets in which shares of all lie; ``buckets`` count up to each limit."""
    total = max(buckets.values(), default=0)
    if not total:
        return ()
    limits = sorted(buckets)
    found = [next(limit for limit in limits if buckets[limit] >= share * total) for share in shares]
    return tuple(None if limit == float("inf") else limit for limit in found)
