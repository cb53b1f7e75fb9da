"""Values of a report as people read them: thousands separated, money with all its decimal places."""

import re
from datetime import date, datetime

from ledger.rules.business_day import to_datetime, zone
from ledger.rules.money import from_minor
from settlement.reports.document import Form, Value

_MICRO_PLACES = 6
_WIDE_CHARACTERS = re.compile("[\u2e80-\uffdc]")
_FEWEST_PLACES = 4


def decimal_rate(units: int, places: int = _MICRO_PLACES) -> str:
    """A rate in units of so many decimal places as a decimal string with at least four: 9500 millionths is 0.0095."""
    digits = str(abs(units)).rjust(places + 1, "0")
    sign = "-" if units < 0 else ""
    decimals = digits[-places:].rstrip("0").ljust(_FEWEST_PLACES, "0")
    return f"{sign}{digits[:-places]}.{decimals}"


def local_time(instant: int, time_zone: str) -> datetime:
    """The wall clock of a time zone at an instant (microseconds since 1970 UTC)."""
    return to_datetime(instant).astimezone(zone(time_zone))


def as_written(value: Value, form: Form, time_zone: str) -> str:
    """The value as a reader sees it; an empty one is an empty text."""
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    match form.kind:
        case "points":
            return f"{value:,}"
        case "money":
            return _separated(from_minor(value, form.currency))
        case "rate":
            return decimal_rate(value)
        case "instant":
            return f"{local_time(value, time_zone):%Y-%m-%d %H:%M:%S}"
        case _:
            return str(value)


def width_of(written: str) -> int:
    """The room that a text takes, in digits: a Chinese character takes that of two."""
    return len(written) + len(_WIDE_CHARACTERS.findall(written))


def _separated(decimal: str) -> str:
    whole, point, decimals = decimal.partition(".")
    sign = "-" if whole.startswith("-") else ""
    return f"{sign}{int(whole.lstrip('-')):,}{point}{decimals}"
