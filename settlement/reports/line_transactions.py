"""The transactions behind one line of a statement."""

from collections.abc import Iterable

from ledger.ids import transaction_id
from ledger.rules.business_day import first_instant
from ledger.rules.programmes import Partner
from settlement.reports.document import INSTANT, POINTS, Column, Fact, Report, Row, Table
from settlement.reports.drawing import Drawing
from settlement.reports.statement_lines import Entry, entries_of
from settlement.store.report_rows import LinePosting


def find_entry(drawing: Drawing, partner: Partner, number: int) -> Entry | None:
    """A line of a party's statement by its number; None where there is none."""
    entries = entries_of(drawing.batch.figures.lines, partner.number)
    return entries[number - 1] if 1 <= number <= len(entries) else None


def line_report(drawing: Drawing, partner: Partner, entry: Entry, postings: Iterable[LinePosting]) -> Report:
    """Postings that a line sums, with their transactions; of a shared funding they are whole, the line has its part."""
    first_at = first_instant(drawing.batch.first_day, drawing.programme.zone, drawing.programme.cut_off_minutes)
    line = entry.line
    table = Table(
        key="transactions",
        heading=drawing.text("transactions"),
        columns=(
            Column("transaction", drawing.text("transaction")),
            Column("occurred_at", drawing.text("occurred_at"), INSTANT),
            Column("recorded_at", drawing.text("recorded_at"), INSTANT),
            Column("issuer", drawing.text("issuer")),
            Column("outlet", drawing.text("outlet")),
            Column("points", drawing.text("points"), POINTS),
            Column("late", drawing.text("late")),
        ),
        rows=(_row(drawing, posting, first_at) for posting in postings),
    )
    facts = [
        Fact("party", drawing.text("party"), drawing.party(partner.number)),
        Fact("number", drawing.text("number"), str(entry.number)),
        Fact("line", drawing.text("line"), drawing.text(f"line_{line.kind}")),
        Fact("version", drawing.text("version"), str(line.version)),
        Fact("points", drawing.text("points"), line.points, POINTS),
    ]
    return drawing.report("line", [table], facts)


def _row(drawing: Drawing, posting: LinePosting, first_at: int) -> Row:
    return (
        transaction_id(posting.recorded_at, posting.lane, posting.sequence, posting.hash),
        posting.occurred_at,
        posting.recorded_at,
        drawing.issuer(posting.funding),
        posting.outlet,
        posting.points,
        drawing.text("late") if posting.occurred_at < first_at else None,
    )
