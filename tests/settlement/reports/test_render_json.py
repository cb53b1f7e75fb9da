"""A report as JSON: exact decimal strings, and the words of its language."""

import json

from settlement.reports.render_json import render_json
from tests.settlement.reports.example_report import example, row


def test_money_rates_and_instants_are_exact_strings_and_points_whole_numbers() -> None:
    document = json.loads(render_json(example([row("兑付"), row("最大", 9, (1 << 63) - 1)])))
    first, largest = document["tables"][0]["rows"]
    assert first == {
        "line": "兑付",
        "points": 1_234_567,
        "price": "0.0095",
        "amount": {"currency": "CNY", "amount": "-11510.00"},
        "day": "2026-11-23",
        "at": "2026-11-23T02:13:20.000000Z",
    }
    assert largest["amount"]["amount"] == "92233720368547758.07"
    assert document["facts"][1]["value"] == {"currency": "CNY", "amount": "-11510.00"}
    assert document["language"] == "zh-Hans"


def test_empty_cells_are_left_out() -> None:
    document = json.loads(render_json(example([], totals=(("合计", 5, None, -100, None, None),))))
    assert document["tables"][0]["rows"] == []
    assert document["tables"][0]["totals"] == [
        {"line": "合计", "points": 5, "amount": {"currency": "CNY", "amount": "-1.00"}}
    ]


def test_columns_say_what_they_hold() -> None:
    columns = json.loads(render_json(example([])))["tables"][0]["columns"]
    assert columns[3] == {"key": "amount", "heading": "金额", "kind": "money", "currency": "CNY"}
    assert [column["kind"] for column in columns] == ["text", "points", "rate", "money", "date", "instant"]
