"""Another process that posts a share of an import's lines, so that an import uses two cores.

The process that has claimed the import reads the whole file, and tells the sharer which lines to post: those of members
in odd lanes, so that the two never wait for each other's units of work. Both read the file; between them go the numbers
of lines, and the reports of those that were not posted.

A sharer is never needed. Where it ends, stands still or fails, whoever leads the import posts its lines as well, under
the same keys: what the sharer had posted is answered again and not posted twice.
"""

import asyncio
import os
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import islice
from pathlib import Path
from subprocess import PIPE
from typing import IO

import msgspec

from ledger.posting.engine import Engine
from ledger.posting.import_commands import LineCommands
from ledger.posting.import_lines import ImportFile
from ledger.posting.import_mapping import read_mapping
from ledger.posting.import_posting import LinePoster, QueuedLines
from ledger.store.imports import Import, LineReport

WORTH_SHARING_BYTES = 500_000
"""From so much of a file on a second process posts more in its time than it takes to start: some seconds' work."""

SILENT_SECONDS = 60.0
"""A sharer that has not answered for so long stands still: no unit of work lasts half of it."""

_LENGTH_BYTES = 8

_encode = msgspec.msgpack.Encoder().encode


class Task(msgspec.Struct, frozen=True, array_like=True):
    """The next lines of the file, and the positions among them, from 0, of those that the sharer posts."""

    lines: int
    positions: list[int]


_decode_task = msgspec.msgpack.Decoder(Task).decode
_decode_reports = msgspec.msgpack.Decoder(list[LineReport]).decode

Reports = list[LineReport] | None
"""What a task came to; None where the sharer has gone without an answer."""


class Sharer:
    """The sharer as the process sees it that leads the import."""

    def __init__(self, process: asyncio.subprocess.Process, to: asyncio.StreamWriter, of: asyncio.StreamReader) -> None:
        self._process = process
        self._to = to
        self._of = of
        self._waiting: deque[asyncio.Future[Reports]] = deque()
        self.is_gone = False
        self._reading = asyncio.create_task(self._read())

    def give(self, task: Task) -> "asyncio.Future[Reports]":
        """Hand over the next lines of the file."""
        future: asyncio.Future[Reports] = asyncio.get_running_loop().create_future()
        if self.is_gone:
            future.set_result(None)
        else:
            self._waiting.append(future)
            self._to.write(_frame(_encode(task)))
        return future

    async def answer(self, future: "asyncio.Future[Reports]") -> Reports:
        """Wait for the reports of a task, in the order of tasks; a sharer that stands still is ended."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(future), SILENT_SECONDS)
        self._end()
        return await future

    async def leave(self) -> None:
        """Give it nothing more, and wait until it has posted what it has."""
        self._to.close()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._reading), SILENT_SECONDS)
        self._end()
        await self._reading
        await self._process.wait()

    def _end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _read(self) -> None:
        """Hand on what it answers until it ends, which closes its pipe, or says what nobody understands."""
        try:
            while (answer := await _next_frame(self._of)) is not None:
                reports = _decode_reports(answer)
                self._waiting.popleft().set_result(reports)
        except (msgspec.DecodeError, IndexError):
            self._end()
        self.is_gone = True
        for future in self._waiting:
            future.set_result(None)


@asynccontextmanager
async def sharing(command: Sequence[str], this: Import) -> AsyncIterator[Sharer | None]:
    """Start a sharer for the rest of an import; none where there is no command, one core, or little to post."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not command or cores == 1 or this.file_bytes - this.byte_offset < WORTH_SHARING_BYTES:
        yield None
        return
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the sharer has no pipes")
    sharer = Sharer(process, process.stdin, process.stdout)
    try:
        yield sharer
    finally:
        await sharer.leave()


async def post_share(engine: Engine, this: Import, path: Path, tasks: asyncio.StreamReader, answers: IO[bytes]) -> None:
    """Be the sharer: post what the tasks name until there are no more, and answer each in its order.

    Ends with an exception group where a line fails; the queue is posted to its end all the same.
    """
    poster = LinePoster(engine, this.partner)
    queue: asyncio.Queue[QueuedLines | None] = asyncio.Queue()
    mapping = read_mapping(this.mapping.encode())
    with ImportFile.open(path, mapping) as file:
        commands = LineCommands(mapping, file.columns)
        records = file.records_from(this.byte_offset)
        async with asyncio.TaskGroup() as group:
            group.create_task(_answer(poster, queue, answers))
            while (frame := await _next_frame(tasks)) is not None:
                task = _decode_task(frame)
                taken = list(islice(records, task.lines))
                lines = [(taken[at], commands.command_of(taken[at].values)) for at in task.positions]
                await engine.intake.learn_members(this.partner, {line.command.member for _, line in lines})
                queued = poster.next_lines()
                await poster.queue(lines, queued)
                await queue.put(queued)
            await queue.put(None)


async def _answer(poster: LinePoster, queue: asyncio.Queue[QueuedLines | None], answers: IO[bytes]) -> None:
    while (queued := await queue.get()) is not None:
        answers.write(_frame(_encode(await poster.reports(queued))))
        answers.flush()


def _frame(content: bytes) -> bytes:
    return len(content).to_bytes(_LENGTH_BYTES, "big") + content


async def _next_frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next frame; None at the end, and for one that its writer did not finish."""
    try:
        return await reader.readexactly(int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big"))
    except asyncio.IncompleteReadError:
        return None
