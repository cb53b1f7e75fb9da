"""The reserve proof: what members could redeem, by issuer and price, against account 2000 and the reserve bank."""

from fractions import Fraction

from ledger.rules.money import minor_places
from ledger.rules.money_postings import MoneyAccount
from settlement.reports.document import POINTS, RATE, Column, Report, Row, Table, code, money
from settlement.reports.drawing import Drawing
from settlement.rounding import half_even, in_minor
from settlement.store.report_rows import MoneyBalance, read_last_sequence, read_money_at

_A = MoneyAccount


async def reserve_proof_report(drawing: Drawing) -> Report:
    """Outstanding points at their reserves, which is what 2000 owes, and what there is to pay it from.

    Money is that of the batch's time: all that was posted before the next batch was approved.
    """
    sequence = await read_last_sequence(drawing.connection, drawing.batch)
    balances = await read_money_at(drawing.connection, drawing.batch.programme, sequence)
    by_issuer, obligation_minor = _by_issuer(drawing)
    return drawing.report(
        "reserve-proof", [by_issuer, _cover(drawing, balances, obligation_minor)], notes=[drawing.text("note_reserve")]
    )


def _by_issuer(drawing: Drawing) -> tuple[Table, int]:
    currency = drawing.programme.currency
    places = minor_places(currency)
    rows: list[Row] = []
    total = Fraction(0)
    points = 0
    for position in drawing.batch.figures.positions:
        if position.closing:
            price_micros = drawing.book.issuer(drawing.lead(position.funding), position.version).reserve_micros or 0
            exact = in_minor(position.closing, price_micros, places)
            issuer, version = drawing.issuer(position.funding), str(position.version)
            rows.append((issuer, version, position.closing, price_micros, half_even(exact)))
            total += exact
            points += position.closing
    table = Table(
        key="by-issuer",
        heading=drawing.text("obligation_by_issuer"),
        columns=(
            Column("issuer", drawing.text("issuer")),
            Column("version", drawing.text("version")),
            Column("points", drawing.text("points"), POINTS),
            Column("reserve_price", drawing.text("reserve_price"), RATE),
            Column("reserve", drawing.text("reserve"), money(currency)),
        ),
        rows=tuple(rows),
        totals=((drawing.text("totals"), None, points, None, half_even(total)),),
    )
    return table, half_even(total)


def _cover(drawing: Drawing, balances: list[MoneyBalance], obligation_minor: int) -> Table:
    """Account 2000 against the points, then 1010 against 2000, with what makes up the difference."""
    currency = drawing.programme.currency
    of = dict.fromkeys(MoneyAccount, 0)
    for balance in balances:
        if balance.currency == currency:
            of[MoneyAccount(balance.account)] += balance.balance_minor
    batch = drawing.batch
    waiting_minor = batch.figures.obligation_change_minor if batch.sequence is None else 0
    booked_minor = waiting_minor - of[_A.REDEMPTION_OBLIGATION]
    rows: list[tuple[str, int]] = [("proof_points", obligation_minor), ("proof_booked", booked_minor)]
    rows.append(("proof_difference", obligation_minor - booked_minor))
    rows += [
        ("proof_reserve_bank", of[_A.RESERVE_BANK]),
        ("proof_unfunded", booked_minor - of[_A.RESERVE_BANK]),
        ("proof_settlement_bank", of[_A.SETTLEMENT_BANK]),
        ("proof_uncollected", of[_A.ISSUER_RECEIVABLE]),
        ("proof_refundable", -of[_A.REFUNDABLE]),
        ("proof_payable", -of[_A.ACCEPTOR_PAYABLE]),
        ("proof_prefunding", -of[_A.PREFUNDING]),
    ]
    return Table(
        key="cover",
        heading=drawing.text("cover_of_obligation"),
        columns=(
            code("key"),
            Column("line", drawing.text("line")),
            Column("amount", drawing.text("amount"), money(currency)),
        ),
        rows=tuple((key.removeprefix("proof_"), drawing.text(key), amount_minor) for key, amount_minor in rows),
    )
