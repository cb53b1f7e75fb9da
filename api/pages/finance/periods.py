"""The end of a period: what is closed, what is still in its way, and proposing to close it."""

from datetime import date

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.proposal_texts import PERIODS, PROPOSALS
from api.pages.finance.proposals import proposal_line
from api.pages.finance.work_refusals import prepares
from api.pages.guards import FINANCE_READERS, for_staff
from api.requests import CityRequest
from settlement.store.batch_rows import read_last_approved, read_unapproved, read_waiting_days
from settlement.store.day_rows import read_last_day
from settlement.store.proposal_rows import list_waiting


class Standing(msgspec.Struct, frozen=True):
    """How far a programme is closed and settled; ``may_close`` is the last day that a period may end with."""

    closed_through: str | None
    settled_through: str | None
    last_closed_day: str | None
    waiting_days: int
    unapproved: str | None
    may_close: date | None


@get("/periods", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def periods_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Show what is closed, what is in the way, and offer to propose a period's end."""
    view = await finance_view(request, programme)
    async with view.wiring.engine.pool.connection() as connection:
        number = view.programme.number
        last_day = await read_last_day(connection, number)
        approved = await read_last_approved(connection, number)
        unapproved = await read_unapproved(connection, number)
        days = [] if last_day is None else await read_waiting_days(connection, number, last_day)
        waiting = await list_waiting(connection, number, "period")
    settled = None if approved is None else approved.last_day
    closed = view.programme.closed_through
    standing = Standing(
        closed_through=_day(view, closed),
        settled_through=_day(view, settled),
        last_closed_day=_day(view, last_day),
        waiting_days=len(days),
        unapproved=None if unapproved is None else unapproved.id,
        may_close=settled if settled is not None and (closed is None or settled > closed) else None,
    )
    return finance_page(
        request,
        view,
        "periods",
        texts={**PROPOSALS, **PERIODS},
        standing=standing,
        waiting=[proposal_line(one, view) for one in waiting],
        may_propose=prepares(view.person),
    )


def _day(view: FinanceView, day: date | None) -> str | None:
    return None if day is None else formats.day(day, view.language)


period_pages = [periods_page]
