"""Prefunding covers: what points use of the money that their issuers have paid, or may owe.

A cover is a cap that counts 1/10,000 of its programme's currency. An earn uses what its points cost the issuer,
rounded up; of a campaign's points each funder's cover is used by its share, at the price of the lead. What is
taken back out of an earn's lot gives back so much that the earn's use is rounded up over what is left of it.
The recovery of a shortfall gives back what the points of the lot that was owed for cost, rounded down.
"""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import date

import msgspec

from ledger.rules.programmes import Cap, CoverPrice, Registry

UNITS_PER_CURRENCY = 10_000
_MICROS_PER_UNIT = 1_000_000 // UNITS_PER_CURRENCY


class CostOfPoint(msgspec.Struct, frozen=True):
    """What a point costs one of its funders: exactly ``numerator / denominator``, in 1/10,000 of the currency."""

    numerator: int
    denominator: int

    def used_by(self, points: int) -> int:
        """What points use of the cover, rounded up."""
        return -(-points * self.numerator // self.denominator)

    def given_back_for(self, points: int) -> int:
        """What the recovery of points gives back, rounded down."""
        return points * self.numerator // self.denominator


def price_on(prices: Sequence[CoverPrice], day: date) -> int | None:
    """The price of a point on a business day, in millionths; the first one has no lower bound. None: no price."""
    if not prices:
        return None
    index = bisect_right(prices, day, key=lambda price: price.starts_on)
    return prices[max(index - 1, 0)].price_micros


def cost_of_point(
    registry: Registry, cover: Cap, funding: int, day: date, *, known_at: int | None = None
) -> CostOfPoint:
    """What a point earned on a business day costs a cover's issuer; nothing where no price is known.

    With ``known_at`` by the prices that the ledger had heard of at that instant: a price may be agreed later, for
    days that had begun.
    """
    campaign = registry.campaign_funded(funding)
    issuers = (cover.partner or 0,) if campaign is None else (campaign.lead, cover.partner or 0)
    for issuer in issuers:
        prices = registry.cover_prices.get((cover.programme, issuer), ())
        known = [price for price in prices if known_at is None or price.added_at <= known_at]
        price_micros = price_on(known, day)
        if price_micros is not None:
            return _share(registry, cover, funding, price_micros)
    return CostOfPoint(0, 1)


def given_back_of_use(used: int, points: int, cost: CostOfPoint, left_before: int, left_after: int) -> int:
    """What of an earn's use goes back where fewer of its points are left in its lot than before."""
    return _use_of(used, points, cost, left_before) - _use_of(used, points, cost, left_after)


def _use_of(used: int, points: int, cost: CostOfPoint, left: int) -> int:
    """What is used by the points left of an earn that used something for all of them.

    Where a price was added in the very moment of the earn, it may have used another: then by its proportion.
    """
    if cost.used_by(points) == used:
        return cost.used_by(left)
    return -(-used * left // points)


def _share(registry: Registry, cover: Cap, funding: int, price_micros: int) -> CostOfPoint:
    shares = dict(registry.fundings[funding])
    return CostOfPoint(price_micros * shares[cover.partner or 0], _MICROS_PER_UNIT * sum(shares.values()))
