"""Valid objects in one line: a test states only what it is about."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from ledger.ids import LedgerKey, Place, transaction_id
from ledger.rules.business_day import to_instant
from ledger.rules.commands import (
    AnyCommand,
    Earn,
    Expire,
    Redeem,
    Reverse,
    Submission,
    TakeBack,
    details_document,
    key_digests,
)
from ledger.rules.journal import JournalEntry
from ledger.rules.programmes import Cap, EarnRate, Partner, Programme, ProgrammeVersion, Registry

LEDGER_KEY = LedgerKey(b"a ledger key for the tests alone")
SALT = bytes(range(16))

BANK, SUPERMARKET, CINEMA = 1, 2, 3
PARTNERS = {
    BANK: Partner(BANK, "BANK", "City Bank", "bank", funding=101),
    SUPERMARKET: Partner(SUPERMARKET, "SUPERMARKET", "Green Market", "merchant", funding=102),
    CINEMA: Partner(CINEMA, "CINEMA", "Grand Cinema", "merchant", funding=103),
}

DAY = 86_400_000_000
HOUR = 3_600_000_000
SECOND = 1_000_000


def at(text: str, zone: str = "Asia/Shanghai") -> int:
    """An instant from a local time such as ``2026-11-24 09:00``."""
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))
    return to_instant(local.astimezone(UTC))


NOON = at("2026-11-24 12:00")


def version(**changes: Any) -> ProgrammeVersion:
    """A point for each whole yuan, for 24 months, since ever."""
    rules = ProgrammeVersion(1, date(1970, 1, 1), EarnRate(1, 100), validity_months=24)
    return msgspec.structs.replace(rules, **changes)


def programme(**changes: Any) -> Programme:
    """An open programme of Shanghai in which every partner may do everything."""
    city = Programme(
        number=1,
        code="CITY",
        currency="CNY",
        zone="Asia/Shanghai",
        cut_off_minutes=0,
        is_open=True,
        maximum_age_days=60,
        restore_grace_days=0,
        shortfall_policy="member",
        versions=(version(),),
        issuers=frozenset(PARTNERS),
        acceptors=frozenset(PARTNERS),
    )
    return msgspec.structs.replace(city, **changes)


def registry(*programmes: Programme, caps: tuple[Cap, ...] = (), lanes: int = 2) -> Registry:
    """A set-up of these programmes, or of the usual one."""
    chosen = programmes or (programme(),)
    fundings: dict[int, tuple[tuple[int, int], ...]] = {
        partner.funding: ((partner.number, 1),) for partner in PARTNERS.values()
    }
    return Registry(1, {one.code: one for one in chosen}, PARTNERS, fundings, caps=caps, lanes=lanes)


def earn(points: int | None = 100, **changes: Any) -> Earn:
    """An earn of stated points; a spend takes their place."""
    if "spend_minor" in changes:
        points = None
        changes.setdefault("currency", "CNY")
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "scene": "food", "points": points}
    return Earn(**(fields | changes))


def redeem(points: int = 100, **changes: Any) -> Redeem:
    """A redemption of points at a shop."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "scene": "food", "points": points}
    return Redeem(**(fields | changes))


def take_back(spend_minor: int = 1000, **changes: Any) -> TakeBack:
    """A cancellation that names no original."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1", "currency": "CNY", "occurred_at": NOON}
    return TakeBack(spend_minor=spend_minor, **(fields | changes))


def expire(**changes: Any) -> Expire:
    """The expiry job's command for one member."""
    fields: dict[str, Any] = {"programme": "CITY", "member": "m1"}
    return Expire(**(fields | changes))


def reverse(original: JournalEntry, **changes: Any) -> Reverse:
    """A reversal of all that is left of a posted transaction, or of the part that is named."""
    return Reverse(transaction=id_of(original), **changes)


def id_of(entry: JournalEntry) -> str:
    """The id under which a partner knows a transaction."""
    posted = entry.transaction
    return transaction_id(posted.recorded_at, posted.lane, posted.sequence, entry.hash)


def place_of_entry(entry: JournalEntry) -> Place:
    """Where a transaction stands in the journal."""
    return Place(entry.transaction.lane, entry.transaction.sequence)


def submission(command: AnyCommand, key: str = "k1", **changes: Any) -> Submission:
    """A command of the bank for member 1 in lane 1, resolved and keyed."""
    partner = changes.get("partner", BANK)
    key_digest, request_digest = key_digests(LEDGER_KEY, f"p:{partner}", key, command)
    details = details_document(command)
    fields: dict[str, Any] = {
        "command": command,
        "partner": partner,
        "key_digest": key_digest,
        "request_digest": request_digest,
        "lane": 1,
        "member": 1,
        "shows_balance": True,
        "details": details,
        "salt": None if details is None else SALT,
    }
    return Submission(**(fields | changes))
