"""Instants, civil days and business days, where clocks change and where a day has its cut-off."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.business_day import business_day, civil_day, end_of_day, to_datetime, to_instant
from ledger.rules.programmes import end_of_month_after
from tests.builders import DAY, HOUR, at

ZONES = [
    "UTC",
    "Asia/Shanghai",
    "Europe/London",
    "America/New_York",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Havana",
    "Asia/Kathmandu",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Africa/Cairo",
]
FIRST = int(datetime(1973, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
LAST = int(datetime(2100, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000
instants = st.integers(FIRST, LAST)
zones = st.sampled_from(ZONES)


@given(instants)
def test_an_instant_survives_the_way_to_a_datetime_and_back(instant: int) -> None:
    assert to_instant(to_datetime(instant)) == instant


@given(instants, zones)
def test_the_civil_day_is_the_date_of_the_local_time(instant: int, zone: str) -> None:
    assert civil_day(instant, zone) == to_datetime(instant).astimezone(ZoneInfo(zone)).date()


@given(st.dates(date(1973, 1, 1), date(2099, 12, 31)), zones)
def test_a_day_ends_at_the_first_instant_of_a_later_day(day: date, zone: str) -> None:
    end = end_of_day(day, zone)
    assert civil_day(end - 1, zone) <= day < civil_day(end, zone)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        (date(2026, 3, 29), "Europe/London", 23),
        (date(2026, 10, 25), "Europe/London", 25),
        (date(2026, 11, 24), "Asia/Shanghai", 24),
        (date(2018, 11, 4), "America/Sao_Paulo", 23),
        (date(2018, 2, 17), "America/Sao_Paulo", 25),
    ],
)
def test_a_day_on_which_clocks_change_is_shorter_or_longer(day: date, zone: str, hours: int) -> None:
    begin = end_of_day(day - timedelta(days=1), zone)
    assert end_of_day(day, zone) - begin == hours * HOUR


def test_where_midnight_does_not_exist_the_day_ends_when_the_clock_jumps() -> None:
    jump = int(datetime(2018, 11, 4, 3, tzinfo=UTC).timestamp()) * 1_000_000
    assert end_of_day(date(2018, 11, 3), "America/Sao_Paulo") == jump
    assert civil_day(jump - 1, "America/Sao_Paulo") == date(2018, 11, 3)
    assert civil_day(jump, "America/Sao_Paulo") == date(2018, 11, 4)


@pytest.mark.parametrize(
    ("local", "cut_off_minutes", "day"),
    [
        ("2026-11-24 23:59:59.999999", 0, date(2026, 11, 24)),
        ("2026-11-25 00:00", 0, date(2026, 11, 25)),
        ("2026-11-24 21:59:59.999999", 1320, date(2026, 11, 24)),
        ("2026-11-24 22:00", 1320, date(2026, 11, 25)),
        ("2026-11-25 00:00", 1320, date(2026, 11, 25)),
        ("2026-12-31 22:00", 1320, date(2027, 1, 1)),
        ("2026-11-24 00:00", 1, date(2026, 11, 24)),
        ("2026-11-24 00:01", 1, date(2026, 11, 25)),
        ("2026-11-24 23:58:59", 1439, date(2026, 11, 24)),
        ("2026-11-24 23:59", 1439, date(2026, 11, 25)),
    ],
)
def test_a_business_day_begins_at_the_cut_off_before(local: str, cut_off_minutes: int, day: date) -> None:
    assert business_day(at(local), "Asia/Shanghai", cut_off_minutes) == day


def test_a_cut_off_keeps_its_local_time_when_clocks_change() -> None:
    for text, day in (("2026-03-28 22:00", date(2026, 3, 29)), ("2026-03-29 22:00", date(2026, 3, 30))):
        cut_off = at(text, "Europe/London")
        assert business_day(cut_off, "Europe/London", 1320) == day
        assert business_day(cut_off - 1, "Europe/London", 1320) == day - timedelta(days=1)


@given(instants, zones, st.integers(0, 1439))
def test_business_days_follow_each_other_without_gap(instant: int, zone: str, cut_off_minutes: int) -> None:
    today = business_day(instant, zone, cut_off_minutes)
    later = business_day(instant + DAY, zone, cut_off_minutes)
    assert timedelta(0) <= later - today <= timedelta(days=2)
    assert today - civil_day(instant, zone) in (timedelta(0), timedelta(days=1))


@given(st.dates(date(1970, 1, 1), date(2200, 1, 1)), st.integers(0, 600))
def test_months_run_to_the_last_day_of_a_month(day: date, months: int) -> None:
    end = end_of_month_after(day, months)
    assert (end + timedelta(days=1)).day == 1
    assert (end.year - day.year) * 12 + end.month - day.month == months
