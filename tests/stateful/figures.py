"""Figures of a member's points, as the ledger shows them and as the model knows them."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.stateful.model.accounts import Account, Hold
from tests.stateful.model.terms import ZONE, Lot


def iso(value: date | None) -> str | None:
    """A date as an answer writes it."""
    return None if value is None else value.isoformat()


def moment(instant: datetime) -> str:
    """An instant as an answer writes it."""
    return instant.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def expected_balance(account: Account, member: str, now: datetime) -> dict[str, Any]:
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
        "programme": account.code,
        "available": account.available(now),
        "held": account.held(),
        "pending": account.pending(now),
        "shortfall": account.owed(),
        "expiring": expiring,
        "as_of": moment(now),
    }


def shown_lot(lot: dict[str, Any]) -> tuple[object, ...]:
    """What of a lot as it is read must be the model's."""
    return (
        [share["partner"] for share in lot["funding"]],
        lot["original"],
        lot["remaining"],
        lot["held"],
        datetime.fromisoformat(lot["available_from"]).astimezone(UTC),
        lot["expires_on"],
        lot["state"],
        lot["restored_from"] is not None,
        lot["moved_from"] is not None,
    )


def expected_lots(account: Account, now: datetime) -> list[tuple[object, ...]]:
    """The same of the lots of the model; a lot that only names a debt never held points and is not shown."""
    return [
        (
            [lot.issuer],
            lot.original,
            lot.left,
            account.held_of(lot),
            lot.available_from,
            iso(lot.expires_on),
            _standing(account, lot, now),
            lot.root is not None,
            lot.source is not None,
        )
        for lot in account.lots
        if not lot.only_names_a_debt
    ]


def _standing(account: Account, lot: Lot, now: datetime) -> str:
    if lot.left == 0:
        if account.held_of(lot):
            return "held"
        return "lapsed" if lot.expired else "used"
    if lot.lapses_at <= now:
        return "lapsed"
    return "pending" if now < lot.available_from else "usable"


def expected_hold(hold: Hold, now: datetime) -> dict[str, Any]:
    """A hold as it must be read."""
    standing, captured = hold.standing(now), hold.captured
    remaining = hold.remaining if standing == "open" else 0
    return {
        "state": standing,
        "programme": hold.account.code,
        "member": hold.account.person.name,
        "partner": hold.label[0],
        "points": hold.points,
        "captured": captured,
        "released": hold.points - captured - remaining,
        "remaining": remaining,
        "expires_at": moment(hold.expires_at),
        "as_of": moment(now),
    }
