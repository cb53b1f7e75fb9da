"""The words of the merchant console: English and Simplified Chinese."""

from collections.abc import Mapping

MERCHANT: Mapping[str, tuple[str, str]] = {
    "nav_today": ("Today", "今日"),
    "today_title": ("Today", "今日概况"),
}
