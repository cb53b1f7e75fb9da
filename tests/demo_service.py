"""``citypoints serve --demo`` as a newcomer starts it: a real command, with a data directory of its own.

with demo_service(folder) as demo:
    key = demo.partner_key("OLD-STREET-TEA")
    demo.post("/v1/members", {"reference": "m-1"}, key)
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.command_line import CommandLine
from tests.service import free_port

# Two of them may start at once beside a whole suite.
READY_LIMIT_SECONDS = 180.0
STOP_LIMIT_SECONDS = 60.0
REQUEST_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.2
LOG_TAIL_CHARACTERS = 4_000


@dataclass
class Demo:
    """A running demo; ``seconds_to_start`` is how long a newcomer waits for the first page."""

    url: str
    command: CommandLine
    seconds_to_start: float

    @cached_property
    def operator_key(self) -> str:
        """A key that may do what an operator's systems do."""
        return str(self.command.json("keys", "create", "--operator")["key"])

    def partner_key(self, code: str) -> str:
        """A new key of a partner's systems."""
        return str(self.command.json("keys", "create", "--partner", code)["key"])

    def post(self, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        """Post to the API under a fresh idempotency key; the answer must be a success."""
        return self._send("POST", path, body, key)

    def put(self, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        """Put something in place over the API; the answer must be a success."""
        return self._send("PUT", path, body, key)

    def _send(self, method: str, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        answer = httpx.request(
            method,
            self.url + path,
            json=body,
            headers={"Authorization": f"Bearer {key}", "Idempotency-Key": str(uuid4())},
            timeout=REQUEST_TIMEOUT_SECONDS,
        )
        assert answer.is_success, answer.text
        document: dict[str, Any] = answer.json()
        return document


@contextmanager
def demo_service(folder: Path, *, clock: str | None = None) -> Iterator[Demo]:
    """Run a demo until the end of the block; its data and its log go to ``folder``.

    With a ``clock`` (RFC 3339) its time stands still there, in a sandbox, so that the city is the same each time.
    """
    command = CommandLine(folder / "data", {})
    if clock is not None:
        command.done("init", "--sandbox")
        command.done("clock", "set", clock)
    port, log = free_port(), folder / "demo.log"
    began = time.monotonic()
    process = command.start(log, "serve", "--demo", "--port", str(port))
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, log)
        yield Demo(f"http://127.0.0.1:{port}", command, time.monotonic() - began)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_LIMIT_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(STOP_LIMIT_SECONDS)


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_LIMIT_SECONDS
    while not _is_ready(url):
        said = log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(POLL_SECONDS)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=REQUEST_TIMEOUT_SECONDS).is_success
    except httpx.TransportError:
        return False
