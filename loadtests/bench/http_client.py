"""A small HTTP client that costs little of the machine it measures.

Started as ``python -m loadtests.bench.http_client PLAN``; the plan names requests, connections and seconds;
the result is one JSON line. Each connection sends its next request when the last one is answered.
"""

import asyncio
import itertools
import sys
from pathlib import Path
from time import perf_counter
from typing import cast

import msgspec
import uvloop

_END_OF_HEAD = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Plan(msgspec.Struct):
    """What to send: each connection walks through ``requests``, whole HTTP messages, in turn."""

    host: str
    port: int
    connections: int
    seconds: float
    requests: list[bytes]
    expected_status: int


class Result(msgspec.Struct):
    """What came of it; latencies in milliseconds."""

    answered: int
    wrong: int
    seconds: float
    p50_ms: float
    p99_ms: float
    first_wrong: str = ""


class _Run:
    def __init__(self, plan: Plan) -> None:
        self.requests = iter(plan.requests)
        self.expected = b"HTTP/1.1 %d" % plan.expected_status
        self.latencies: list[float] = []
        self.wrong = 0
        self.first_wrong = ""
        self.stops_at = perf_counter() + plan.seconds
        self.open = 0
        self.done = asyncio.Event()


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._buffer = b""
        self._sent = 0.0
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._run.open += 1
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self._run.open -= 1
        if self._run.open == 0:
            self._run.done.set()

    def _send(self) -> None:
        request = next(self._run.requests, None)
        if request is None or perf_counter() >= self._run.stops_at:
            self._transport.close()
            return
        self._sent = perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head_ends = self._buffer.find(_END_OF_HEAD)
        if head_ends < 0:
            return
        head = self._buffer[:head_ends].lower()
        at = head.find(_LENGTH)
        ends = at + len(_LENGTH)
        line_ends = head.find(b"\r\n", ends)
        length = int(head[ends : line_ends if line_ends >= 0 else len(head)])
        if len(self._buffer) < head_ends + len(_END_OF_HEAD) + length:
            return
        if not self._buffer.startswith(self._run.expected):
            self._run.wrong += 1
            self._run.first_wrong = self._run.first_wrong or self._buffer.decode(errors="replace")[:600]
        self._run.latencies.append(perf_counter() - self._sent)
        self._buffer = b""
        self._send()


async def run(plan: Plan) -> Result:
    """Send until the time is over or the requests are used up."""
    loop = asyncio.get_running_loop()
    state = _Run(plan)
    started = perf_counter()
    for _ in itertools.repeat(None, plan.connections):
        await loop.create_connection(lambda: _Connection(state), plan.host, plan.port)
    await state.done.wait()
    seconds = perf_counter() - started
    latencies = sorted(state.latencies) or [0.0]
    return Result(
        answered=len(state.latencies),
        wrong=state.wrong,
        seconds=seconds,
        p50_ms=1000 * latencies[len(latencies) // 2],
        p99_ms=1000 * latencies[min(len(latencies) * 99 // 100, len(latencies) - 1)],
        first_wrong=state.first_wrong,
    )


if __name__ == "__main__":
    wanted = msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Plan)
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(wanted))))
