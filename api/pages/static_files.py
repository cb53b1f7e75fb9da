"""Style sheets, scripts and pictures, all served by ourselves: no page asks another host.

They are small and few, so each process keeps those that were asked for in memory, also pressed together: Pico
takes a seventh of its size over a slow line. Pages are sent as they are, since they hold the secret of a form.
"""

import gzip
import mimetypes
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

_FOLDER = Path(__file__).parent.parent / "static"
_CACHED_SECONDS = 7 * 24 * 60 * 60
_PRESSED = {"text/css", "text/javascript", "application/javascript", "image/svg+xml"}

_HTTPRequest = Request[Any, Any, State]


class _StaticFile(msgspec.Struct, frozen=True):
    content: bytes
    pressed: bytes | None
    media_type: str


@get("/static/{name:path}", include_in_schema=False, sync_to_thread=False)
def static_router(request: _HTTPRequest, name: FromPath[Path]) -> Response[bytes]:
    """Serve a file of ``api/static``; only names that are in the folder are found."""
    wanted = name.as_posix().lstrip("/")
    if wanted not in _names():
        raise NotFoundException("There is no such file.")
    found = _file(wanted)
    headers = {
        "Cache-Control": f"public, max-age={_CACHED_SECONDS}",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Encoding",
    }
    if found.pressed is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.pressed, media_type=found.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(found.content, media_type=found.media_type, headers=headers)


@cache
def static_url(name: str) -> str:
    """Where a browser finds a file of ``api/static``.

    The address changes with the content, so a cached old file is never used with a new page.
    Raises FileNotFoundError for a file that is not there.
    """
    digest = sha256((_FOLDER / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


@cache
def _names() -> frozenset[str]:
    return frozenset(file.relative_to(_FOLDER).as_posix() for file in _FOLDER.rglob("*") if file.is_file())


@cache
def _file(name: str) -> _StaticFile:
    content = (_FOLDER / name).read_bytes()
    media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
    pressed = gzip.compress(content, mtime=0) if media_type in _PRESSED else None
    return _StaticFile(content, pressed, media_type)
