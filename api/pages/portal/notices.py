"""Notices of expiry: what the member was told, and when."""

from urllib.parse import urlencode

from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.guards import for_citizens
from api.pages.portal.portal_view import portal_page, portal_view
from api.requests import CityRequest
from ledger.reading.notices import read_notices

NOTICES_PER_PAGE = 20


@get("/notices", include_in_schema=False, before_request=for_citizens)
async def notices_page(
    request: CityRequest, programme: FromQuery[str | None] = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """Show a page of notices, newest first."""
    view = await portal_view(request, programme)
    engine = view.wiring.engine
    async with engine.pool.connection() as connection:
        page = await read_notices(
            connection, engine.key, view.member, view.programme, cursor=cursor, limit=NOTICES_PER_PAGE
        )
    chosen = {"programme": view.programme.code}
    return portal_page(
        request,
        view,
        "notices",
        is_first=cursor is None,
        newest=urlencode(chosen),
        following=None if page.next_cursor is None else urlencode({**chosen, "cursor": page.next_cursor}),
        notices=[
            (
                notice.points,
                formats.day(notice.last_day, view.language),
                notice.days_before,
                view.day(notice.recorded_at),
            )
            for notice in page.notices
        ],
    )
