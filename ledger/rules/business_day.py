"""Instants, civil days and business days.

Inside the ledger an instant is an ``int``: microseconds since 1970-01-01 UTC. It is exact, cheap to
compare, and the same in the journal's hash, in PostgreSQL and in the answer.
"""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MICROSECONDS_PER_SECOND = 1_000_000
MICROSECONDS_PER_DAY = 86_400 * MICROSECONDS_PER_SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_instant(moment: datetime) -> int:
    """Convert an aware datetime to microseconds since 1970 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def to_datetime(instant: int) -> datetime:
    """Convert microseconds since 1970 UTC to an aware UTC datetime."""
    return _EPOCH + timedelta(microseconds=instant)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone; raises ZoneInfoNotFoundError for an unknown one."""
    return ZoneInfo(name)


@lru_cache(maxsize=4096)
def _civil_day_of_quarter_hour(quarter_hour: int, zone_name: str) -> date:
    return (_EPOCH + timedelta(minutes=15 * quarter_hour)).astimezone(zone(zone_name)).date()


def civil_day(instant: int, zone_name: str) -> date:
    """The calendar day in a zone.

    Why by quarter hour: every zone in use is offset by whole quarter hours, so all instants of one
    quarter share their day, and the posting path need not convert each.
    """
    return _civil_day_of_quarter_hour(instant // (900 * MICROSECONDS_PER_SECOND), zone_name)


def business_day(instant: int, zone_name: str, cut_off_minutes: int) -> date:
    """The business day: from one cut-off (minutes after local midnight) to the next.

    A cut-off of 0 makes business days calendar days; with 22:00, what happens at 23:00 belongs to
    the next business day.
    """
    day = civil_day(instant, zone_name)
    if cut_off_minutes == 0:
        return day
    local = to_datetime(instant).astimezone(zone(zone_name))
    past_cut_off = local.hour * 60 + local.minute >= cut_off_minutes
    return day + timedelta(days=1) if past_cut_off else day


@lru_cache(maxsize=4096)
def end_of_day(day: date, zone_name: str) -> int:
    """The first instant after a calendar day in a zone, in microseconds."""
    following = day + timedelta(days=1)
    midnight = datetime(following.year, following.month, following.day, tzinfo=zone(zone_name))
    return to_instant(midnight.astimezone(UTC))


def first_instant_after(day: date, zone_name: str, cut_off_minutes: int) -> int:
    """The first instant after a business day, in microseconds: its cut-off, or the midnight that ends it."""
    if cut_off_minutes == 0:
        return end_of_day(day, zone_name)
    local = datetime(day.year, day.month, day.day, tzinfo=zone(zone_name)) + timedelta(minutes=cut_off_minutes)
    return to_instant(local.astimezone(UTC))


def first_instant(day: date, zone_name: str, cut_off_minutes: int) -> int:
    """The first instant of a business day, in microseconds."""
    return first_instant_after(day - timedelta(days=1), zone_name, cut_off_minutes)
