"""Commands of holds, gifts, merges and the rest of a point's life, in one line each."""

from typing import Any

from ledger.rules.commands import Gift, Merge, Move, PlaceHold


def hold(points: int = 100, **changes: Any) -> PlaceHold:
    """A hold of points by a shop."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "scene": "food", "points": points}
    return PlaceHold(**(fields | changes))


def gift(points: int = 100, **changes: Any) -> Gift:
    """Points of member 1 for member 2."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "receiver": "m2", "points": points}
    return Gift(**(fields | changes))


def merge(member: str = "m1", into: str = "m2") -> Merge:
    """Member 1 turns out to be member 2."""
    return Merge(member=member, into=into)


def move(member: str = "m1", to_lane: int = 0) -> Move:
    """Member 1 goes to another lane."""
    return Move(member=member, to_lane=to_lane)
