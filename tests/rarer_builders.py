"""Valid commands of what happens to points between earn and use, in one line each."""

from datetime import date
from typing import Any

import msgspec

from ledger.rules.commands import (
    Adjust,
    Atomic,
    AtomicItem,
    Capture,
    Close,
    Exchange,
    Freeze,
    Gift,
    GrantCap,
    GrantCover,
    Merge,
    Move,
    Notice,
    PlaceHold,
    SingleCommand,
    Unfreeze,
    VoidHold,
    WriteOff,
)
from ledger.rules.journal import JournalEntry
from ledger.rules.programmes import Cap, ExchangeRate
from tests.builders import BANK, id_of

APPROVAL = "0193d2a0-0000-8000-8000-000000000001"
WRITE_OFF_APPROVAL = "0193d2a0-0000-8000-8000-000000000002"


def cap(**changes: Any) -> Cap:
    """A cap on all that is given in the programme, at home in lane 0."""
    all_of_city = Cap(number=1, code="ALL", programme=1, partner=None, scene=None, home_lane=0, is_swept=False)
    return msgspec.structs.replace(all_of_city, **changes)


def hold(points: int = 100, **changes: Any) -> PlaceHold:
    """A hold of points at a shop."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "scene": "food", "points": points}
    return PlaceHold(**(fields | changes))


def capture(held: JournalEntry, points: int | None = None, **changes: Any) -> Capture:
    """A capture of a hold, by the transaction that opened it."""
    return Capture(hold=id_of(held), points=points, **changes)


def void(held: JournalEntry) -> VoidHold:
    """The release of a hold."""
    return VoidHold(hold=id_of(held))


def gift(points: int = 100, **changes: Any) -> Gift:
    """A gift of member 1 to member 2, who is in another lane."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "receiver": "m2", "points": points}
    return Gift(**(fields | changes))


def exchange(points: int = 100, **changes: Any) -> Exchange:
    """Member 1's points of the usual programme for points of another."""
    fields: dict[str, Any] = {"programme": "CITY", "target_programme": "MILES", "member": "m1", "points": points}
    return Exchange(**(fields | changes))


def exchange_rate(**changes: Any) -> ExchangeRate:
    """Five points of the usual programme for four of the second one, which the bank issues there."""
    usual = ExchangeRate(1, 1, 2, BANK, date(1970, 1, 1), give=5, get=4, price_micros=11_500, added_at=0)
    return msgspec.structs.replace(usual, **changes)


def merge(member: str = "m1", into: str = "m2") -> Merge:
    """Member 1 turns out to be member 2."""
    return Merge(member=member, into=into)


def move(to_lane: int = 0, member: str = "m1") -> Move:
    """Member 1 moves to another lane."""
    return Move(member=member, to_lane=to_lane)


def freeze(member: str = "m1") -> Freeze:
    """Member 1 is frozen."""
    return Freeze(member=member)


def unfreeze(member: str = "m1") -> Unfreeze:
    """Member 1 is unfrozen."""
    return Unfreeze(member=member)


def close(member: str = "m1", *, gives_up_points: bool = False) -> Close:
    """Member 1 leaves."""
    return Close(member=member, gives_up_points=gives_up_points)


def adjust(points: int = 100, **changes: Any) -> Adjust:
    """Points given at the bank's cost by decision of two persons."""
    fields: dict[str, Any] = {
        "programme": "CITY",
        "member": "m1",
        "partner": "BANK",
        "points": points,
        "approval": APPROVAL,
    }
    return Adjust(**(fields | changes))


def write_off(points: int | None = None, **changes: Any) -> WriteOff:
    """What member 1 owes is forgiven."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "points": points, "approval": WRITE_OFF_APPROVAL}
    return WriteOff(**(fields | changes))


def cover(partner: int = BANK, **changes: Any) -> Cap:
    """The bank's prefunding cover, at home in lane 0."""
    number = changes.setdefault("number", partner)
    return cap(code=f"cover:CITY:{partner}", partner=partner, measure="cover", **(changes | {"number": number}))


def grant_cover(amount: int, partner: int = BANK, **changes: Any) -> GrantCover:
    """More for a cover, or less."""
    return GrantCover(cap=f"cover:CITY:{partner}", amount=amount, **changes)


def grant_cap(points: int, code: str = "ALL") -> GrantCap:
    """More points for a cap."""
    return GrantCap(cap=code, points=points)


def notice(expires_on: date, days_before: int = 30, **changes: Any) -> Notice:
    """The notice job's command for one member and day."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "expires_on": expires_on, "days_before": days_before}
    return Notice(**(fields | changes))


def atomic(*commands: SingleCommand, key: str = "item") -> Atomic:
    """Commands that post together, with keys numbered from 0."""
    return Atomic(items=tuple(AtomicItem(f"{key}-{number}", command) for number, command in enumerate(commands)))
