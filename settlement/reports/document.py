"""What a report is, whatever it is written as: facts, tables and notes, with plain values and no arithmetic.

Points are whole numbers, money is minor units of the column's currency, rates and prices are millionths, instants
are microseconds since 1970 UTC and are shown in the report's time zone.
"""

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec

from settlement.reports.texts import Language

Kind = Literal["text", "points", "money", "date", "instant", "rate"]
"""What a value is, which decides how it is written and aligned."""

FIGURES: frozenset[Kind] = frozenset({"points", "money", "rate"})
"""Kinds that are numbers: aligned right, and numbers in a spreadsheet."""

Value = str | int | date | None
"""One cell; None is an empty one."""

Row = tuple[Value, ...]


class Form(msgspec.Struct, frozen=True):
    """How a value is to be read: its kind and, of money, its currency (ISO 4217)."""

    kind: Kind = "text"
    currency: str = ""


TEXT = Form()
POINTS = Form("points")
DATE = Form("date")
INSTANT = Form("instant")
RATE = Form("rate")


def money(currency: str) -> Form:
    """Amounts in minor units of a currency."""
    return Form("money", currency)


class Fact(msgspec.Struct, frozen=True):
    """One value with its label, above the tables."""

    key: str
    label: str
    value: Value
    form: Form = TEXT


class Column(msgspec.Struct, frozen=True):
    """A column of a table: its key in JSON, its heading on paper. Codes are for programs, so JSON alone has them."""

    key: str
    heading: str
    form: Form = TEXT
    is_code: bool = False


def code(key: str) -> Column:
    """A column for programs."""
    return Column(key, key, is_code=True)


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under a heading; rows may come from a generator, and are then read once.

    Totals are rows too, given by who knows them: nothing adds up here. Their cells may be empty.
    """

    key: str
    heading: str
    columns: tuple[Column, ...]
    rows: Iterable[Row]
    totals: tuple[Row, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report in one language; ``made_at`` is when its figures were read, in microseconds since 1970 UTC."""

    name: str
    language: Language
    title: str
    time_zone: str
    made_at: int
    facts: tuple[Fact, ...] = ()
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()


def on_paper(table: Table) -> Table:
    """The table as people see it: without codes."""
    shown = [place for place, column in enumerate(table.columns) if not column.is_code]
    if len(shown) == len(table.columns):
        return table

    def visible(row: Row) -> Row:
        return tuple(row[place] for place in shown)

    return msgspec.structs.replace(
        table,
        columns=tuple(table.columns[place] for place in shown),
        rows=map(visible, table.rows),
        totals=tuple(map(visible, table.totals)),
    )
