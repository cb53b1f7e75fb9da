"""A report for programs: money as decimal strings with its currency, dates and instants (UTC) as RFC 3339 has them."""

from datetime import date

import msgspec

from ledger.rules.business_day import to_datetime
from ledger.rules.money import from_minor
from settlement.reports.document import Column, Form, Report, Row, Table, Value
from settlement.reports.texts import LANGUAGE_TAGS
from settlement.reports.written_values import decimal_rate

_Plain = str | int | dict[str, str] | None


def render_json(report: Report, next_cursor: str | None = None) -> bytes:
    """The report as compact JSON in UTF-8; cells that are empty are left out of their rows."""
    document = {
        "name": report.name,
        "language": LANGUAGE_TAGS[report.language],
        "title": report.title,
        "time_zone": report.time_zone,
        "made_at": _instant(report.made_at),
        "facts": [
            {"key": fact.key, "label": fact.label, "value": _plain(fact.value, fact.form)} for fact in report.facts
        ],
        "tables": [_table(table) for table in report.tables],
        "notes": report.notes,
    }
    return msgspec.json.encode(document if next_cursor is None else document | {"next_cursor": next_cursor})


def _table(table: Table) -> dict[str, object]:
    return {
        "key": table.key,
        "heading": table.heading,
        "columns": [_column(column) for column in table.columns],
        "rows": [_row(row, table.columns) for row in table.rows],
        "totals": [_row(row, table.columns) for row in table.totals],
    }


def _column(column: Column) -> dict[str, str]:
    described = {"key": column.key, "heading": column.heading, "kind": column.form.kind}
    return described | ({"currency": column.form.currency} if column.form.currency else {})


def _row(row: Row, columns: tuple[Column, ...]) -> dict[str, _Plain]:
    pairs = zip(columns, row, strict=True)
    return {column.key: _plain(value, column.form) for column, value in pairs if value is not None}


def _plain(value: Value, form: Form) -> _Plain:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, int):
        return value
    match form.kind:
        case "money":
            return {"currency": form.currency, "amount": from_minor(value, form.currency)}
        case "rate":
            return decimal_rate(value)
        case "instant":
            return _instant(value)
        case _:
            return value


def _instant(instant: int) -> str:
    return f"{to_datetime(instant).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"
