"""The balance at a glance: what there is, what expires when, what happened last."""

from collections import defaultdict
from datetime import date

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.guards import for_citizens
from api.pages.portal.lines import line_of
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.requests import CityRequest
from ledger.reading.balances import ExpirySchedule
from ledger.reading.member_transactions import read_member_transactions

LATEST_LINES = 5
MONTHS_SHOWN = 12
BAR_WIDTH = 100


class ExpiryRow(msgspec.Struct, frozen=True):
    """Points that share a last month, and how wide their bar is, of 100; without a name they are later or never."""

    until: str
    points: int
    width: float


@get("/", include_in_schema=False, before_request=for_citizens)
async def balance_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Show what the member has now."""
    view = await portal_view(request, programme)
    schedule = await view.wiring.balances.schedule(view.member, view.programme)
    profile = await view.wiring.profile(view.member)
    engine = view.wiring.engine
    async with engine.pool.connection() as connection:
        latest = await read_member_transactions(
            connection, engine.key, view.registry, view.member, view.programme, limit=LATEST_LINES
        )
    next_day = schedule.by_day[0] if schedule.by_day else None
    return portal_page(
        request,
        view,
        "balance",
        balance=schedule.balance,
        status=profile.status,
        next_points=None if next_day is None else next_day[1],
        next_day=None if next_day is None else formats.day(next_day[0], view.language),
        rows=_rows(schedule, view),
        lines=[line_of(transaction, view) for transaction in latest.transactions],
    )


def _rows(schedule: ExpirySchedule, view: PortalView) -> list[ExpiryRow]:
    """A row for each month in which something expires, the rest together, and what never does."""
    by_month: dict[date, int] = defaultdict(int)
    for last_day, points in schedule.by_day:
        by_month[last_day.replace(day=1)] += points
    months = sorted(by_month.items())
    shown = [(formats.month(month, view.language), points) for month, points in months[:MONTHS_SHOWN]]
    later = sum(points for _, points in months[MONTHS_SHOWN:])
    balance = schedule.balance
    never = balance.available + balance.pending - sum(by_month.values())
    named = [*shown, ("expiry_later", later), ("expiry_never", never)]
    largest = max((points for _, points in named), default=0)
    return [ExpiryRow(name, points, round(points / largest * BAR_WIDTH, 1)) for name, points in named if points > 0]
