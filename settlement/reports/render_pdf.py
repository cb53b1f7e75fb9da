"""A report on A4 paper, typeset by Typst from a template and the report's values.

The values are data to the template, never markup. A PDF is for reading: of a very long table it shows the first
rows and says where the others are.
"""

import re
import subprocess
import sys
from itertools import islice
from pathlib import Path
from threading import Lock

import msgspec

from settlement.reports.document import FIGURES, INSTANT, Fact, Report, Row, Table, on_paper
from settlement.reports.texts import LANGUAGE_TAGS, text
from settlement.reports.written_values import as_written, width_of

MOST_ROWS = 2_000
"""Rows of a table that are printed, some 60 pages; typesetting them takes a second and 250 MB."""

_LONG_WORD = re.compile(r"\S{21,}")
_ZERO_WIDTH_SPACE = "\u200b"
_WIDE_FROM_COLUMNS = 7
_SHORT_TEXT = 20
_MICROSECONDS = 1_000_000
_TYPESETTER = Path(__file__).with_name("typesetting.py")
_LONGEST_SECONDS = 60
_one_at_a_time = Lock()


class NotTypeset(RuntimeError):
    """The typesetter failed; its reason is the message. That is a fault of the program, whatever the values are."""


def render_pdf(report: Report) -> bytes:
    """The report as a PDF that embeds only the characters it uses; takes up to seconds, so not for an event loop.

    Raises NotTypeset where the typesetter fails or takes longer than a minute.
    """
    command = [sys.executable, "-P", str(_TYPESETTER), str(report.made_at // _MICROSECONDS)]
    values = msgspec.json.encode(_values(report))
    try:
        with _one_at_a_time:
            done = subprocess.run(  # noqa: S603 - our own script
                command, input=values, capture_output=True, check=False, timeout=_LONGEST_SECONDS
            )
    except subprocess.TimeoutExpired as slow:
        raise NotTypeset(f"The typesetter was stopped after {_LONGEST_SECONDS} seconds.") from slow
    if done.returncode != 0:
        raise NotTypeset(done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2])
    return done.stdout


def _values(report: Report) -> dict[str, object]:
    language, time_zone = report.language, report.time_zone
    made_at = as_written(report.made_at, INSTANT, time_zone)
    return {
        "tag": LANGUAGE_TAGS[language],
        "title": report.title,
        "is_wide": any(len(on_paper(table).columns) >= _WIDE_FROM_COLUMNS for table in report.tables),
        "made_at": text("made_at", language, instant=made_at, time_zone=time_zone),
        "page": text("page", language, page="{page}", pages="{pages}"),
        "facts": [[fact.label, _fact(fact, time_zone)] for fact in report.facts],
        "tables": [_table(on_paper(table), report) for table in report.tables],
        "notes": [_breakable(note) for note in report.notes],
    }


def _table(table: Table, report: Report) -> dict[str, object]:
    rows = iter(table.rows)
    printed = [_row(row, table, report) for row in islice(rows, MOST_ROWS)]
    left = sum(1 for _ in rows)
    language = report.language
    remark = text("cut_off", language, left=f"{left:,}") if left else ""
    elastic = _elastic(table, printed)
    return {
        "heading": table.heading,
        "columns": [
            {
                "heading": column.heading,
                "currency": column.form.currency,
                "is_figure": column.form.kind in FIGURES,
                "is_elastic": place in elastic,
            }
            for place, column in enumerate(table.columns)
        ],
        "rows": printed,
        "totals": [_row(row, table, report) for row in table.totals],
        "remark": remark if printed else text("no_rows", language),
    }


def _elastic(table: Table, printed: list[list[str]]) -> set[int]:
    """The columns of texts that share the room that is left: all with long ones, else the one with the longest."""
    longest = {
        place: max((width_of(row[place]) for row in printed), default=0)
        for place, column in enumerate(table.columns)
        if column.form.kind == "text"
    }
    long = {place for place, width in longest.items() if width > _SHORT_TEXT}
    return long or ({max(longest, key=longest.__getitem__)} if longest else set())


def _row(row: Row, table: Table, report: Report) -> list[str]:
    pairs = zip(table.columns, row, strict=True)
    return [_breakable(as_written(value, column.form, report.time_zone)) for column, value in pairs]


def _fact(fact: Fact, time_zone: str) -> str:
    written = _breakable(as_written(fact.value, fact.form, time_zone))
    return f"{fact.form.currency} {written}" if fact.form.currency else written


def _breakable(written: str) -> str:
    """Long words without a place to break, such as identifiers, may break anywhere."""
    return _LONG_WORD.sub(lambda word: _ZERO_WIDTH_SPACE.join(word[0]), written)
