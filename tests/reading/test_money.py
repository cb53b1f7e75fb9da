"""Money as decimal strings: what is taken, what is refused, and that nothing is lost on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import MalformedRequest
from ledger.rules.money import LARGEST_MINOR, MINOR_PLACES, from_minor, minor_places, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("90.00", "CNY", 9_000),
        ("90", "CNY", 9_000),
        ("0.5", "CNY", 50),
        ("0", "CNY", 0),
        ("0.00", "GBP", 0),
        ("120", "JPY", 120),
        ("1.234", "KWD", 1_234),
        ("1.2345", "CLF", 12_345),
        ("92233720368547758.07", "CNY", LARGEST_MINOR),
        ("9223372036854775807", "JPY", LARGEST_MINOR),
    ],
)
def test_a_decimal_string_becomes_minor_units_of_its_currency(amount: str, currency: str, minor: int) -> None:
    assert to_minor(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("1.234", "CNY"),
        ("1.0", "JPY"),
        ("1.", "CNY"),
        (".5", "CNY"),
        ("", "CNY"),
        (" 1", "CNY"),
        ("1\n", "CNY"),
        ("-1.00", "CNY"),
        ("+1.00", "CNY"),
        ("-0", "CNY"),
        ("1e3", "CNY"),
        ("NaN", "CNY"),
        ("Infinity", "CNY"),
        ("1,000.00", "CNY"),
        ("1_000", "CNY"),
        ("0x10", "CNY"),
        ("007", "CNY"),
        ("00.50", "CNY"),
        ("١٢", "CNY"),
        ("１２", "CNY"),
        ("1\x00", "CNY"),
        ("92233720368547758.08", "CNY"),
        ("9" * 24, "CNY"),
        ("9" * 100_000, "CNY"),
    ],
)
def test_anything_else_is_refused_by_the_name_of_its_field(amount: str, currency: str) -> None:
    with pytest.raises(MalformedRequest) as refused:
        to_minor(amount, currency, field="spend.amount")
    assert refused.value.facts["field"] == "spend.amount"
    assert refused.value.facts["got"] == amount[:40]
    assert len(refused.value.detail) < 200


@pytest.mark.parametrize("currency", ["", "cny", "CN", "XXX", "XAU", "EURO", "€", "Z" * 10_000])
def test_an_unknown_currency_is_refused_by_name(currency: str) -> None:
    for convert in (lambda: to_minor("1", currency), lambda: from_minor(1, currency), lambda: minor_places(currency)):
        with pytest.raises(MalformedRequest) as refused:
            convert()
        assert refused.value.facts["field"] == "currency"


@given(st.integers(0, LARGEST_MINOR), st.sampled_from(sorted(MINOR_PLACES)))
def test_every_amount_comes_back_as_it_went_out(minor: int, currency: str) -> None:
    amount = from_minor(minor, currency)
    assert to_minor(amount, currency) == minor
    assert len(amount.partition(".")[2]) == MINOR_PLACES[currency]


def test_amounts_are_written_with_all_decimal_places_and_their_sign() -> None:
    assert [from_minor(minor, "CNY") for minor in (0, 5, 50, 12_345, -5)] == ["0.00", "0.05", "0.50", "123.45", "-0.05"]
    assert [from_minor(minor, "JPY") for minor in (0, 7, -7)] == ["0", "7", "-7"]


def test_each_currency_has_one_number_of_places() -> None:
    assert len(MINOR_PLACES) > 160
    assert {MINOR_PLACES[code] for code in ("CNY", "GBP", "EUR", "USD", "HKD", "RUB", "KZT")} == {2}
    assert all(len(code) == 3 and code.isascii() and code.isupper() for code in MINOR_PLACES)
