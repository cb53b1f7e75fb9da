"""The liability roll-forward of a batch, or of all batches since a day: outstanding points, and what 2000 owes."""

from collections import Counter
from collections.abc import Sequence

from ledger.rules.money_postings import MoneyAccount
from settlement.batches import Batch
from settlement.reports.document import POINTS, Column, Report, Table, money
from settlement.reports.drawing import Drawing
from settlement.store.report_rows import read_batches_since

MOVES = ("issued", "clawed_back", "redeemed", "restored", "exchanged", "expired", "recovered")
_OBLIGATION = MoneyAccount.REDEMPTION_OBLIGATION


async def roll_forward_report(drawing: Drawing) -> Report:
    """Outstanding points, per issuer and price, and what 2000 owes for them."""
    since = drawing.since or drawing.batch.first_day
    batches = await read_batches_since(drawing.connection, drawing.batch, since)
    return drawing.report(
        "roll-forward",
        [_points(drawing, batches), _money(drawing, batches)],
        notes=[drawing.text("note_roll_forward")],
        first_day=batches[0].first_day,
    )


def _points(drawing: Drawing, batches: Sequence[Batch]) -> Table:
    opening = {(p.funding, p.version): p.opening for p in batches[0].figures.positions}
    closing = {(p.funding, p.version): p.closing for p in batches[-1].figures.positions}
    moved: dict[tuple[int, int], Counter[str]] = {}
    for batch in batches:
        for position in batch.figures.positions:
            moves = moved.setdefault((position.funding, position.version), Counter())
            moves.update({move: getattr(position, move) for move in MOVES})
    figures = {
        place: (opening.get(place, 0), *(moved[place][move] for move in MOVES), closing.get(place, 0))
        for place in sorted(moved)
    }
    totals = [sum(column) for column in zip(*figures.values(), strict=True)] or [0] * (len(MOVES) + 2)
    return Table(
        key="points",
        heading=drawing.text("outstanding_points"),
        columns=(
            Column("issuer", drawing.text("issuer")),
            Column("version", drawing.text("version")),
            Column("opening", drawing.text("opening"), POINTS),
            *(Column(move, drawing.text(f"move_{move}"), POINTS) for move in MOVES),
            Column("closing", drawing.text("closing"), POINTS),
        ),
        rows=tuple((drawing.issuer(place[0]), str(place[1]), *figures[place]) for place in figures),
        totals=((drawing.text("totals"), None, *totals),),
    )


def _money(drawing: Drawing, batches: Sequence[Batch]) -> Table:
    """What moved account 2000, by the accounts on the other side; credits, which it grows by, are positive."""
    currency = drawing.programme.currency
    against: Counter[int] = Counter()
    for batch in batches:
        for posting in batch.figures.money:
            if posting.currency == currency and posting.credit == _OBLIGATION:
                against[posting.debit] += posting.amount_minor
            elif posting.currency == currency and posting.debit == _OBLIGATION:
                against[posting.credit] -= posting.amount_minor
    moves = [
        (f"{account} {drawing.text(f'account_{account}')}", amount_minor)
        for account, amount_minor in sorted(against.items())
    ]
    return Table(
        key="money",
        heading=f"{int(_OBLIGATION)} {drawing.text(f'account_{int(_OBLIGATION)}')}",
        columns=(Column("line", drawing.text("line")), Column("amount", drawing.text("amount"), money(currency))),
        rows=((drawing.text("opening"), batches[0].inputs.obligation_minor), *moves),
        totals=((drawing.text("closing"), batches[-1].figures.obligation_closing_minor),),
    )
