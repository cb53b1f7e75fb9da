"""Which chart shows a report, drawn from the report's own tables, so that both say the same."""

from collections import Counter
from collections.abc import Callable

import msgspec

from api.pages import charts, formats
from settlement.reports.document import Form, Report, Table
from settlement.reports.texts import text

_FALLING = frozenset({"clawed_back", "redeemed", "exchanged", "expired", "recovered"})
_COVER = ("points", "booked", "reserve_bank", "unfunded", "settlement_bank", "uncollected")


class ChartRow(msgspec.Struct, frozen=True):
    """A row of a chart: its label, its figure as it is read, and its pieces."""

    label: str
    figure: str
    pieces: tuple[charts.Segment, ...]


class Chart(msgspec.Struct, frozen=True):
    """A chart with its labels. ``legend`` names what its parts stand for, in the order of their tones; empty for one.

    An empty name is that of all that has none of its own.
    """

    zero: float
    rows: tuple[ChartRow, ...]
    legend: tuple[str, ...] = ()


def chart_of(report: Report) -> Chart | None:
    """The chart of a report whose tables can be read more than once; None where there is nothing to draw."""
    drawn = _CHARTS[report.name](report)
    return drawn if any(row.pieces for row in drawn.rows) else None


def _roll_forward(report: Report) -> Chart:
    table = report.tables[0]
    [totals] = table.totals
    named = {column.key: (column.heading, _number(value)) for column, value in zip(table.columns, totals, strict=True)}
    moves = [
        (heading, -value if key in _FALLING else value)
        for key, (heading, value) in named.items()
        if key not in {"issuer", "version", "opening", "closing"} and value
    ]
    drawn = charts.waterfall(named["opening"][1], [value for _, value in moves])
    ends = (named["opening"], named["closing"])
    labels = [ends[0][0], *(heading for heading, _ in moves), ends[1][0]]
    figures = [formats.number(ends[0][1]), *(formats.signed(value) for _, value in moves), formats.number(ends[1][1])]
    return _rows(drawn, labels, figures)


def _ageing(report: Report) -> Chart:
    """Months, each with the points of the largest issuers; the others are one part."""
    points: dict[str, Counter[str]] = {}
    issuers: Counter[str] = Counter()
    for month, issuer, count, _ in report.tables[0].rows:
        points.setdefault(str(month), Counter())[str(issuer)] += _number(count)
        issuers[str(issuer)] += _number(count)
    order = [issuer for issuer, _ in issuers.most_common()]
    named = order if len(order) <= charts.TONES else order[: charts.TONES - 1]
    parts = []
    for of_month in points.values():
        own = [of_month[issuer] for issuer in named]
        parts.append([*own, of_month.total() - sum(own)])
    figures = [formats.number(of_month.total()) for of_month in points.values()]
    legend = tuple(named) if len(named) == len(order) else (*named, "")
    return _rows(charts.stacked(parts), list(points), figures, legend if len(order) > 1 else ())


def _reserve_proof(report: Report) -> Chart:
    table = next(table for table in report.tables if table.key == "cover")
    form = table.columns[-1].form
    found = {str(key): (str(label), _number(amount)) for key, label, amount in table.rows}
    shown = [found[key] for key in _COVER]
    drawn = charts.bars([amount for _, amount in shown])
    return _rows(drawn, [label for label, _ in shown], [_written(report, amount, form) for _, amount in shown])


def _trial_balance(report: Report) -> Chart:
    """Of the first currency: debits to the right, credits to the left."""
    table = report.tables[0]
    form = table.columns[-1].form
    rows = [(f"{account} {name}", _number(debit), _number(credit)) for account, name, debit, credit in table.rows]
    if form.kind != "money":
        rows = [(label.partition(" ")[2], debit, credit) for label, debit, credit in rows]
    figures = [
        " / ".join(_written(report, amount, form) for amount in (debit, -credit) if amount) for _, debit, credit in rows
    ]
    drawn = charts.stacked([(debit, -credit) for _, debit, credit in rows])
    legend = tuple(text(key, report.language) for key in ("debit", "credit"))
    return _rows(drawn, [label for label, _, _ in rows], figures, legend)


def _breakage(report: Report) -> Chart:
    table = report.tables[0]
    form = table.columns[-1].form
    months: dict[str, list[int]] = {}
    for month, _, _, _, refunded, kept in table.rows:
        parts = months.setdefault(str(month), [0, 0])
        parts[0] += _number(refunded)
        parts[1] += _number(kept)
    figures = [_written(report, sum(parts), form) for parts in months.values()]
    legend = tuple(text(key, report.language) for key in ("refunded", "kept"))
    return _rows(charts.stacked(list(months.values())), list(months), figures, legend)


def _shortfalls(report: Report) -> Chart:
    rows = [(str(issuer), _number(points)) for issuer, _, points, _ in report.tables[0].rows]
    drawn = charts.bars([points for _, points in rows])
    return _rows(drawn, [issuer for issuer, _ in rows], [formats.number(points) for _, points in rows])


_CHARTS: dict[str, Callable[[Report], Chart]] = {
    "trial-balance": _trial_balance,
    "roll-forward": _roll_forward,
    "ageing": _ageing,
    "reserve-proof": _reserve_proof,
    "breakage": _breakage,
    "shortfalls": _shortfalls,
}


def _rows(drawn: charts.Drawn, labels: list[str], figures: list[str], legend: tuple[str, ...] = ()) -> Chart:
    rows = (ChartRow(*row) for row in zip(labels, figures, drawn.rows, strict=True))
    return Chart(drawn.zero, tuple(rows), legend)


def _written(report: Report, value: int, form: Form) -> str:
    if form.kind == "money":
        return formats.money(value, form.currency, report.language)
    return formats.number(value)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def with_rows(table: Table) -> Table:
    """The table with its rows at hand, to be read more than once."""
    return msgspec.structs.replace(table, rows=tuple(table.rows))
