"""Which version of a contract holds on a business day."""

from datetime import date

import pytest

from ledger.errors import ContractMissing
from settlement.terms import TermsBook
from tests.settlement.contracts_by_hand import AGENCY, BANK, CINEMA, HOTEL, SHOP, contract

BOOK = TermsBook(
    [
        contract(BANK, version=2, starts_on=date(2026, 11, 25), reserve_micros=8_000),
        contract(BANK, version=1, starts_on=date(2026, 1, 1), reserve_micros=10_000),
        contract(CINEMA, reimbursement_micros=9_000, attribution_partner=AGENCY),
        contract(CINEMA, version=2, attribution_partner=HOTEL),
    ]
)


@pytest.mark.parametrize(
    ("day", "version"),
    [
        # The first version also holds before it begins.
        (date(2020, 1, 1), 1),
        (date(2026, 1, 1), 1),
        (date(2026, 11, 24), 1),
        (date(2026, 11, 25), 2),
        (date(2030, 1, 1), 2),
    ],
)
def test_a_version_holds_from_its_first_day_until_the_next_begins(day: date, version: int) -> None:
    terms = BOOK.on(BANK, day)
    assert terms is not None
    assert terms.version == version


def test_a_partner_without_contract_has_none_on_any_day() -> None:
    assert BOOK.on(SHOP, date(2026, 11, 24)) is None
    assert BOOK.versions(SHOP) == []
    assert BOOK.partners == [BANK, CINEMA]


def test_a_side_that_a_contract_does_not_price_is_named() -> None:
    assert BOOK.issuer(BANK, 2).reserve_micros == 8_000
    assert BOOK.acceptor(CINEMA, 1).reimbursement_micros == 9_000
    for call, partner, side in ((BOOK.acceptor, BANK, "acceptor"), (BOOK.issuer, CINEMA, "issuer")):
        with pytest.raises(ContractMissing, match=f"Partner {partner} has no {side}'s price in version 1"):
            call(partner, 1)
    with pytest.raises(ContractMissing, match="Partner 2 has no contract"):
        BOOK.issuer(SHOP, 1)


def test_partners_that_are_paid_for_bringing_customers_are_known_by_every_version() -> None:
    assert BOOK.attributed([BANK, CINEMA]) == {AGENCY, HOTEL}
    assert BOOK.attributed([BANK]) == set()
