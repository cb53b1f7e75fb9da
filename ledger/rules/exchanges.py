"""Exchanges between programmes: at which rate, and how many points they come to.

A rate takes ``give`` points of one programme for each ``get`` points of another, which its issuer issues there.
Exchanges are whole multiples of it, so nothing is ever rounded away from a member.
"""

from collections.abc import Sequence
from datetime import date

from ledger.rules.programmes import ExchangeRate


def rate_on(rates: Sequence[ExchangeRate], day: date, *, known_at: int | None = None) -> ExchangeRate | None:
    """The rate of two programmes on a business day of the first; None before the first rate, and where it is ended.

    ``rates`` are in the order of their days. With ``known_at`` only of those that the ledger had heard of at that
    instant.
    """
    known = (rate for rate in rates if known_at is None or rate.added_at <= known_at)
    started = [rate for rate in known if rate.starts_on <= day]
    return started[-1] if started and started[-1].get else None


def earned_at_rate(rate: ExchangeRate, burnt_points: int) -> int | None:
    """How many points are earned for points burnt; None where they are no whole multiple of what the rate takes."""
    times, rest = divmod(burnt_points, rate.give)
    return None if rest else times * rate.get


def burnt_at_rate(rate: ExchangeRate, earned_points: int) -> int:
    """How many points were burnt for points earned."""
    return earned_points // rate.get * rate.give
