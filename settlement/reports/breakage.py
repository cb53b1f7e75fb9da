"""Breakage: points that expired, by month and issuer, what they were worth, and what their issuer got back."""

from collections import defaultdict
from datetime import date

from ledger.rules.money import minor_places
from settlement.batches import Batch
from settlement.reports.document import POINTS, Column, Report, Row, Table, money
from settlement.reports.drawing import Drawing
from settlement.rounding import half_even, in_minor
from settlement.store.report_rows import read_batches_since


class _Expired:
    """What expired of one issuer's points in a month; minor units."""

    def __init__(self) -> None:
        self.points = 0
        self.reserve_minor = 0
        self.refunded_minor = 0


async def breakage_report(drawing: Drawing) -> Report:
    """Since the day asked for, or the first of the batch's year; a batch counts in the month of its last day."""
    since = drawing.since or date(drawing.batch.last_day.year, 1, 1)
    batches = await read_batches_since(drawing.connection, drawing.batch, since)
    found: defaultdict[tuple[str, int], _Expired] = defaultdict(_Expired)
    for batch in batches:
        _add(drawing, found, batch)
    currency = drawing.programme.currency
    rows = [
        (month, drawing.issuer(funding), one.points, one.reserve_minor, one.refunded_minor, _kept(one))
        for (month, funding), one in sorted(found.items())
    ]
    table = Table(
        key="expired",
        heading=drawing.text("expired_points"),
        columns=(
            Column("month", drawing.text("month")),
            Column("issuer", drawing.text("issuer")),
            Column("points", drawing.text("points"), POINTS),
            Column("reserve", drawing.text("reserve"), money(currency)),
            Column("refunded", drawing.text("refunded"), money(currency)),
            Column("kept", drawing.text("kept"), money(currency)),
        ),
        rows=tuple(rows),
        totals=(_total(drawing, list(found.values())),),
    )
    return drawing.report(
        "breakage", [table], notes=[drawing.text("note_breakage")], first_day=min(since, batches[0].first_day)
    )


def _add(drawing: Drawing, found: defaultdict[tuple[str, int], _Expired], batch: Batch) -> None:
    month, places = f"{batch.last_day:%Y-%m}", minor_places(drawing.programme.currency)
    for position in batch.figures.positions:
        if position.expired:
            terms = drawing.book.issuer(drawing.lead(position.funding), position.version)
            one = found[month, position.funding]
            one.points += position.expired
            one.reserve_minor += half_even(in_minor(position.expired, terms.reserve_micros or 0, places))
    for line in batch.figures.lines:
        if line.kind == "expiry_refund":
            found[month, line.funding].refunded_minor += line.amount_minor


def _kept(one: _Expired) -> int:
    return one.reserve_minor - one.refunded_minor


def _total(drawing: Drawing, found: list[_Expired]) -> Row:
    return (
        drawing.text("totals"),
        None,
        sum(one.points for one in found),
        sum(one.reserve_minor for one in found),
        sum(one.refunded_minor for one in found),
        sum(_kept(one) for one in found),
    )
