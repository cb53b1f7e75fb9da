"""The trial balance per unit, as it stands now: every money account per currency, and the programme's points."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from ledger.rules.accounts import CHART, AccountKind
from settlement.reports.document import INSTANT, POINTS, Column, Fact, Form, Report, Row, Table, money
from settlement.reports.drawing import Drawing
from settlement.store.report_rows import MoneyBalance, PointsBalance, read_money_at, read_points_balances

NOW = (1 << 63) - 1
"""The sequence that no posting has reached."""


async def trial_balance_report(drawing: Drawing) -> Report:
    """Debits and credits of each unit, which are equal; units are never added to each other."""
    money_balances = await read_money_at(drawing.connection, drawing.batch.programme, NOW)
    points = await read_points_balances(drawing.connection, drawing.batch.programme)
    by_currency: defaultdict[str, list[MoneyBalance]] = defaultdict(list)
    for balance in money_balances:
        by_currency[balance.currency].append(balance)
    tables = [_of_currency(drawing, currency, by_currency[currency]) for currency in sorted(by_currency)]
    return drawing.report(
        "trial-balance",
        [*tables, _of_points(drawing, points)],
        [Fact("as_of", drawing.text("as_of"), drawing.made_at, INSTANT)],
        [drawing.text("note_sides")],
    )


def _of_currency(drawing: Drawing, currency: str, balances: Sequence[MoneyBalance]) -> Table:
    debits, credits_ = Counter[int](), Counter[int]()
    for balance in balances:
        debits[balance.account] += max(balance.balance_minor, 0)
        credits_[balance.account] += max(-balance.balance_minor, 0)
    rows = [
        (str(account), drawing.text(f"account_{account}"), debits[account], credits_[account])
        for account in sorted(debits.keys() | credits_.keys())
        if debits[account] or credits_[account]
    ]
    heading = drawing.text("money_in", currency=currency)
    return _table(drawing, f"money-{currency}", heading, money(currency), rows)


def _of_points(drawing: Drawing, balances: Sequence[PointsBalance]) -> Table:
    rows = []
    for balance in balances:
        sides = (balance.normal, balance.other)
        if CHART[AccountKind(balance.kind)].normal_side == "credit":
            sides = (balance.other, balance.normal)
        rows.append((AccountKind(balance.kind).name.lower(), drawing.text(f"points_{balance.kind}"), *sides))
    return _table(drawing, "points", drawing.text("points_of", programme=drawing.programme.code), POINTS, rows)


def _table(drawing: Drawing, key: str, heading: str, form: Form, rows: list[tuple[str, str, int, int]]) -> Table:
    total: Row = (drawing.text("totals"), None, sum(row[2] for row in rows), sum(row[3] for row in rows))
    return Table(
        key=key,
        heading=heading,
        columns=(
            Column("account", drawing.text("account")),
            Column("name", drawing.text("name")),
            Column("debit", drawing.text("debit"), form),
            Column("credit", drawing.text("credit"), form),
        ),
        rows=tuple(rows),
        totals=(total,),
    )
