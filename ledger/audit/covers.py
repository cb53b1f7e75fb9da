"""What of prefunding covers an earn must use, and the recovery of a shortfall give back."""

from collections.abc import Iterable

from ledger.audit.case import Case
from ledger.rules.business_day import MICROSECONDS_PER_SECOND
from ledger.rules.covers import CostOfPoint, cost_of_point
from ledger.rules.programmes import Cap

LONGEST_LEAD = 60 * MICROSECONDS_PER_SECOND
"""How far the time of a record and the clock may be apart."""


def used_of_cover(case: Case, cover: Cap) -> set[int]:
    """What an earn must use of a cover: of prices that were added just then, with and without them."""
    transaction = case.transaction
    costs = _costs(case, cover, transaction.lots[0].funding, transaction.occurred_at)
    return {cost.used_by(transaction.points) for cost in costs}


def given_back_by_recovery(case: Case, cover: Cap, funding: int, earned_at: int, amount_points: int) -> set[int]:
    """What the recovery of points must give back to a cover, likewise."""
    return {cost.given_back_for(amount_points) for cost in _costs(case, cover, funding, earned_at)}


def _costs(case: Case, cover: Cap, funding: int, earned_at: int) -> Iterable[CostOfPoint]:
    registry, recorded_at = case.set_up.registry, case.transaction.recorded_at
    day = case.programme.business_day(earned_at)
    for known_at in (recorded_at - LONGEST_LEAD, recorded_at + LONGEST_LEAD):
        yield cost_of_point(registry, cover, funding, day, known_at=known_at)
