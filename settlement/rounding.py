"""Exact amounts and the one rounding of each: half to even (ISO 80000-1, B.3), from exact fractions."""

from collections.abc import Sequence
from fractions import Fraction

MICROS = 1_000_000
"""Prices and rates are kept in millionths."""


def half_even(exact: Fraction) -> int:
    """The nearest whole number; of two as near, the even one."""
    return round(exact)


def in_minor(points: int, price_micros: int, places: int) -> Fraction:
    """What points are worth, exactly, in minor units of a currency with so many decimal places."""
    return Fraction(points * price_micros * 10**places, MICROS)


def share(amount: int, parts: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Divide an amount, zero or more, by parts: by the largest remainder, of equal ones the lowest party first.

    ``parts`` are pairs of a party and its parts; the shares add up to the amount.
    """
    total = sum(part for _, part in parts)
    shares = {party: amount * part // total for party, part in parts}
    by_remainder = sorted(parts, key=lambda one: (-(amount * one[1] % total), one[0]))
    for party, _ in by_remainder[: amount - sum(shares.values())]:
        shares[party] += 1
    return shares
