"""A partner's feed: its own transactions as events, in order, none ever missed.

The order between lanes is that of recording; a transaction of another lane that commits later may carry an
earlier time and comes later. Inside a lane the order is that of (lane, sequence), without gaps.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.errors import MalformedCursor
from ledger.ids import LedgerKey
from ledger.reading.cursors import PagedList, read_cursor, refuse_limit, write_cursor
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Registry
from ledger.store.event_ranges import EventPlace, Positions, advanced, read_following

EPOCH = 0
"""Raised when a ledger goes on from an older copy of itself: then cursors of later times mean nothing."""

_CHARACTERS_PER_LANE = 16
_CHARACTERS_BESIDES = 100


def event_type(kind: str) -> str:
    """The type of the event that a transaction is, by the name of its kind."""
    return f"citypoints.transaction.{kind.replace('_', '-')}.v1"


EVENT_TYPES = {kind.value: event_type(kind.name.lower()) for kind in TransactionKind}
"""The types of events by the number of their kind."""


class EventsPage(msgspec.Struct, frozen=True):
    """Transactions of a feed in order, and the positions after them."""

    views: tuple[TransactionView, ...]
    positions: Positions


async def read_events(
    connection: AsyncConnection, registry: Registry, partner: int, positions: Positions, *, limit: int
) -> EventsPage:
    """Read a partner's transactions that follow positions in each lane; raises MalformedRequest for the limit."""
    refuse_limit(limit)
    events = await read_following(connection, partner, positions, limit)
    views = await read_event_views(connection, registry, events)
    return EventsPage(tuple(views), advanced(positions, events))


async def read_event_views(
    connection: AsyncConnection, registry: Registry, events: Sequence[EventPlace]
) -> list[TransactionView]:
    """Read what events tell, in their order. Raises KeyError where a transaction cannot be shown: none is skipped."""
    places = [event.place for event in events]
    views = await read_views(connection, registry, places) if places else {}
    return [views[place] for place in places]


def write_event_cursor(key: LedgerKey, partner: int, positions: Positions) -> str:
    """Write the cursor of what follows positions; lanes in which nothing was read take no room."""
    pairs = [number for lane, sequence in enumerate(positions) if sequence for number in (lane, sequence)]
    return write_cursor(key, _feed(partner), (EPOCH, *pairs))


def read_event_cursor(key: LedgerKey, partner: int, lanes: int, cursor: str) -> Positions:
    """Read a cursor of a partner's feed back; raises MalformedCursor for one that was not issued for it."""
    longest = _CHARACTERS_BESIDES + _CHARACTERS_PER_LANE * lanes
    epoch, *pairs = (int(number) for number in read_cursor(key, _feed(partner), cursor, longest=longest))
    if epoch != EPOCH:
        raise MalformedCursor("The cursor is of a time before the ledger was restored.", field="after")
    positions = [0] * lanes
    for lane, sequence in zip(pairs[::2], pairs[1::2], strict=True):
        positions[lane] = sequence
    return tuple(positions)


def _feed(partner: int) -> PagedList:
    return PagedList("events", (partner,), "after")
