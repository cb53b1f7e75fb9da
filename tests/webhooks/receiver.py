"""A real receiver of webhooks: an HTTP server on a loopback port, as an integrator would run it."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from standardwebhooks import Webhook

LIMIT_SECONDS = 90.0


@dataclass(frozen=True)
class Received:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float

    @property
    def event(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def verified_by(self, secret: str) -> dict[str, Any]:
        """The event, its signature verified as a receiver does it; raises where that fails."""
        document: dict[str, Any] = Webhook(secret).verify(self.body, dict(self.headers))
        return document


Answer = Callable[[Received], int]


@dataclass
class Receiver:
    """Keeps what it receives, and answers with the status that ``answer`` chooses; a context manager."""

    answer: Answer = lambda _: 204
    headers: Mapping[str, str] = field(default_factory=dict)
    trust: ssl.SSLContext | None = None
    received: list[Received] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        if self.trust is not None:
            self._server.socket = self.trust.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hooks?token=in-the-address"

    @property
    def ids(self) -> list[str]:
        return [one.id for one in self.received]

    def wait_for(self, count: int) -> list[Received]:
        """Wait until so many requests have come."""
        wait_until(lambda: len(self.received) >= count, f"{count} requests, got {len(self.received)}")
        return self.received

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(Received(self.path, headers, body, time.monotonic()))
                self.send_response(status)
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
                """Say nothing."""

        return Handler

    def take(self, received: Received) -> int:
        """Keep a request, and choose the status of its answer."""
        with self._lock:
            self.received.append(received)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self.answer(received)
        finally:
            with self._lock:
                self.at_once -= 1


def wait_until(is_so: Callable[[], bool], what: str, limit_seconds: float = LIMIT_SECONDS) -> None:
    """Wait until something is so; fails when it is not in time."""
    deadline = time.monotonic() + limit_seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not within {limit_seconds} s: {what}"
        time.sleep(0.02)
