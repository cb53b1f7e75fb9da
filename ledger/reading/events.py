"""A partner's feed: its own transactions as events, in order, none ever missed.

The order between lanes is that of recording; a transaction of another lane that commits later may carry an
earlier time and comes later. Inside a lane the order is that of (lane, sequence), without gaps.

A cursor carries the mark of the epoch that it was given in. When the ledger has gone on from an older copy of itself,
cursors of before are refused, with one to read on from: what it follows is what it was, all else may be gone.
"""

from collections.abc import Sequence
from typing import Self

import msgspec
from psycopg import AsyncConnection

from ledger.errors import CursorBeforeRestore
from ledger.ids import LedgerKey
from ledger.reading.cursors import PagedList, read_cursor, refuse_limit, write_cursor
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views
from ledger.rules.epochs import FIRST_MARK, epoch_mark
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Registry
from ledger.store.epochs import Epoch, read_epochs, read_positions_before
from ledger.store.event_ranges import EventPlace, Positions, advanced, read_following, read_positions_at

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


class EventCursors:
    """The cursors of a partner's feed, as of the epochs that there are at one moment.

    One moment for reading and writing: a cursor that was read before an epoch began must not be given out in it.
    """

    def __init__(self, key: LedgerKey, partner: int, lanes: int, epochs: Sequence[Epoch]) -> None:
        self._key = key
        self._partner = partner
        self._lanes = lanes
        self._epochs = epochs
        self._marks = [FIRST_MARK, *(epoch_mark(epoch.identity) for epoch in epochs)]

    @classmethod
    async def open(cls, connection: AsyncConnection, key: LedgerKey, partner: int, lanes: int) -> Self:
        """Read which epochs there are."""
        return cls(key, partner, lanes, await read_epochs(connection))

    def write(self, positions: Positions) -> str:
        """Write the cursor of what follows positions; lanes in which nothing was read take no room."""
        pairs = [number for lane, sequence in enumerate(positions) if sequence for number in (lane, sequence)]
        return write_cursor(self._key, _feed(self._partner), (self._marks[-1], *pairs))

    async def read(self, connection: AsyncConnection, cursor: str) -> Positions:
        """Read a cursor back.

        Raises MalformedCursor for one not issued for the feed, CursorBeforeRestore for one of an earlier epoch.
        """
        longest = _CHARACTERS_BESIDES + _CHARACTERS_PER_LANE * self._lanes
        mark, *pairs = map(int, read_cursor(self._key, _feed(self._partner), cursor, longest=longest))
        positions = [0] * self._lanes
        for lane, sequence in zip(pairs[::2], pairs[1::2], strict=True):
            positions[lane] = sequence
        if mark == self._marks[-1]:
            return tuple(positions)
        # Nobody goes on beyond what was read: between there and the end of what is known lies what is still to come.
        known = tuple(map(min, positions, await self._still_known(connection, mark)))
        raise CursorBeforeRestore(
            "The ledger was restored after this cursor was given; some of what you have read may be gone. Take back "
            "what followed known_through in each lane, and read on from resync_cursor.",
            known_through=list(known),
            resync_cursor=self.write(known),
        )

    async def _still_known(self, connection: AsyncConnection, mark: int) -> Positions:
        """Up to where everything is still true that was recorded in the epoch of a mark.

        That is where the epoch after it began; and where others posted before it began, where the restored copy ended.
        Of an epoch that this ledger has never had, nothing is known: it may have parted anywhere.
        """
        if mark not in self._marks:
            return (0,) * self._lanes
        following = self._epochs[self._marks.index(mark)]
        known = await read_positions_before(connection, following.number)
        if following.restored_to is None:
            return known
        copied = await read_positions_at(connection, following.restored_to + 1)
        return tuple(map(min, known, copied))


def _feed(partner: int) -> PagedList:
    return PagedList("events", (partner,), "after")
