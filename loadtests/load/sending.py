"""How a client sends: it records each attempt, leaves now and then before the answer, and repeats with the same key."""

import contextlib
import random
import socket
import struct
from collections.abc import Iterable
from urllib.parse import urlsplit

import gevent
import msgspec
from locust.contrib.fasthttp import FastHttpSession

from loadtests.load.records import NOTHING, Attempt, RecordFile, as_raw, now

LEAVES, NEVER_COMES_BACK, REPEATS, TWINS = 0.06, 0.2, 0.04, 0.03
"""How often a client leaves early; does not come back then; repeats what was answered; sends twice at once."""

MOST_ATTEMPTS = 20
RETRY_SECONDS = 0.2
LONGEST_STAY_SECONDS = 0.02
CONNECT_SECONDS = 10

# Closing sends a reset instead of the end of the stream.
_RESET = struct.pack("ii", 1, 0)


class Part(msgspec.Struct, frozen=True):
    """An item of a bulk: recorded as an attempt of its own."""

    kind: str
    key: str
    body: msgspec.Raw


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to send, by whom and with which credential."""

    kind: str
    by: str
    bearer: str
    path: str
    method: str = "POST"
    key: str | None = None
    body: msgspec.Raw = NOTHING
    media_type: str = "application/json"
    parts: tuple[Part, ...] = ()
    is_body_recorded: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        headers = {"Authorization": f"Bearer {self.bearer}", "Accept-Encoding": "identity"}
        if self.method == "POST":
            headers["Content-Type"] = self.media_type
        if self.key is not None:
            headers["Idempotency-Key"] = self.key
        return headers


class _Result(msgspec.Struct, frozen=True):
    """The result of one item of a bulk."""

    status: int
    body: msgspec.Raw
    replayed: bool | None = None


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


_results = msgspec.json.Decoder(_Results).decode


class Sender:
    """Sends the calls of one client, and records every attempt."""

    def __init__(self, session: FastHttpSession, record: RecordFile, url: str) -> None:
        self._session = session
        self._record = record
        parts = urlsplit(url)
        self._address = (parts.hostname or "", parts.port or 0)
        self.chance = random.Random()

    def insist(self, call: Call) -> Attempt | None:
        """Send until it is answered for good, as a till does; None where the client has left and not come back."""
        chance = self.chance.random()
        if chance < LEAVES:
            self.leave(call)
            if self.chance.random() < NEVER_COMES_BACK:
                return None
        elif chance < LEAVES + TWINS:
            self.at_once(call, call)
        for _ in range(MOST_ATTEMPTS):
            attempt = self.send(call)
            if attempt.is_done:
                if self.chance.random() < REPEATS:
                    self.send(call)
                return attempt
            gevent.sleep(RETRY_SECONDS)
        return None

    def record_all(self, attempts: Iterable[Attempt]) -> None:
        """Record what was done in another way than by one request."""
        self._record.write(attempts)

    def at_once(self, *calls: Call) -> list[Attempt]:
        """Send several at the same time, and wait for all answers."""
        sending = [gevent.spawn(self.send, call) for call in calls]
        try:
            gevent.joinall(sending, raise_error=True)
        finally:
            gevent.killall(sending)
        return [one.value for one in sending]

    def send(self, call: Call) -> Attempt:
        """Send once and wait for the answer. Whatever happens, also a client stopped in the middle, is recorded."""
        attempt = _begun(call)
        try:
            self._exchange(call, attempt)
        finally:
            self._record.write(_recorded(call, attempt))
        return attempt

    def leave(self, call: Call) -> None:
        """Send, and close the connection before the answer has come."""
        attempt = _begun(call)
        lines = [f"{call.method} {call.path} HTTP/1.1", f"Host: {self._address[0]}"]
        lines += [f"{name}: {value}" for name, value in call.headers.items()]
        lines += [f"Content-Length: {len(call.body)}", "", ""]
        try:
            # A connection that the service closes first is one that was cut, too.
            with contextlib.suppress(OSError), socket.create_connection(self._address, CONNECT_SECONDS) as connection:
                connection.sendall("\r\n".join(lines).encode() + bytes(call.body))
                gevent.sleep(self.chance.uniform(0, LONGEST_STAY_SECONDS))
                if self.chance.random() < 1 / 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        finally:
            self._record.write(_recorded(call, attempt))

    def _exchange(self, call: Call, attempt: Attempt) -> None:
        body = None if call.method == "GET" else bytes(call.body).decode()
        with self._session.request(
            call.method, call.path, name=call.kind, data=body, headers=call.headers, catch_response=True
        ) as response:
            content = response.content or b""
            answered = now()
            # Locust's own verdict is not asked: the checks judge every answer.
            response.success()
        if response.status_code:
            attempt.answered = answered
            attempt.status = response.status_code
            attempt.answer = as_raw(content)
            attempt.is_replay = "Idempotency-Replayed" in (response.headers or {})
            attempt.is_cut = False


def _begun(call: Call) -> Attempt:
    """An attempt from now on, without an answer yet."""
    return Attempt(
        kind=call.kind,
        by=call.by,
        path=call.path,
        key=call.key,
        body=call.body if call.is_body_recorded else NOTHING,
        sent=now(),
        is_cut=True,
    )


def _recorded(call: Call, attempt: Attempt) -> list[Attempt]:
    """The attempt, or those of a bulk's items, which each have an answer of their own; of an atomic one both."""
    if not call.parts:
        return [attempt]
    results: list[_Result | None] = [None] * len(call.parts)
    if attempt.is_good:
        results = [*_results(attempt.answer).results]
    items = [_item(attempt, part, result) for part, result in zip(call.parts, results, strict=True)]
    return items if call.key is None else [attempt, *items]


def _item(whole: Attempt, part: Part, result: _Result | None) -> Attempt:
    item = Attempt(kind=part.kind, by=whole.by, path=whole.path, sent=whole.sent, key=part.key, body=part.body)
    item.whole, item.is_replay = whole.key, whole.is_replay
    if result is None:
        item.answered, item.status, item.answer, item.is_cut = whole.answered, whole.status, whole.answer, whole.is_cut
        return item
    item.answered, item.status, item.answer = whole.answered, result.status, result.body
    if result.replayed is not None:
        item.is_replay = result.replayed
    return item
