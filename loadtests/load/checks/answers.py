"""Check: every answer 2xx is in the journal, as the client was told, and in the order that the clients saw."""

from collections.abc import Iterator

from loadtests.load.checks.evidence import IMPORT_LINE, POSTINGS, Evidence, asked, named, told
from loadtests.load.journal import Row
from loadtests.load.records import Attempt


def answers_in_the_journal(evidence: Evidence) -> Iterator[str]:
    """What was answered and is not in the journal, or is another thing there."""
    for (by, key), attempts in evidence.postings_by_key.items():
        digest = evidence.digest(by, key)
        for attempt in attempts:
            if not attempt.is_good:
                continue
            if attempt.kind == IMPORT_LINE:
                yield from _line(attempt, evidence.rows_of_key.get(digest, []))
            elif attempt.kind in POSTINGS:
                yield from _answer(evidence, attempt, digest)


def order_is_the_clients(evidence: Evidence) -> Iterator[str]:
    """What stands in a lane before something that was answered before it was even sent."""
    for row in evidence.rows:
        span = evidence.spans.get(row.place)
        if span is not None and evidence.order.earliest(row.place) > span.answered:
            yield f"{row.kind} {row.id} was answered before a transaction was sent that the lane has before it"


def _answer(evidence: Evidence, attempt: Attempt, digest: str) -> Iterator[str]:
    said = told(attempt)
    if said is None:
        yield f"{named(attempt)} was answered {attempt.status} without a transaction"
        return
    row = evidence.row_at.get((said.lane, said.sequence))
    if row is None:
        yield f"{named(attempt)} was told {said.id}, lane {said.lane}, sequence {said.sequence}: not in the journal"
        return
    pairs = {
        "id": (said.id, row.id),
        "kind": (said.kind, row.kind),
        "kind asked for": (attempt.kind, row.kind),
        "points": (said.points, row.points),
        "member": (said.member, row.member),
        "partner": (said.partner, row.partner),
        "key": (digest, row.key),
    }
    if said.balance is not None:
        shown = (said.balance.available, said.balance.held, said.balance.pending)
        pairs["balance"] = (str(shown), str((row.available, row.held, row.pending)))
    for what, (answered, written) in pairs.items():
        if answered != written:
            yield f"{named(attempt)} was told {what} {answered}, the journal has {written}"


def _line(attempt: Attempt, rows: list[Row]) -> Iterator[str]:
    wanted = asked(attempt)
    found = [(row.kind, row.member, row.partner, row.points) for row in rows]
    if found != [("earn", wanted.member, attempt.by, wanted.points)]:
        yield f"{named(attempt)} was said to be posted; the journal has {found}"
