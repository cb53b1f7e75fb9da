"""Checks: one key, one effect, one answer; and nothing that nobody asked for."""

from collections import defaultdict
from collections.abc import Iterator

from loadtests.load.checks.evidence import OF_THE_SERVICE, Evidence, named
from loadtests.load.journal import Row
from loadtests.load.records import Attempt

EFFECTS = {"gift": 2}
"""Transactions that one effect is made of, where they are more than one: a gift is one of each member."""


def one_key_one_effect(evidence: Evidence) -> Iterator[str]:
    """Keys with several effects, with none although one was answered, with effects although refused; other answers."""
    for attempts in evidence.by_key.values():
        yield from _one_answer(attempts)
    for caller, attempts in evidence.postings_by_key.items():
        yield from _one_effect(attempts, evidence.rows_of_key.get(evidence.digest(*caller), []))
    yield from _all_or_nothing(evidence)


def nothing_unasked(evidence: Evidence) -> Iterator[str]:
    """Transactions under a key that no client ever sent."""
    for row in evidence.rows:
        if row.key not in evidence.asked_keys and row.kind not in OF_THE_SERVICE:
            yield f"{row.kind} {row.id} of {row.points} points for {row.member}: nobody asked for it"


def _one_answer(attempts: list[Attempt]) -> Iterator[str]:
    done = [one for one in attempts if one.is_done]
    if not done:
        return
    first = done[0]
    for other in done[1:]:
        if (other.status, bytes(other.answer)) != (first.status, bytes(first.answer)):
            yield f"{named(first)} was answered {_shown(first)} and then {_shown(other)}"
    if sum(not one.is_replay for one in done) > 1:
        yield f"{named(first)} was done {sum(not one.is_replay for one in done)} times: not answered as a replay"


def _one_effect(attempts: list[Attempt], rows: list[Row]) -> Iterator[str]:
    first = attempts[0]
    most = EFFECTS.get(first.kind, 1)
    good = any(one.is_good for one in attempts)
    refused = any(one.is_done and not one.is_good for one in attempts)
    if len(rows) > most:
        yield f"{named(first)} has {len(rows)} transactions, wanted at most {most}: {_ids(rows)}"
    if good and len(rows) < most:
        yield f"{named(first)} was answered as posted and has {len(rows)} transactions, wanted {most}"
    if refused and rows:
        yield f"{named(first)} was refused and has transactions: {_ids(rows)}"


def _all_or_nothing(evidence: Evidence) -> Iterator[str]:
    """Atomic bulks of which some items are in the journal and others are not."""
    wholes: defaultdict[tuple[str, str], dict[str, bool]] = defaultdict(dict)
    for (by, key), attempts in evidence.postings_by_key.items():
        whole = attempts[0].whole
        if whole is not None:
            wholes[by, whole][key] = evidence.digest(by, key) in evidence.rows_of_key
    for (by, whole), items in wholes.items():
        if len(set(items.values())) > 1:
            yield f"atomic bulk of {by} under {whole}: {sum(items.values())} of {len(items)} items are in the journal"


def _shown(attempt: Attempt) -> str:
    return f"{attempt.status} {bytes(attempt.answer)[:400].decode()}"


def _ids(rows: list[Row]) -> str:
    return ", ".join(row.id for row in rows)
