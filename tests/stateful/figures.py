"""Figures of a member's points, as the ledger shows them and as the model knows them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.stateful.model import ZONE, Account, Lot


def iso(value: date | None) -> str | None:
    """A date as an answer writes it."""
    return None if value is None else value.isoformat()


def expected_balance(account: Account, member: str, programme: str, now: datetime) -> dict[str, Any]:
    """A balance as it must be read."""
    horizon = now.astimezone(ZONE).date() + timedelta(days=90)
    days = sorted({x.expires_on for x in account.lots if x.left and x.lapses_at > now and x.expires_on is not None})
    expiring = [
        {"on": day.isoformat(), "points": sum(lot.left for lot in account.lots if lot.expires_on == day)}
        for day in days
        if day <= horizon
    ]
    return {
        "member": member,
        "programme": programme,
        "available": account.available(now),
        "held": 0,
        "pending": account.pending(now),
        "shortfall": sum(account.debts),
        "expiring": expiring,
        "as_of": now.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
    }


def shown_lot(lot: dict[str, Any]) -> tuple[object, ...]:
    """What of a lot as it is read must be the model's."""
    return (
        [share["partner"] for share in lot["funding"]],
        lot["original"],
        lot["remaining"],
        datetime.fromisoformat(lot["available_from"]).astimezone(UTC),
        lot["expires_on"],
        lot["state"] == "lapsed",
        lot["restored_from"] is not None,
    )


def lot_terms(lot: Lot, now: datetime) -> tuple[object, ...]:
    """The same of a lot of the model."""
    has_lapsed = lot.lapses_at <= now and lot.left + lot.expired > 0
    return (
        [lot.issuer],
        lot.original,
        lot.left,
        lot.available_from,
        iso(lot.expires_on),
        has_lapsed,
        lot.root is not None,
    )
