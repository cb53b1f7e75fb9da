"""Open shortfalls: points that were taken back after they were spent, by the issuer that stays charged for them."""

from collections import defaultdict
from datetime import date

from settlement.reports.document import DATE, INSTANT, POINTS, Column, Fact, Report, Table
from settlement.reports.drawing import Drawing
from settlement.store.report_rows import OpenShortfall, read_open_shortfalls

MOST_SHORTFALLS = 50_000
"""How many are listed; the note says when there are more."""


async def shortfalls_report(drawing: Drawing) -> Report:
    """What members owe now: by issuer, and one by one with the member's public id and the age in days."""
    found = await read_open_shortfalls(drawing.connection, drawing.batch.programme, MOST_SHORTFALLS + 1)
    listed = found[:MOST_SHORTFALLS]
    by_issuer: defaultdict[int, list[OpenShortfall]] = defaultdict(list)
    for one in listed:
        by_issuer[one.funding].append(one)
    return drawing.report(
        "shortfalls",
        [_by_issuer(drawing, by_issuer), _one_by_one(drawing, listed)],
        [Fact("as_of", drawing.text("as_of"), drawing.made_at, INSTANT)],
        [drawing.text("note_more_shortfalls", most=f"{MOST_SHORTFALLS:,}")] if len(found) > len(listed) else [],
    )


def _by_issuer(drawing: Drawing, found: dict[int, list[OpenShortfall]]) -> Table:
    rows = [
        (drawing.issuer(funding), len(all_of), sum(one.points for one in all_of), _day(drawing, all_of[0]))
        for funding, all_of in sorted(found.items())
    ]
    total = (drawing.text("totals"), sum(row[1] for row in rows), sum(row[2] for row in rows), None)
    return Table(
        key="by-issuer",
        heading=drawing.text("shortfalls_by_issuer"),
        columns=(
            Column("issuer", drawing.text("issuer")),
            Column("shortfalls", drawing.text("shortfalls"), POINTS),
            Column("points", drawing.text("points"), POINTS),
            Column("oldest", drawing.text("oldest"), DATE),
        ),
        rows=tuple(rows),
        totals=(total,),
    )


def _one_by_one(drawing: Drawing, found: list[OpenShortfall]) -> Table:
    today = drawing.programme.business_day(drawing.made_at)
    return Table(
        key="shortfalls",
        heading=drawing.text("shortfalls_one_by_one"),
        columns=(
            Column("issuer", drawing.text("issuer")),
            Column("member", drawing.text("member")),
            Column("original", drawing.text("original"), POINTS),
            Column("points", drawing.text("open_points"), POINTS),
            Column("since", drawing.text("since"), DATE),
            Column("age_days", drawing.text("age_days"), POINTS),
        ),
        rows=tuple(
            (
                drawing.issuer(one.funding),
                str(one.member),
                one.original,
                one.points,
                _day(drawing, one),
                (today - _day(drawing, one)).days,
            )
            for one in found
        ),
    )


def _day(drawing: Drawing, one: OpenShortfall) -> date:
    return drawing.programme.business_day(one.since)
