"""Reports over HTTP: one form for all, so that a program which reads one reads every one."""

from typing import Literal

import msgspec

from api.answers import Money

Cell = str | int | Money


class ReportFact(msgspec.Struct, frozen=True):
    """A value with its label in the report's language."""

    key: str
    label: str
    value: Cell | None


class ReportColumn(msgspec.Struct, frozen=True, omit_defaults=True):
    """A column: its key in the rows, its heading, and what its values are; of money also the currency."""

    key: str
    heading: str
    kind: Literal["text", "points", "money", "date", "instant", "rate"]
    currency: str | None = None


class ReportTable(msgspec.Struct, frozen=True):
    """Rows by the columns' keys, without cells that are empty, and rows of totals."""

    key: str
    heading: str
    columns: list[ReportColumn]
    rows: list[dict[str, Cell]]
    totals: list[dict[str, Cell]]


class ReportAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A report. Money and rates are decimal strings, instants RFC 3339 in UTC; `time_zone` is the programme's."""

    name: str
    language: Literal["en", "zh-Hans"]
    title: str
    time_zone: str
    made_at: str
    facts: list[ReportFact]
    tables: list[ReportTable]
    notes: list[str]
    next_cursor: str | None = None
