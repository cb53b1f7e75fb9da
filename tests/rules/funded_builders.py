"""A city whose bank and supermarket issue under prefunding covers, and share a campaign."""

from datetime import date
from typing import Any

from msgspec.structs import replace

from ledger.rules.programmes import Campaign, Cap, CoverPrice, Programme, Registry
from tests.builders import BANK, SUPERMARKET, registry
from tests.rarer_builders import cover, grant_cover
from tests.rules.ledger_in_memory import LedgerInMemory

SPRING = Campaign(number=1, code="SPRING", programme=1, funding=1_000_000_001, lead=BANK)
BANK_PARTS, SUPERMARKET_PARTS = 3, 1
BEGINNING = date(1970, 1, 1)
CHANGE = date(2026, 11, 24)
COVERS = (cover(BANK), cover(SUPERMARKET, home_lane=1))


def price(micros: int, starts_on: date = BEGINNING) -> CoverPrice:
    """What a point costs from a day on, in millionths of the currency."""
    return CoverPrice(starts_on, micros, added_at=0)


def funded(*programmes: Programme, caps: tuple[Cap, ...] = COVERS, **changes: Any) -> Registry:
    """A set-up with covers: the bank pays 0.012 yuan for a point, the supermarket 0.009950."""
    plain = registry(*programmes, caps=caps)
    shares = ((BANK, BANK_PARTS), (SUPERMARKET, SUPERMARKET_PARTS))
    fields: dict[str, Any] = {
        "fundings": plain.fundings | {SPRING.funding: shares},
        "campaigns": {SPRING.code: SPRING},
        "cover_prices": {(1, BANK): (price(12_000),), (1, SUPERMARKET): (price(9_950),)},
    }
    return replace(plain, numbered={}, caps_by_programme={}, covers={}, **(fields | changes))


def covered(bank: int = 0, supermarket: int = 0, **changes: Any) -> LedgerInMemory:
    """A ledger under covers with these grants, in 1/10,000 yuan; member 2 is in lane 0, at the bank cover's home."""
    ledger = LedgerInMemory(set_up=funded(**changes))
    for amount, partner in ((bank, BANK), (supermarket, SUPERMARKET)):
        if amount:
            ledger.post(grant_cover(amount, partner))
    return ledger
