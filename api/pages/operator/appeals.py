"""Appeals of members: those that wait, the oldest first, and those that were answered."""

from urllib.parse import urlencode
from uuid import UUID

from litestar import Response, get
from litestar.params import FromQuery

from api.pages.guards import APPEAL_READERS, for_staff
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.appeal_views import AppealRow, appeal_row
from api.pages.operator.operator_view import operator_page, operator_view
from api.pages.portal.appeal_texts import ANSWER_WITHIN_WORKING_DAYS, APPEALS
from api.requests import CityRequest
from ledger.reading.cursors import PagedList, read_cursor, write_cursor
from ledger.store.appeals import list_decided_appeals, list_open_appeals
from ledger.store.ledger_row import read_clock

APPEALS_PER_PAGE = 30
LISTED = {**APPEALS, **STAFF_APPEALS}

_START = (0, UUID(int=0))


@get("/appeals", include_in_schema=False, before_request=for_staff(*APPEAL_READERS))
async def appeals_list_page(
    request: CityRequest, decided: FromQuery[str | None] = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """List appeals."""
    view = await operator_view(request)
    key, paged = view.wiring.engine.key, PagedList("staff-appeals", (decided is not None,))
    position = None if cursor is None else read_cursor(key, paged, cursor)
    after = _START if position is None else (int(position[0]), UUID(str(position[1])))
    listing = list_open_appeals if decided is None else list_decided_appeals
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_clock(connection)
        found = await listing(connection, after=after, limit=APPEALS_PER_PAGE + 1)
    shown = found[:APPEALS_PER_PAGE]
    rows: list[AppealRow] = [await appeal_row(appeal, view, now) for appeal in shown]
    chosen = {} if decided is None else {"decided": "yes"}
    following = None
    if len(found) > APPEALS_PER_PAGE:
        last = shown[-1]
        following = urlencode({**chosen, "cursor": write_cursor(key, paged, (last.appealed_at, str(last.appeal_id)))})
    return operator_page(
        request,
        view,
        "appeals",
        texts=LISTED,
        rows=rows,
        lead=view.words(STAFF_APPEALS)["list_lead"].format(days=ANSWER_WITHIN_WORKING_DAYS),
        are_decided=decided is not None,
        is_first=cursor is None,
        newest=urlencode(chosen),
        following=following,
    )
