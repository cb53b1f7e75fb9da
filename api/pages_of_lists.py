"""Pages of lists: cut by a signed cursor, with a Link to the next one (RFC 8288)."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from api.requests import CityRequest
from ledger.ids import LedgerKey
from ledger.reading.cursors import PagedList, read_cursor, refuse_limit, write_cursor

T = TypeVar("T")


def next_link(request: CityRequest, next_cursor: str | None) -> dict[str, str] | None:
    """The Link header to the next page; None on the last one."""
    if next_cursor is None:
        return None
    query = [
        (name, value)
        for name, value in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if name != "cursor"
    ]
    path = quote(request.scope["path"], safe="/:")
    return {"Link": f'<{path}?{urlencode([*query, ("cursor", next_cursor)])}>; rel="next"'}


def page_by_code(
    key: LedgerKey, name: str, items: Sequence[T], code_of: Callable[[T], str], *, cursor: str | None, limit: int
) -> tuple[list[T], str | None]:
    """Cut a page out of things with codes, in the order of their codes.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    after = position_after(key, name, cursor, limit)
    rest = sorted((item for item in items if after is None or code_of(item) > after), key=code_of)
    return cut(key, name, rest, code_of, limit)


def position_after(key: LedgerKey, name: str, cursor: str | None, limit: int) -> str | None:
    """The code after which a page begins; None for the first page. Raises as ``page_by_code``."""
    refuse_limit(limit)
    return None if cursor is None else str(read_cursor(key, PagedList(name), cursor)[0])


def cut(
    key: LedgerKey, name: str, rest: Sequence[T], code_of: Callable[[T], str], limit: int
) -> tuple[list[T], str | None]:
    """The first page of what is left, and the cursor of the next one; one more than a page shows that there is one."""
    page = list(rest[:limit])
    if len(rest) <= limit:
        return page, None
    return page, write_cursor(key, PagedList(name), (code_of(page[-1]),))
