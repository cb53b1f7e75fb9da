"""Workbooks, read back by a program that did not write them."""

import subprocess
import sys
import zipfile
from datetime import datetime
from io import BytesIO

import pytest
from openpyxl import load_workbook
from openpyxl.workbook import Workbook

from settlement.reports import render_xlsx
from settlement.reports.document import Report
from settlement.reports.render_xlsx import write_xlsx
from tests.settlement.reports.example_report import TRICKY, example, row

LINES = "清分 明细"


def written(report: Report) -> bytes:
    out = BytesIO()
    write_xlsx(report, out)
    return out.getvalue()


def read(report: Report) -> Workbook:
    return load_workbook(BytesIO(written(report)))


def test_figures_are_numbers_with_the_formats_of_their_kinds() -> None:
    sheet = read(example([row("兑付")], totals=(("合计", 1, None, -1_151_001, None, None),)))[LINES]
    heading, first, total = sheet.iter_rows()
    assert [cell.value for cell in heading] == ["清分项目", "积分", "单价", "金额 (CNY)", "日期", "时间"]
    assert [cell.value for cell in first] == [
        "兑付",
        1_234_567,
        0.0095,
        -11510,
        datetime(2026, 11, 23),  # noqa: DTZ001 - a cell knows no time zone
        datetime(2026, 11, 23, 10, 13, 20),  # noqa: DTZ001
    ]
    assert [cell.number_format for cell in first] == [
        "@",
        "#,##0",
        "0.0000##",
        "#,##0.00",
        "yyyy-mm-dd",
        "yyyy-mm-dd hh:mm:ss",
    ]
    assert (total[0].value, total[3].value) == ("合计", -11510.01)
    assert total[3].font.bold
    assert not first[3].font.bold


def test_the_heading_stays_in_view_and_is_printed_on_every_a4_page() -> None:
    sheet = read(example([row("兑付")]))[LINES]
    assert sheet.freeze_panes == "A2"
    assert sheet.print_title_rows == "$1:$1"
    assert str(sheet.page_setup.paperSize) == str(sheet.PAPERSIZE_A4)
    assert sheet.column_dimensions["F"].width >= len("2026-11-23 10:13:20")


def test_the_cover_holds_facts_and_notes() -> None:
    book = read(example([]))
    cover = book[book.sheetnames[0]]
    cells = [cell.value for cells in cover.iter_rows() for cell in cells if cell.value is not None]
    assert cells == [
        "当事方结算对账单",
        "当事方",
        "=市商业银行 #import *股份*",
        "净额",
        -11510,
        "应收账款以期末余额为准。",
    ]


def test_no_text_is_ever_a_formula() -> None:
    content = written(example([row(text) for text in TRICKY]))
    sheets = [name for name in zipfile.ZipFile(BytesIO(content)).namelist() if "worksheets/" in name]
    assert sheets
    assert all(b"<f>" not in zipfile.ZipFile(BytesIO(content)).read(name) for name in sheets)
    texts = [cells[0].value for cells in load_workbook(BytesIO(content))[LINES].iter_rows(min_row=2)]
    assert texts[:6] == list(TRICKY[:6])


def test_amounts_with_more_digits_than_a_spreadsheet_keeps_stay_exact_as_texts() -> None:
    sheet = read(example([row("大", 1, (1 << 63) - 1), row("小", 1, 10**15 - 1)]))[LINES]
    assert sheet["D2"].value == "92,233,720,368,547,758.07"
    assert sheet["D3"].value == 9_999_999_999_999.99


def test_what_a_sheet_cannot_hold_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_xlsx, "MOST_ROWS", 4)
    book = read(example((row(str(n)) for n in range(5)), totals=(("合计", 5, None, None, None, None),)))
    kept = [[cells[0].value for cells in book[name].iter_rows(min_row=2)] for name in book.sheetnames[1:]]
    assert kept == [["0", "1"], ["2", "3"], ["4", "合计"]]
    assert book.sheetnames[1:] == [LINES, f"{LINES} 2", f"{LINES} 3"]


MEMORY_OF_ROWS = """
import resource, sys, tempfile
from settlement.reports.render_xlsx import write_xlsx
from tests.settlement.reports.example_report import example, row
with tempfile.TemporaryFile() as out:
    write_xlsx(example(row(f"line {n}") for n in range(int(sys.argv[1]))), out)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_rows() -> None:
    few, many = (
        int(subprocess.run([sys.executable, "-c", MEMORY_OF_ROWS, str(rows)], check=True, capture_output=True).stdout)
        for rows in (1_000, 100_000)
    )
    assert many < few + 20_000, f"{few} kB for 1,000 rows, {many} kB for 100,000"
