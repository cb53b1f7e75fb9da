"""The words of the finance console: English and Simplified Chinese."""

from collections.abc import Mapping

FINANCE: Mapping[str, tuple[str, str]] = {
    "nav_days": ("Days", "日结"),
    "days_title": ("Days", "日结"),
}
