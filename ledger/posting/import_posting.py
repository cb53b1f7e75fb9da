"""Posting the lines of an import: in the order of the file, and nothing behind a line that has failed."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Iterator, Sequence
from typing import TypeVar

import msgspec

from ledger.errors import Busy
from ledger.posting.engine import Engine
from ledger.posting.import_commands import LineCommand
from ledger.posting.import_lines import Record
from ledger.posting.import_outcomes import Answered, report_answers
from ledger.rules.commands import Submission
from ledger.rules.outcomes import Outcome
from ledger.store.imports import LineReport

LINES_WITHOUT_PAUSE = 100
"""After so many lines others get their turn: an import runs beside requests."""

QUEUE_FULL_PAUSE_SECONDS = 0.05

T = TypeVar("T")

MadeLine = tuple[Record, LineCommand]
"""A line's record and the command that was made of it."""


class QueuedLines(msgspec.Struct):
    """Some lines of a file, in its order, with the outcomes they wait for."""

    lines: list[MadeLine] = []
    outcomes: "list[asyncio.Future[Outcome]]" = []


class LinePoster:
    """Queues lines of one partner's file and waits for what they come to."""

    def __init__(self, engine: Engine, partner: int) -> None:
        self._engine = engine
        self._partner = partner
        self._queued: deque[QueuedLines] = deque()

    def next_lines(self) -> QueuedLines:
        """Begin with lines that come after all that are queued."""
        queued = QueuedLines()
        self._queued.append(queued)
        return queued

    async def queue(self, lines: Sequence[MadeLine], queued: QueuedLines) -> None:
        """Queue lines; raises what a line before them has failed with."""
        submissions: list[Submission] = []
        prepare = self._engine.intake.prepare
        for some in slices(lines):
            submissions += [await prepare(self._partner, line.key, line.command) for _, line in some]
            await asyncio.sleep(0)
        self._raise_what_failed()
        queued.lines += lines
        for submission in submissions:
            queued.outcomes.append(await self._enqueue(submission))

    async def reports(self, queued: QueuedLines) -> list[LineReport]:
        """Wait for the outcomes of the oldest lines, and report those that were not posted, or not whole."""
        answers = [
            Answered(record, line.command, await outcome)
            for (record, line), outcome in zip(queued.lines, queued.outcomes, strict=True)
        ]
        self._queued.popleft()
        return await report_answers(self._engine.pool, answers)

    async def come_to_an_end(self) -> None:
        """Wait for everything that is queued, whatever comes of it."""
        waiting: list[Awaitable[Outcome]] = [outcome for queued in self._queued for outcome in queued.outcomes]
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _enqueue(self, submission: Submission) -> "asyncio.Future[Outcome]":
        while True:
            try:
                return self._engine.posters.enqueue(submission)
            except Busy:
                await asyncio.sleep(QUEUE_FULL_PAUSE_SECONDS)
                self._raise_what_failed()

    def _raise_what_failed(self) -> None:
        """Why at once: a cancellation must not be decided before an earn that has yet to be tried again."""
        for queued in self._queued:
            for outcome in queued.outcomes:
                if outcome.done():
                    outcome.result()


def slices(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into parts after each of which others get their turn."""
    for start in range(0, len(items), LINES_WITHOUT_PAUSE):
        yield items[start : start + LINES_WITHOUT_PAUSE]
