"""Banking days and payment cycles: when money can move, and in which batch a party is paid.

Saturdays and Sundays are no banking days unless a calendar makes them some (调休), holidays are named by it. A
cycle groups business days, not banking days: weeks end on Sunday, months on their last day.
"""

from collections.abc import Mapping
from datetime import date, timedelta

from settlement.terms import Cycle

_SATURDAY = 5
_LONGEST_HOLIDAY_DAYS = 60


def is_banking_day(day: date, calendar: Mapping[date, bool]) -> bool:
    """Whether banks settle on a day; ``calendar`` names the days that are not what their weekday says."""
    return calendar.get(day, day.weekday() < _SATURDAY)


def banking_day_after(day: date, calendar: Mapping[date, bool], days: int = 1) -> date:
    """The banking day that is so many banking days after a day; raises ValueError for a calendar without one."""
    found = day
    for _ in range(days):
        for _ in range(_LONGEST_HOLIDAY_DAYS):
            found += timedelta(days=1)
            if is_banking_day(found, calendar):
                break
        else:
            raise ValueError(f"the calendar has no banking day within {_LONGEST_HOLIDAY_DAYS} days after {day}")
    return found


def ends_in(cycle: Cycle, first_day: date, last_day: date) -> bool:
    """Whether a cycle ends within a batch's days, so that its parties are paid with it."""
    if cycle == "daily":
        return True
    if cycle == "weekly":
        return last_day - first_day >= timedelta(days=6 - first_day.weekday())
    return (last_day + timedelta(days=1)).replace(day=1) > first_day
