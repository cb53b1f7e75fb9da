"""Ageing: the points outstanding now, by the month in which they expire and by issuer, with their reserve."""

from collections import Counter
from fractions import Fraction

from ledger.rules.money import minor_places
from settlement.reports.document import INSTANT, POINTS, Column, Fact, Report, Table, money
from settlement.reports.drawing import Drawing
from settlement.rounding import half_even, in_minor
from settlement.store.report_rows import read_ageing


async def ageing_report(drawing: Drawing) -> Report:
    """Outstanding points by expiry month. Each amount is exact and rounded once, the total too."""
    currency = drawing.programme.currency
    places = minor_places(currency)
    points: Counter[tuple[str, int]] = Counter()
    reserve: Counter[tuple[str, int]] = Counter()
    exact: dict[tuple[str, int], Fraction] = {}
    for row in await read_ageing(drawing.connection, drawing.batch.programme, drawing.price_bounds()):
        place = ("" if row.month is None else f"{row.month:%Y-%m}", row.funding)
        terms = drawing.terms_in(drawing.lead(row.funding), row.segment)
        price_micros = 0 if terms is None else terms.reserve_micros or 0
        points[place] += row.points
        exact[place] = exact.get(place, Fraction(0)) + in_minor(row.points, price_micros, places)
    # What never expires comes last.
    order = sorted(points, key=lambda place: (place[0] == "", place))
    reserve.update({place: half_even(amount) for place, amount in exact.items()})
    rows = [
        (place[0] or drawing.text("never"), drawing.issuer(place[1]), points[place], reserve[place]) for place in order
    ]
    total = half_even(sum(exact.values(), Fraction(0)))
    table = Table(
        key="ageing",
        heading=drawing.text("outstanding_points"),
        columns=(
            Column("month", drawing.text("expiry_month")),
            Column("issuer", drawing.text("issuer")),
            Column("points", drawing.text("points"), POINTS),
            Column("reserve", drawing.text("reserve"), money(currency)),
        ),
        rows=tuple(rows),
        totals=((drawing.text("totals"), None, points.total(), total),),
    )
    as_of = Fact("as_of", drawing.text("as_of"), drawing.made_at, INSTANT)
    return drawing.report("ageing", [table], [as_of], [drawing.text("note_rounded_apart")])
