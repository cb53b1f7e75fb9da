"""Check: a hold gives out what it held, once: captured + let go = held, and nothing after its end."""

from collections import defaultdict
from collections.abc import Iterator

from loadtests.load.checks.evidence import Evidence
from loadtests.load.journal import Place, Row

ENDINGS = frozenset({"void", "hold-expire"})


def holds_end_once(evidence: Evidence) -> Iterator[str]:
    """Holds that gave out more than they held, or were changed after their end."""
    changes: defaultdict[Place, list[Row]] = defaultdict(list)
    for row in sorted(evidence.rows, key=lambda one: one.place):
        if row.hold is not None:
            changes[row.lane, row.hold].append(row)
    for place, found in changes.items():
        hold = evidence.row_at.get(place)
        if hold is None or hold.kind != "hold":
            yield f"lane {place[0]} has no hold at {place[1]}, and {_kinds(found)} of it"
            continue
        yield from _end_once(hold, found)


def _end_once(hold: Row, changes: list[Row]) -> Iterator[str]:
    rest, endings = hold.points, 0
    for row in changes:
        if row.kind == "capture" and hold.expires_at is not None and row.recorded_at >= hold.expires_at:
            yield f"hold {hold.id} was over by its time before capture {row.id}"
        if rest <= 0:
            yield f"hold {hold.id} had ended before {row.kind} {row.id}"
        rest += row.moved_held
        captured = row.points if row.kind == "capture" else 0
        let_go = -row.moved_held - captured
        if let_go < 0:
            yield f"{row.kind} {row.id} took {captured} points out of what hold {hold.id} no longer held"
        endings += row.kind in ENDINGS or (let_go > 0)
    if rest < 0:
        yield f"hold {hold.id} held {hold.points} points and gave out {hold.points - rest}"
    if endings > 1:
        yield f"hold {hold.id} ended {endings} times: {_kinds(changes)}"
    if endings == 1 and rest > 0:
        yield f"hold {hold.id} has ended and still holds {rest} points"


def _kinds(rows: list[Row]) -> str:
    return ", ".join(f"{row.kind} {row.id}" for row in rows)
