"""Paging cursors: a place in one list, signed so that no other place can be asked for.

A cursor is bound to its list (which one, of whom), so one member's cursor says nothing in another's.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

import msgspec

from ledger.errors import MalformedCursor, MalformedRequest
from ledger.ids import LedgerKey

DEFAULT_LIMIT = 50
MAXIMUM_LIMIT = 200

_SIGNATURE_BYTES = 16
LONGEST_CURSOR = 400

_encode = msgspec.msgpack.Encoder().encode

Position = tuple[int | str, ...]
"""Where a page ended: the values of the list's order."""


class PagedList(msgspec.Struct, frozen=True):
    """One list of one owner, for instance the statement of a member in a programme.

    ``parameter`` is the name under which its cursors are sent.
    """

    name: str
    owner: tuple[int | str, ...] = ()
    parameter: str = "cursor"


def write_cursor(key: LedgerKey, paged: PagedList, position: Position) -> str:
    """Write the cursor of the page that begins after a position."""
    payload = _encode(position)
    return urlsafe_b64encode(_signature(key, paged, payload) + payload).rstrip(b"=").decode()


def read_cursor(key: LedgerKey, paged: PagedList, cursor: str, *, longest: int = LONGEST_CURSOR) -> Position:
    """Read a cursor of this list back; raises MalformedCursor for one that was not issued for it.

    ``longest`` is how many characters one of this list can have.
    """
    try:
        sealed = urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4))
    except (NotBase64, UnicodeEncodeError) as error:
        raise _not_ours(paged) from error
    signature, payload = sealed[:_SIGNATURE_BYTES], sealed[_SIGNATURE_BYTES:]
    if len(cursor) > longest or not hmac.compare_digest(signature, _signature(key, paged, payload)):
        raise _not_ours(paged)
    position: Position = msgspec.msgpack.decode(payload, type=Position)
    # Base64 leaves bits unused: another spelling of the same bytes is an altered cursor, too.
    if write_cursor(key, paged, position) != cursor:
        raise _not_ours(paged)
    return position


def refuse_limit(limit: int) -> None:
    """Raise MalformedRequest where a page's size is not 1 to 200."""
    if not 1 <= limit <= MAXIMUM_LIMIT:
        wanted = f"1 to {MAXIMUM_LIMIT}"
        raise MalformedRequest(f"limit is {limit}; wanted is {wanted}.", field="limit", got=limit, wanted=wanted)


def _signature(key: LedgerKey, paged: PagedList, payload: bytes) -> bytes:
    return key.digest(b"cursor", paged.name.encode(), _encode(paged.owner), payload)[:_SIGNATURE_BYTES]


def _not_ours(paged: PagedList) -> MalformedCursor:
    return MalformedCursor("The cursor was not issued for this list, or it was altered.", field=paged.parameter)
