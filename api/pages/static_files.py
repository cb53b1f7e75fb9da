"""Style sheets, scripts and pictures, all served by ourselves: no page asks another host."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from litestar.datastructures import CacheControlHeader
from litestar.static_files import create_static_files_router

_FOLDER = Path(__file__).parent.parent / "static"
_CACHED_SECONDS = 7 * 24 * 60 * 60

static_router = create_static_files_router(
    path="/static",
    directories=[_FOLDER],
    cache_control=CacheControlHeader(public=True, max_age=_CACHED_SECONDS),
)


@cache
def static_url(name: str) -> str:
    """Where a browser finds a file of ``api/static``.

    The address changes with the content, so a cached old file is never used with a new page.
    Raises FileNotFoundError for a file that is not there.
    """
    digest = sha256((_FOLDER / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"
