"""Banking days with holidays and working weekends (调休), and where payment cycles end."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from settlement.calendars import banking_day_after, ends_in, is_banking_day

# National Day of 2026: Thursday the 1st to Wednesday the 7th of October off, Saturday the 10th worked for it.
NATIONAL_DAY = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}


def test_weekends_are_off_unless_the_calendar_makes_them_working_days() -> None:
    assert is_banking_day(date(2026, 9, 30), {})
    assert not is_banking_day(date(2026, 10, 3), {})
    assert not is_banking_day(date(2026, 10, 7), NATIONAL_DAY)
    assert is_banking_day(date(2026, 10, 10), NATIONAL_DAY)
    assert not is_banking_day(date(2026, 10, 11), NATIONAL_DAY)


@pytest.mark.parametrize(
    ("day", "days", "found"),
    [
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 9, 30), 3, date(2026, 10, 10)),
        (date(2026, 9, 30), 4, date(2026, 10, 12)),
        (date(2026, 9, 30), 0, date(2026, 9, 30)),
        (date(2026, 10, 9), 1, date(2026, 10, 10)),
    ],
)
def test_days_to_pay_are_counted_in_banking_days(day: date, days: int, found: date) -> None:
    assert banking_day_after(day, NATIONAL_DAY, days) == found


def test_a_calendar_without_banking_days_is_an_error_and_no_endless_search() -> None:
    for_ever = {date(2026, 10, 1) + timedelta(days=days): False for days in range(100)}
    with pytest.raises(ValueError, match="no banking day within 60 days after 2026-10-01"):
        banking_day_after(date(2026, 10, 1), for_ever)


@pytest.mark.parametrize(
    ("cycle", "first", "last", "ends"),
    [
        ("daily", date(2026, 11, 24), date(2026, 11, 24), True),
        # The 29th is a Sunday.
        ("weekly", date(2026, 11, 28), date(2026, 11, 28), False),
        ("weekly", date(2026, 11, 29), date(2026, 11, 29), True),
        ("weekly", date(2026, 11, 27), date(2026, 11, 30), True),
        ("weekly", date(2026, 11, 30), date(2026, 12, 5), False),
        ("monthly", date(2026, 11, 29), date(2026, 11, 29), False),
        ("monthly", date(2026, 11, 30), date(2026, 11, 30), True),
        ("monthly", date(2026, 12, 1), date(2026, 12, 30), False),
        ("monthly", date(2026, 12, 31), date(2027, 1, 1), True),
        ("monthly", date(2028, 2, 28), date(2028, 2, 28), False),
        ("monthly", date(2028, 2, 29), date(2028, 2, 29), True),
    ],
)
def test_a_party_is_paid_in_the_batch_in_which_its_cycle_ends(
    cycle: str, first: date, last: date, *, ends: bool
) -> None:
    assert ends_in(cycle, first, last) is ends  # type: ignore[arg-type]


@given(first=st.dates(date(2020, 1, 1), date(2030, 1, 1)), length=st.integers(0, 80))
def test_a_cycle_ends_in_a_batch_just_where_one_of_its_days_is_a_cycles_last(first: date, length: int) -> None:
    days = [first + timedelta(days=number) for number in range(length + 1)]
    assert ends_in("weekly", first, days[-1]) is any(day.weekday() == 6 for day in days)
    assert ends_in("monthly", first, days[-1]) is any((day + timedelta(days=1)).day == 1 for day in days)
