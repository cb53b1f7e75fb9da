"""Checks: no member is ever below zero, and what a member reads is what it had at some moment in between."""

from collections.abc import Iterator

import msgspec

from loadtests.load.checks.evidence import Evidence
from loadtests.load.lives import Balance, Life
from loadtests.load.order import NEVER, Span, Window
from loadtests.load.records import Attempt


class ShownBalance(msgspec.Struct, frozen=True):
    """What an answer says that a member has."""

    available: int
    held: int
    pending: int
    shortfall: int


class ShownLine(msgspec.Struct, frozen=True):
    """A line of a statement."""

    transaction_id: str
    balance_after: int
    available_after: int
    held_after: int
    pending_after: int


class ShownStatement(msgspec.Struct, frozen=True):
    """The first page of a statement, newest first."""

    lines: list[ShownLine]
    next_cursor: str | None = None


_balance = msgspec.json.Decoder(ShownBalance).decode
_statement = msgspec.json.Decoder(ShownStatement).decode


def never_below_zero(evidence: Evidence) -> Iterator[str]:
    """Balances below zero: in the journal, as added up from its postings, or in an answer."""
    for member, life in evidence.lives.items():
        for row, (available, held, owed) in zip(life.rows, life.balances, strict=True):
            if min(available, held, owed, row.available, row.held, row.pending) < 0:
                yield f"{member} has {available} available, {held} held, {owed} owed after {row.kind} {row.id}"
            if (available, held) != (row.available + row.pending, row.held):
                written = f"{row.available} + {row.pending} and {row.held}"
                yield f"{member} after {row.kind} {row.id}: postings say {available} and {held}, the row {written}"
    for attempt in evidence.attempts:
        if attempt.kind == "balance" and attempt.is_good:
            shown = _balance(attempt.answer)
            if min(shown.available, shown.held, shown.pending, shown.shortfall) < 0:
                yield f"{attempt.by} was shown {bytes(attempt.answer).decode()}"


def reads_are_states(evidence: Evidence) -> Iterator[str]:
    """Balances and statements that no position between what was before and what was after explains."""
    for attempt in evidence.attempts:
        if not attempt.is_good:
            continue
        span = Span(attempt.sent, NEVER if attempt.answered is None else attempt.answered)
        if attempt.kind == "balance":
            shown = _balance(attempt.answer)
            seen = Balance(shown.available, shown.held, shown.pending, shown.shortfall)
            possible = list(evidence.states(attempt.by, span))
            if seen not in possible:
                yield f"{attempt.by} was shown {seen}, possible were {possible[:5]}"
        elif attempt.kind == "statement" and not _explains(evidence, attempt, span):
            yield f"{attempt.by} was shown a statement that it never had: {bytes(attempt.answer)[:400].decode()}"


def _explains(evidence: Evidence, attempt: Attempt, span: Span) -> bool:
    page = _statement(attempt.answer)
    life = evidence.lives.get(attempt.by)
    if life is None:
        return not page.lines
    return _fits(life, page, evidence.window(life.lane, span))


def _fits(life: Life, page: ShownStatement, window: Window) -> bool:
    """Whether the page is the member's last lines at one of the positions."""
    return any(
        _lines(life, index, len(page.lines)) == page.lines for index in life.indices(window) if _fills(page, index)
    )


def _fills(page: ShownStatement, index: int) -> bool:
    """Whether a page has all lines up to a transaction, or says that there are more."""
    return len(page.lines) == index + 1 or (page.next_cursor is not None and 0 < len(page.lines) <= index)


def _lines(life: Life, index: int, count: int) -> list[ShownLine]:
    shown = []
    for place in range(index, index - count, -1):
        row, (balance, _, _) = life.rows[place], life.balances[place]
        shown.append(ShownLine(row.id, balance, row.available, row.held, row.pending))
    return shown
