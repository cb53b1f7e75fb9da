"""A party's statement: what stood before, every line with points, price, amount and VAT, and what stands after."""

from collections.abc import Sequence

from ledger.rules.programmes import Partner
from settlement.money_journal import foreign_amount
from settlement.netting import is_of_party
from settlement.reports.document import (
    DATE,
    POINTS,
    RATE,
    Column,
    Fact,
    Report,
    Row,
    Table,
    code,
    money,
)
from settlement.reports.drawing import Drawing
from settlement.reports.statement_lines import Entry, entries_of, price_micros
from settlement.reports.trial_balance import NOW
from settlement.reports.written_values import decimal_rate
from settlement.store.money_rows import read_notices, read_payments
from settlement.store.report_rows import read_money_of_party

_QUOTE_PLACES = 8


async def statement_report(drawing: Drawing, partner: Partner) -> Report:
    """Opening and closing are what the operator owes the party (negative: the party owes), in the party's currency."""
    batch, currency = drawing.batch, currency_of(drawing, partner.number)
    entries = entries_of(batch.figures.lines, partner.number)
    opening_minor = await _opening(drawing, partner.number, currency)
    net_minor = sum(_in_currency(drawing, entry.amount_minor, currency) for entry in entries)
    net_minor += sum(_in_currency(drawing, entry.vat_minor, currency) for entry in entries)
    facts = [
        Fact("party", drawing.text("party"), drawing.party(partner.number)),
        Fact("opening", drawing.text("opening_balance"), opening_minor, money(currency)),
        Fact("net", drawing.text("net_of_batch"), net_minor, money(currency)),
        Fact("closing", drawing.text("closing_balance"), opening_minor + net_minor, money(currency)),
    ]
    notes = [drawing.text("note_in_favour")]
    # A batch has frozen the quotes of the parties that have lines in it.
    if currency in batch.inputs.quotes:
        label = drawing.text("quote", currency=currency, own=batch.inputs.currency)
        facts.append(Fact("quote", label, decimal_rate(batch.inputs.quotes[currency], _QUOTE_PLACES)))
    if any(entry.line.late_points for entry in entries):
        notes.append(drawing.text("note_late"))
    return drawing.report(
        "statement", [_lines(drawing, entries, currency), await _money(drawing, partner, currency)], facts, notes
    )


def currency_of(drawing: Drawing, party: int) -> str:
    """The currency in which a party is settled by the contracts that the batch has frozen."""
    frozen = [terms for terms in drawing.batch.inputs.terms if terms.partner == party]
    return frozen[-1].currency if frozen else drawing.batch.inputs.currency


async def _opening(drawing: Drawing, party: int, currency: str) -> int:
    """What stood between the party and the operator before the batch was posted; of a draft, what stands now."""
    sequence = drawing.batch.sequence
    before = NOW if sequence is None else sequence - 1
    balances = await read_money_of_party(drawing.connection, drawing.batch.programme, party, before)
    return -sum(one.balance_minor for one in balances if one.currency == currency and is_of_party(one.account, party))


def _in_currency(drawing: Drawing, amount_minor: int, currency: str) -> int:
    own = drawing.batch.inputs.currency
    if currency == own:
        return amount_minor
    sign = -1 if amount_minor < 0 else 1
    return sign * foreign_amount(abs(amount_minor), own, currency, drawing.batch.inputs.quotes[currency])


def _lines(drawing: Drawing, entries: Sequence[Entry], currency: str) -> Table:
    own = drawing.batch.inputs.currency
    is_foreign = currency != own
    columns = [
        Column("number", drawing.text("number")),
        code("kind"),
        Column("line", drawing.text("line")),
        Column("issuer", drawing.text("issuer")),
        Column("version", drawing.text("version")),
        Column("points", drawing.text("points"), POINTS),
        Column("late_points", drawing.text("late_points"), POINTS),
        Column("price", drawing.text("price"), RATE),
        Column("amount", drawing.text("amount"), money(own)),
        Column("vat", drawing.text("vat"), money(own)),
        Column("net", drawing.text("net"), money(own)),
    ]
    if is_foreign:
        columns.append(Column("foreign_net", drawing.text("net"), money(currency)))
    rows = [_line(drawing, entry, currency) for entry in entries]
    sums = [sum(one) for one in zip(*((e.amount_minor, e.vat_minor, e.net_minor) for e in entries), strict=True)]
    total: Row = (drawing.text("totals"), *([None] * 7), *(sums or (0, 0, 0)))
    if is_foreign:
        total = (*total, sum(int(str(row[-1])) for row in rows))
    return Table(
        key="lines",
        heading=drawing.text("lines"),
        columns=tuple(columns),
        rows=tuple(rows),
        totals=(total,),
    )


def _line(drawing: Drawing, entry: Entry, currency: str) -> Row:
    line = entry.line
    row: Row = (
        str(entry.number),
        line.kind,
        drawing.text(f"line_{line.kind}"),
        drawing.issuer(line.funding) if line.funding else None,
        str(line.version),
        line.points,
        line.late_points or None,
        price_micros(drawing, entry),
        entry.amount_minor,
        entry.vat_minor or None,
        entry.net_minor,
    )
    if currency == drawing.batch.inputs.currency:
        return row
    amounts = (entry.amount_minor, entry.vat_minor)
    return (*row, sum(_in_currency(drawing, amount_minor, currency) for amount_minor in amounts))


async def _money(drawing: Drawing, partner: Partner, currency: str) -> Table:
    """What is paid to the party and asked of it."""
    rows: list[Row] = [
        (
            drawing.text("payment"),
            payment.end_to_end_id,
            payment.amount_minor,
            None,
            None,
            drawing.text(f"payment_{payment.state}"),
        )
        for payment in await read_payments(drawing.connection, drawing.batch.id)
        if payment.party == partner.number
    ]
    for notice in await read_notices(drawing.connection, drawing.batch.id):
        if notice.party == partner.number:
            state = drawing.text(f"notice_{notice.state}")
            rows.append(
                (
                    drawing.text("notice"),
                    notice.reference,
                    -notice.amount_minor,
                    notice.received_minor,
                    notice.due_on,
                    state,
                )
            )
    return Table(
        key="money",
        heading=drawing.text("payments_and_notices"),
        columns=(
            Column("what", drawing.text("what")),
            Column("reference", drawing.text("reference")),
            Column("amount", drawing.text("amount"), money(currency)),
            Column("received", drawing.text("received"), money(currency)),
            Column("due_on", drawing.text("due_on"), DATE),
            Column("state", drawing.text("state")),
        ),
        rows=tuple(rows),
    )
