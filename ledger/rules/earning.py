"""Earning: how many points, from when, until when."""

import msgspec

from ledger.rules.commands import MAXIMUM_MINOR, MAXIMUM_POINTS, Earn
from ledger.rules.outcomes import Refused
from ledger.rules.programmes import Programme, ProgrammeVersion


class Award(msgspec.Struct, frozen=True):
    """The points of an earn and the programme version that decided them."""

    points: int
    version: ProgrammeVersion


def award(command: Earn, programme: Programme, occurred_at: int) -> Award | Refused:
    """Decide the points of an earn: those stated, or those of the rate on its business day.

    The version is the one of the business day on which the event occurred, so that a late file earns
    what it would have earned in time.
    """
    version = programme.version_on(programme.business_day(occurred_at))
    if command.points is not None:
        if command.points > MAXIMUM_POINTS:
            return out_of_range("points", command.points, MAXIMUM_POINTS)
        return Award(command.points, version)
    spend_minor = command.spend_minor or 0
    if wrong := wrong_currency(command.currency, programme):
        return wrong
    if spend_minor > MAXIMUM_MINOR:
        return out_of_range("spend", spend_minor, MAXIMUM_MINOR)
    points = version.earn_rate.points_for(spend_minor)
    if points == 0:
        return Refused(
            "zero-points",
            "The spend earns no point: it is below the programme's smallest step.",
            {"spend_minor": spend_minor, "step_minor": version.earn_rate.per_minor},
        )
    if points > MAXIMUM_POINTS:
        return Refused(
            "amount-out-of-range",
            f"The spend earns more than the {MAXIMUM_POINTS} points that one transaction takes.",
            {"field": "spend", "got": spend_minor, "maximum": MAXIMUM_POINTS},
        )
    return Award(points, version)


def points_kept(programme: Programme, version_number: int | None, spend_minor: int) -> int:
    """The points that the money kept would have earned under the earn's own version."""
    version = next(v for v in programme.versions if v.version == version_number)
    return version.earn_rate.points_for(spend_minor)


def wrong_currency(currency: str | None, programme: Programme) -> Refused | None:
    """Refuse money in another currency than the programme's: units are never mixed."""
    if currency == programme.currency:
        return None
    return Refused(
        "currency-mismatch",
        f"The programme counts in {programme.currency}; the amount is in {currency}.",
        {"currency": currency, "wanted": programme.currency},
    )


def out_of_range(field: str, got: int, maximum: int) -> Refused:
    """Refuse an amount above what one transaction may carry."""
    return Refused(
        "amount-out-of-range",
        f"{field} is {got}; one transaction takes at most {maximum}.",
        {"field": field, "got": got, "maximum": maximum},
    )
