"""Transactions of the partner as its pages list them: what, how many points, when, where; nothing of the member."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from api.pages.merchant.merchant_view import MerchantView
from ledger.ids import Place
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views, reversals_of


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a list; ``what`` is the key of its name."""

    id: str
    what: str
    points: int
    when: str
    programme: str
    outlet: str
    scene: str | None
    was_reversed: bool


async def read_lines(connection: AsyncConnection, view: MerchantView, places: Sequence[Place]) -> list[Line]:
    """Read transactions of the partner's in the order of their places."""
    views = await read_views(connection, view.registry, places) if places else {}
    reversals = await reversals_of(connection, places) if places else {}
    return [_line(view, views[place], was_reversed=place in reversals) for place in places]


def _line(view: MerchantView, shown: TransactionView, *, was_reversed: bool) -> Line:
    return Line(
        id=shown.id,
        what=f"kind_{shown.kind}",
        points=shown.points,
        when=view.moment(shown.recorded_at, shown.programme),
        programme=shown.programme or "",
        outlet=shown.outlet or "",
        scene=None if shown.scene is None else f"scene_{shown.scene}",
        was_reversed=was_reversed,
    )
