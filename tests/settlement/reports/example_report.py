"""A report with every kind of value, and texts that a formula or markup could hide in."""

from collections.abc import Iterable
from datetime import date

from settlement.reports.document import DATE, INSTANT, POINTS, RATE, Column, Fact, Report, Row, Table, money
from settlement.reports.texts import Language

INSTANT_OF_ROWS = 1_795_400_000_000_000
COLUMNS = (
    Column("line", "清分项目"),
    Column("points", "积分", POINTS),
    Column("price", "单价", RATE),
    Column("amount", "金额", money("CNY")),
    Column("day", "日期", DATE),
    Column("at", "时间", INSTANT),
)
TRICKY = ("=1+1", "+86", "-5", "@now", '=HYPERLINK("x")', "#strong[x] *b* $x$ \\ `c` <l> @r", "兑付\x00\x0b")


def row(line: str, points: int = 1_234_567, amount_minor: int = -1_151_000) -> Row:
    return (line, points, 9_500, amount_minor, date(2026, 11, 23), INSTANT_OF_ROWS)


def example(rows: Iterable[Row], *, language: Language = "zh", totals: tuple[Row, ...] = ()) -> Report:
    return Report(
        name="party-statement",
        language=language,
        title="当事方结算对账单",
        time_zone="Asia/Shanghai",
        made_at=INSTANT_OF_ROWS,
        facts=(
            Fact("party", "当事方", "=市商业银行 #import *股份*"),
            Fact("net", "净额", -1_151_000, money("CNY")),
        ),
        tables=(Table(key="lines", heading="清分/明细", columns=COLUMNS, rows=rows, totals=totals),),
        notes=("应收账款以期末余额为准。",),
    )
