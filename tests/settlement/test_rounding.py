"""Amounts in other currencies, and shares, worked by hand."""

import pytest

from ledger.errors import MalformedRequest
from settlement.money_journal import foreign_amount
from settlement.rounding import in_minor, share


@pytest.mark.parametrize(
    ("fen", "currency", "quote", "amount"),
    [
        # 12.34 CNY at 4.9321 THB: 60.862114.
        (1_234, "THB", 493_210_000, 6_086),
        # 12.34 CNY at 20.50 yen, which has no smaller unit: 252.97.
        (1_234, "JPY", 2_050_000_000, 253),
        # 0.50 and 1.50 of a yen go to the even one.
        (50, "JPY", 100_000_000, 0),
        (150, "JPY", 100_000_000, 2),
        # At par nothing is lost, however much it is.
        (10**15 + 1, "THB", 100_000_000, 10**15 + 1),
        # A dinar has thousandths.
        (100, "KWD", 4_267_000, 43),
    ],
)
def test_an_amount_at_a_quote_is_rounded_once_in_the_foreign_minor_unit(
    fen: int, currency: str, quote: int, amount: int
) -> None:
    assert foreign_amount(fen, "CNY", currency, quote) == amount


def test_a_currency_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(MalformedRequest):
        foreign_amount(1, "CNY", "XXX", 1)


def test_points_are_worth_their_price_in_the_minor_unit_of_the_programmes_currency() -> None:
    # 1000 points at 0.0095: 9.50 yuan are 950 fen, 9.5 yen, 9500 fils.
    assert [in_minor(1_000, 9_500, places) for places in (2, 0, 3)] == [950, 19 / 2, 9_500]


@pytest.mark.parametrize(
    ("amount", "parts", "shares"),
    [
        (100, ((1, 1), (2, 1), (3, 1)), {1: 34, 2: 33, 3: 33}),
        (101, ((3, 1), (2, 1), (1, 1)), {1: 34, 2: 34, 3: 33}),
        (7, ((1, 3), (2, 1)), {1: 5, 2: 2}),
        # 1.5 : 0.5, equal remainders: the lowest party.
        (2, ((1, 3), (2, 1)), {1: 2, 2: 0}),
        (2, ((1, 1), (2, 3)), {1: 1, 2: 1}),
        (0, ((1, 1), (2, 3)), {1: 0, 2: 0}),
    ],
)
def test_what_cannot_be_divided_goes_to_the_largest_remainder(
    amount: int, parts: tuple[tuple[int, int], ...], shares: dict[int, int]
) -> None:
    assert share(amount, parts) == shares
