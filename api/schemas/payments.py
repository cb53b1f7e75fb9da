"""Payments, bank files and the work list over HTTP."""

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from api.answers import Money
from ledger.rules.money import from_minor
from ledger.rules.programmes import Registry
from settlement.reconciliation import BankFileOutcome
from settlement.store.bank_rows import SuspenseItem

__all__ = ["BankFileOutcome", "MatchSent", "SuspenseAnswer", "SuspenseList", "suspense_answer"]


class MatchSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The notice that a receipt pays."""

    reference: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]{1,35}(?!\n)$", description="A notice's reference")]


class SuspenseAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Money that could not be placed; the amount is negative where it went out."""

    id: str
    programme: str
    amount: Money
    booked_on: date
    payer: str
    remittance: str
    matched_by: str | None
    matched_to: str | None


class SuspenseList(msgspec.Struct, frozen=True):
    """What waits to be placed, the oldest first."""

    items: list[SuspenseAnswer]
    next_cursor: str | None


def suspense_answer(item: SuspenseItem, registry: Registry) -> SuspenseAnswer:
    """An item of the work list as it is shown."""
    return SuspenseAnswer(
        id=str(item.item),
        programme=registry.programme_numbered(item.programme).code,
        amount=Money(item.currency, from_minor(item.amount_minor, item.currency)),
        booked_on=item.booked_on,
        payer=item.payer,
        remittance=item.remittance,
        matched_by=item.matched_by,
        matched_to=item.matched_to,
    )
