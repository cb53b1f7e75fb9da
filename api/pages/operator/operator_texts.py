"""The words of the operator's page: English and Simplified Chinese."""

from collections.abc import Mapping

OPERATOR: Mapping[str, tuple[str, str]] = {
    "nav_overview": ("Overview", "总览"),
    "overview_title": ("Operation", "运营总览"),
}
