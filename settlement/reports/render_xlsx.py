"""A report as a workbook: a cover sheet with facts and notes, and a sheet for each table.

Rows are written as they come and are not kept, so memory does not grow with them. Figures are numbers that add up in
the reader's spreadsheet. Texts are always written as texts: what a partner calls itself is never a formula.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time
from itertools import chain, islice
from typing import IO, TYPE_CHECKING

from ledger.rules.money import minor_places
from settlement.reports.document import FIGURES, Column, Form, Report, Row, Table, Value, on_paper
from settlement.reports.texts import text
from settlement.reports.written_values import as_written, local_time, width_of

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

LONGEST_CELL = 32_767
"""Characters that a cell can hold; a longer text is cut."""

MOST_ROWS = 1_048_576
"""Rows of a sheet, heading and totals included: more go on in a further sheet."""

_EXACT_BELOW = 10**15
_SAMPLED_ROWS = 200
_NARROWEST, _WIDEST = 8, 48
_LONGEST_SHEET_NAME = 31
_FORBIDDEN_IN_SHEET_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
_MARGINS = {"left": 0.4, "right": 0.4, "top": 0.6, "bottom": 0.6}
_A4 = 9


def write_xlsx(report: Report, out: IO[bytes]) -> None:
    """Write the report as a workbook; rows of its tables are read once."""
    from xlsxwriter.workbook import Workbook  # noqa: PLC0415 - only who renders pays for it

    workbook = Workbook(out, {"constant_memory": True})
    workbook.set_properties(
        {"title": report.title, "created": local_time(report.made_at, report.time_zone).replace(tzinfo=None)}
    )
    sheets = _Sheets(workbook, report)
    sheets.write_cover()
    for table in report.tables:
        sheets.write_table(on_paper(table))
    workbook.close()


class _Sheets:
    """The sheets of one workbook, with the formats that they share."""

    def __init__(self, workbook: "Workbook", report: Report) -> None:
        self._workbook = workbook
        self._report = report
        self._formats: dict[tuple[str, str], Format] = {}
        self._names: set[str] = set()
        self._title = workbook.add_format({"bold": True, "font_size": 14})
        self._heading = workbook.add_format(
            {"bold": True, "bg_color": "#E8EDF3", "bottom": 1, "text_wrap": True, "valign": "vcenter"}
        )
        self._note = workbook.add_format({"text_wrap": True, "valign": "top"})

    def write_cover(self) -> None:
        """Title, facts and notes."""
        sheet = self._add_sheet(text("cover", self._report.language))
        labels = [fact.label for fact in self._report.facts]
        sheet.set_column(0, 0, _width(labels))
        sheet.set_column(1, 1, _WIDEST)
        sheet.write_string(0, 0, _cut(self._report.title), self._title)
        row = 2
        for fact in self._report.facts:
            sheet.write_string(row, 0, _cut(fact.label), self._heading)
            self._write(sheet, (row, 1), fact.value, fact.form, "fact")
            row += 1
        for note in self._report.notes:
            row += 1
            sheet.write_string(row, 1, _cut(note), self._note)

    def write_table(self, table: Table) -> None:
        """All rows of a table, in as many sheets as they need, and its totals below the last."""
        rows = iter(table.rows)
        room = MOST_ROWS - 1 - len(table.totals)
        sample = list(islice(rows, _SAMPLED_ROWS))
        widths = [_column_width(table, place, sample, self._report.time_zone) for place in range(len(table.columns))]
        rest: Iterator[Row] = chain(sample, rows)
        while True:
            sheet = self._begin_table(table, widths)
            written = self._write_rows(sheet, table.columns, islice(rest, room))
            following = next(rest, None)
            if following is None:
                break
            rest = chain([following], rest)
        for number, total in enumerate(table.totals, start=written + 1):
            self._write_row(sheet, number, table.columns, total, "total")

    def _begin_table(self, table: Table, widths: list[float]) -> "Worksheet":
        sheet = self._add_sheet(table.heading)
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        for place, (column, width) in enumerate(zip(table.columns, widths, strict=True)):
            sheet.set_column(place, place, width)
            sheet.write_string(0, place, _heading(column), self._heading)
        return sheet

    def _write_rows(self, sheet: "Worksheet", columns: tuple[Column, ...], rows: Iterable[Row]) -> int:
        number = 0
        for number, row in enumerate(rows, start=1):
            self._write_row(sheet, number, columns, row, "row")
        return number

    def _write_row(self, sheet: "Worksheet", number: int, columns: tuple[Column, ...], row: Row, part: str) -> None:
        for place, (column, value) in enumerate(zip(columns, row, strict=True)):
            self._write(sheet, (number, place), value, column.form, part)

    def _write(self, sheet: "Worksheet", cell: tuple[int, int], value: Value, form: Form, part: str) -> None:
        shown = self._format(form, part)
        if value is None:
            sheet.write_blank(*cell, None, shown)
        elif isinstance(value, date):
            sheet.write_datetime(*cell, datetime.combine(value, time.min), shown)
        elif isinstance(value, str) or (abs(value) >= _EXACT_BELOW and form.kind in FIGURES):
            # A spreadsheet's numbers have fifteen digits; what has more stays exact as a text.
            sheet.write_string(*cell, _cut(as_written(value, form, self._report.time_zone)), shown)
        elif form.kind == "instant":
            sheet.write_datetime(*cell, local_time(value, self._report.time_zone).replace(tzinfo=None), shown)
        else:
            sheet.write_number(*cell, value / 10 ** _places(form), shown)

    def _format(self, form: Form, part: str) -> "Format":
        key = (part, _number_format(form, part))
        if key not in self._formats:
            options: dict[str, object] = {"num_format": key[1]}
            if part == "total":
                options |= {"bold": True, "top": 1}
            if part == "fact":
                options["align"] = "left"
            elif form.kind in FIGURES:
                options["align"] = "right"
            self._formats[key] = self._workbook.add_format(options)
        return self._formats[key]

    def _add_sheet(self, name: str) -> "Worksheet":
        sheet = self._workbook.add_worksheet(_sheet_name(name, self._names))
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.set_margins(**_MARGINS)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet


def _places(form: Form) -> int:
    return {"money": minor_places(form.currency) if form.currency else 0, "rate": 6}.get(form.kind, 0)


def _number_format(form: Form, part: str) -> str:
    match form.kind:
        case "money":
            places = minor_places(form.currency)
            # Beside a fact no heading says the currency.
            currency = f'"{form.currency}" ' if part == "fact" else ""
            return currency + ("#,##0." + "0" * places if places else "#,##0")
        case "points":
            return "#,##0"
        case "rate":
            return "0.0000##"
        case "date":
            return "yyyy-mm-dd"
        case "instant":
            return "yyyy-mm-dd hh:mm:ss"
        case _:
            return "@"


def _heading(column: Column) -> str:
    return _cut(f"{column.heading} ({column.form.currency})" if column.form.currency else column.heading)


def _column_width(table: Table, place: int, sample: list[Row], time_zone: str) -> float:
    column = table.columns[place]
    written = [as_written(row[place], column.form, time_zone) for row in (*sample, *table.totals)]
    return _width([_heading(column), *written])


def _width(texts: Iterable[str]) -> float:
    """A width that fits the longest text."""
    longest = max(map(width_of, texts), default=0)
    return min(max(longest + 2, _NARROWEST), _WIDEST)


def _sheet_name(wanted: str, taken: set[str]) -> str:
    """A name that a spreadsheet takes, and that no other sheet has, capitals or not."""
    cleaned = _FORBIDDEN_IN_SHEET_NAMES.sub(" ", wanted).strip(" '")[:_LONGEST_SHEET_NAME]
    name, number = cleaned, 1
    while name.lower() in taken:
        number += 1
        end = f" {number}"
        name = cleaned[: _LONGEST_SHEET_NAME - len(end)] + end
    taken.add(name.lower())
    return name


def _cut(one: str) -> str:
    return one[:LONGEST_CELL]
