"""The feed of events."""

import msgspec

from api.events import Event


class EventsAnswer(msgspec.Struct, frozen=True):
    """Events in order. ``next_cursor`` is never null: with it, ask again for what happens later."""

    events: list[Event]
    next_cursor: str
