"""Around every request: its id, HEAD, and the log line of what did not go well.

Plain ASGI around the whole application, so that it holds for unknown paths, too, and costs next to
nothing on the way of a posting.
"""

import re
import secrets
from http import HTTPStatus
from time import perf_counter
from typing import TYPE_CHECKING

import structlog
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api import logs

if TYPE_CHECKING:
    from litestar.types import HTTPScope

_REQUEST_ID = b"x-request-id"
_PROPER_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_ID_BYTES = 12
_MILLISECONDS = 1000

_log = structlog.get_logger(__name__)


class RequestFrame:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, *, logs_all: bool = False) -> None:
        self._app = app
        self._logs_all = logs_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; what is no HTTP request passes through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        request_id = _id_of(scope)
        scope["state"]["request_id"] = request_id
        logs.request_id.set(request_id)
        # PostgreSQL takes no NUL in a text, and no name of ours holds one: what is asked for is unknown.
        scope["path"] = scope["path"].replace("\0", "\ufffd")
        is_head = scope["method"] == "HEAD"
        if is_head:
            scope["method"] = "GET"
        started = perf_counter()

        async def framed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (_REQUEST_ID, request_id.encode())]
                if self._logs_all or message["status"] >= HTTPStatus.BAD_REQUEST:
                    _log_answer(scope, message["status"], perf_counter() - started)
            elif is_head and message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, framed_send)


def _id_of(scope: "HTTPScope") -> str:
    """The id that the caller gave, where it is a proper one, or a new one."""
    for name, value in scope["headers"]:
        if name == _REQUEST_ID and _PROPER_ID.fullmatch(value):
            return value.decode()
    return secrets.token_hex(_ID_BYTES)


def _log_answer(scope: "HTTPScope", status: int, seconds: float) -> None:
    _log.info(
        "request",
        method=scope["method"],
        route=scope.get("path_template") or "(no route)",
        status=status,
        milliseconds=round(seconds * _MILLISECONDS, 1),
    )
