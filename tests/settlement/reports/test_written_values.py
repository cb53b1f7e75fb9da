"""Values as people read them."""

from datetime import date

import pytest

from settlement.reports.document import DATE, INSTANT, POINTS, RATE, TEXT, Form, Value, money
from settlement.reports.written_values import as_written, decimal_rate


@pytest.mark.parametrize(
    ("value", "form", "written"),
    [
        (None, POINTS, ""),
        ("=x", TEXT, "=x"),
        (1_234_567, POINTS, "1,234,567"),
        (-5, POINTS, "-5"),
        (-7, money("CNY"), "-0.07"),
        (123_456_789, money("CNY"), "1,234,567.89"),
        (-1_234_567, money("JPY"), "-1,234,567"),
        (1_000_000, money("KWD"), "1,000.000"),
        (9_500, RATE, "0.0095"),
        (17_505, RATE, "0.017505"),
        (1_000_000, RATE, "1.0000"),
        (date(2026, 11, 3), DATE, "2026-11-03"),
        (1_795_400_000_000_000, INSTANT, "2026-11-23 10:13:20"),
    ],
)
def test_a_value_is_written_by_its_kind(value: Value, form: Form, written: str) -> None:
    assert as_written(value, form, "Asia/Shanghai") == written


def test_a_rate_keeps_every_place_it_has() -> None:
    assert decimal_rate(481_234_567, 8) == "4.81234567"
    assert decimal_rate(480_000_000, 8) == "4.8000"
