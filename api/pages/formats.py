"""Numbers, days and times as people of each language read them."""

from datetime import date

from ledger.rules.business_day import to_datetime, zone
from ledger.rules.money import from_minor

MINUS = "−"


def number(points: int) -> str:
    """12,345; a true minus before a negative one."""
    return f"{points:,}" if points >= 0 else f"{MINUS}{-points:,}"


def signed(points: int) -> str:
    """+12 or −12; 0 has no sign."""
    return f"+{points:,}" if points > 0 else number(points)


def day(value: date, language: str) -> str:
    """24 Nov 2026, or 2026年11月24日."""
    if language == "zh":
        return f"{value.year}年{value.month}月{value.day}日"
    return f"{value.day} {value:%b} {value.year}"


def month(value: date, language: str) -> str:
    """Nov 2026, or 2026年11月."""
    return f"{value.year}年{value.month}月" if language == "zh" else f"{value:%b} {value.year}"


def moment(instant: int, zone_name: str, language: str) -> str:
    """A day with hour and minute in a programme's zone; ``instant`` in microseconds since 1970 UTC."""
    local = to_datetime(instant).astimezone(zone(zone_name))
    return f"{day(local.date(), language)} {local:%H:%M}"


def local_day(instant: int, zone_name: str) -> date:
    """The calendar day of an instant in a programme's zone."""
    return to_datetime(instant).astimezone(zone(zone_name)).date()


def money(minor: int, currency: str, language: str) -> str:
    """CNY 1,234.50, or ¥1,234.50 where Chinese readers expect it; ``minor`` in minor units, as 1/100 of a yuan."""
    sign = MINUS if minor < 0 else ""
    text = from_minor(abs(minor), currency)
    whole, _, cents = text.partition(".")
    shown = f"{int(whole):,}{'.' + cents if cents else ''}"
    return f"{sign}¥{shown}" if language == "zh" and currency == "CNY" else f"{sign}{currency} {shown}"
