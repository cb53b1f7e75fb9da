"""Check: each refusal was right at some position between what was surely before and what was surely after it."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime

from ledger.rules.business_day import to_instant
from loadtests.load.checks.caps import CapUse
from loadtests.load.checks.evidence import (
    ATOMIC,
    ITEM_REFUSED,
    POSTINGS,
    Asked,
    Evidence,
    Problem,
    asked,
    named,
    refusal,
    span_of,
    target_of,
)
from loadtests.load.journal import Place, Row
from loadtests.load.order import NEVER, Span
from loadtests.load.records import Attempt

PASSING = frozenset({429, 503})
"""Answers that record nothing and ask to try again."""


def refusals_justified(evidence: Evidence) -> Iterator[str]:
    """Refusals that nothing explains, and answers that no client should get."""
    changes = Changes(evidence)
    for attempts in evidence.postings_by_key.values():
        refused = next((one for one in attempts if one.is_done and not one.is_good), None)
        if refused is not None:
            yield from _unjustified(changes, refused, refusal(refused), span_of(attempts))
    for attempt in evidence.attempts:
        if not (attempt.is_cut or attempt.is_done or attempt.status in PASSING):
            yield f"{named(attempt)} was answered {attempt.status}: {bytes(attempt.answer)[:400].decode()}"
        elif attempt.is_done and not attempt.is_good and attempt.kind not in POSTINGS and not _is_item_refused(attempt):
            yield f"{named(attempt)} was refused with {attempt.status} {refusal(attempt).code}"


def _unjustified(changes: "Changes", refused: Attempt, problem: Problem, span: Span) -> Iterator[str]:
    if problem.code == ITEM_REFUSED and problem.refusal is not None:
        # Of an atomic bulk one item has to be explained; the others were good, and not posted.
        if problem.key == refused.key:
            yield from _unjustified(changes, refused, problem.refusal, span)
        return
    rule = RULES.get(problem.code)
    if rule is None:
        yield f"{named(refused)} was refused with {problem.code or refused.status}, for which there is no reason here"
    elif not rule(changes, refused, asked(refused), span):
        yield f"{named(refused)} was refused with {problem.code}, and at no position was that so: {_body(refused)}"


def _is_item_refused(attempt: Attempt) -> bool:
    return attempt.kind == ATOMIC and refusal(attempt).code == ITEM_REFUSED


class Changes:
    """What was taken of holds and of transactions, in the order of the journal."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.caps = {cap.partner: CapUse(evidence, cap) for cap in evidence.caps}
        self._of_holds: defaultdict[Place, list[Row]] = defaultdict(list)
        self._reversals: defaultdict[Place, list[Row]] = defaultdict(list)
        for row in sorted(evidence.rows, key=lambda one: one.place):
            if row.hold is not None:
                self._of_holds[row.lane, row.hold].append(row)
            if row.reverses is not None:
                self._reversals[row.reverses].append(row)

    def held(self, place: Place, span: Span) -> Iterator[int]:
        """What a hold still held, at every position of a span."""
        return self._rests(place, self._of_holds[place], lambda row: -row.moved_held, span)

    def reversible(self, place: Place, span: Span) -> Iterator[int]:
        """What of a transaction was not taken back yet, at every position of a span."""
        return self._rests(place, self._reversals[place], lambda row: row.points, span)

    def is_due(self, place: Place, span: Span) -> bool:
        """Whether the time of a hold can have been over."""
        hold = self.evidence.row_at.get(place)
        return hold is not None and (hold.expires_at or NEVER) <= max(self.evidence.instants(span))

    def gifts(self, member: str, span: Span, *, arriving: bool) -> int:
        """The most that a member can have been given, or have given away, by then."""
        life = self.evidence.lives.get(member)
        return 0 if life is None else life.gifts(self.evidence.window(life.lane, span), arriving=arriving)

    def _rests(self, place: Place, changes: list[Row], taken: Callable[[Row], int], span: Span) -> Iterator[int]:
        start = self.evidence.row_at.get(place)
        if start is None:
            return
        window = self.evidence.window(place[0], span)
        rest = start.points - sum(taken(row) for row in changes if row.sequence <= window.surely)
        yield rest
        for row in changes:
            if window.surely < row.sequence <= window.maybe:
                rest -= taken(row)
                yield rest


Rule = Callable[[Changes, Attempt, Asked, Span], bool]


def _too_few(changes: Changes, attempt: Attempt, wanted: Asked, span: Span) -> bool:
    member = wanted.member or attempt.by
    return any(state.available < (wanted.points or 0) for state in changes.evidence.states(member, span))


def _cap_is_empty(changes: Changes, attempt: Attempt, wanted: Asked, span: Span) -> bool:
    use = changes.caps.get(attempt.by)
    return use is not None and use.least_left(span) < (wanted.points or 0)


def _hold_is_over(changes: Changes, attempt: Attempt, _: Asked, span: Span) -> bool:
    place = target_of(attempt)
    if place is None:
        return False
    return changes.is_due(place, span) or any(rest == 0 for rest in changes.held(place, span))


def _hold_has_less(changes: Changes, attempt: Attempt, wanted: Asked, span: Span) -> bool:
    place = target_of(attempt)
    return place is not None and any(rest < (wanted.points or 0) for rest in changes.held(place, span))


def _is_taken_back(changes: Changes, attempt: Attempt, _: Asked, span: Span) -> bool:
    place = target_of(attempt)
    return place is not None and any(rest == 0 for rest in changes.reversible(place, span))


def _less_is_left(changes: Changes, attempt: Attempt, wanted: Asked, span: Span) -> bool:
    place = target_of(attempt)
    return place is not None and any(rest < (wanted.points or 0) for rest in changes.reversible(place, span))


def _gave_too_much(changes: Changes, attempt: Attempt, wanted: Asked, span: Span) -> bool:
    most = changes.evidence.gift_limit - (wanted.points or 0)
    given = changes.gifts(attempt.by, span, arriving=False)
    return given > most or changes.gifts(wanted.receiver or "", span, arriving=True) > most


def _ends_too_early(changes: Changes, _: Attempt, wanted: Asked, span: Span) -> bool:
    if wanted.expires_at is None:
        return False
    return to_instant(datetime.fromisoformat(wanted.expires_at)) <= max(changes.evidence.instants(span))


RULES: dict[str, Rule] = {
    "insufficient-points": _too_few,
    "cap-exhausted": _cap_is_empty,
    "hold-not-open": _hold_is_over,
    "capture-exceeds-hold": _hold_has_less,
    "already-reversed": _is_taken_back,
    "reversal-exceeds-original": _less_is_left,
    "limit-exceeded": _gave_too_much,
    "hold-expiry-out-of-range": _ends_too_early,
}
"""When a refusal is right, by its code. A code that is not here has no place in a load test."""


def _body(attempt: Attempt) -> str:
    return bytes(attempt.body).decode()
