"""How long each kind of request took, from the clients' record."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from loadtests.load.checks.evidence import ATOMIC, IMPORT_LINE
from loadtests.load.records import Attempt

BULK = "/v1/bulk"
NANOSECONDS_PER_MILLISECOND = 1_000_000
NANOSECONDS_PER_SECOND = 1_000_000_000


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The attempts of a kind: answered, refused among them, cut; and milliseconds until the answer."""

    kind: str
    answered: int
    refused: int
    cut: int
    p50: float
    p95: float
    p99: float
    longest: float


def timings(attempts: Iterable[Attempt]) -> list[Timing]:
    """A row for each kind, the most frequent first. Lines of files have no answer of their own, so no time."""
    found: defaultdict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        if attempt.kind != IMPORT_LINE:
            is_item = attempt.path == BULK and attempt.kind != ATOMIC
            found[f"{attempt.kind} in bulk" if is_item else attempt.kind].append(attempt)
    return sorted((_timing(kind, of_kind) for kind, of_kind in found.items()), key=lambda row: -row.answered)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which a share of them lies (nearest rank); 0 of none."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def milliseconds(attempt: Attempt) -> float:
    """How long an answered attempt took."""
    return ((attempt.answered or attempt.sent) - attempt.sent) / NANOSECONDS_PER_MILLISECOND


def render(rows: Sequence[Timing], seconds: float) -> str:
    """The table for people."""
    answered = sum(row.answered for row in rows)
    lines = [f"{answered} answers, {answered / seconds:.0f} a second; milliseconds by kind of request", ""]
    lines.append(f"{'kind':<24}{'answered':>10}{'refused':>9}{'cut':>7}{'p50':>9}{'p95':>9}{'p99':>9}{'longest':>10}")
    for row in rows:
        numbers = f"{row.answered:>10}{row.refused:>9}{row.cut:>7}{row.p50:>9.1f}{row.p95:>9.1f}{row.p99:>9.1f}"
        lines.append(f"{row.kind:<24}{numbers}{row.longest:>10.1f}")
    return "\n".join(lines)


def _timing(kind: str, attempts: list[Attempt]) -> Timing:
    counted = Counter("cut" if one.is_cut else "good" if one.is_good else "refused" for one in attempts)
    took = sorted(milliseconds(one) for one in attempts if not one.is_cut)
    return Timing(
        kind=kind,
        answered=counted["good"] + counted["refused"],
        refused=counted["refused"],
        cut=counted["cut"],
        p50=percentile(took, 0.5),
        p95=percentile(took, 0.95),
        p99=percentile(took, 0.99),
        longest=took[-1] if took else 0.0,
    )
