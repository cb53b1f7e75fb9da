"""Where a member's points came from and went to, by partner and scene."""

from datetime import date, timedelta
from http import HTTPStatus

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from api.pages import formats
from api.pages.guards import for_citizens
from api.pages.portal.lines import kind_name
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.requests import CityRequest
from ledger.reading.flows import Flow, read_flows
from ledger.reading.lane_time import read_lane_time
from ledger.rules.business_day import end_of_day, first_instant

USUAL_DAYS = 90
LONGEST_DAYS = 3_660
FIRST_YEAR, LAST_YEAR = 2000, 2999


class FlowRow(msgspec.Struct, frozen=True):
    """What came in or went out with one partner in one scene; ``kind`` is the key of what happened."""

    kind: str
    partner: str | None
    scene: str | None
    points: int


@get("/flows", include_in_schema=False, before_request=for_citizens)
async def flows_page(
    request: CityRequest,
    programme: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    until: FromQuery[str | None] = None,
) -> Response[str]:
    """Show the flows between two days, of the last 90 days where none are given."""
    view = await portal_view(request, programme)
    async with view.wiring.engine.pool.connection() as connection:
        today = formats.local_day(await read_lane_time(connection, view.member.lane), view.programme.zone)
        first, last = _day(since, today - timedelta(days=USUAL_DAYS)), _day(until, today)
        is_right = first is not None and last is not None and 0 <= (last - first).days <= LONGEST_DAYS
        flows: list[Flow] = []
        if first is not None and last is not None and is_right:
            zone = view.programme.zone
            start, end = first_instant(first, zone, 0), end_of_day(last, zone)
            flows = await read_flows(connection, view.member, view.programme, start, end)
    came = [_row(flow, view) for flow in flows if flow.comes_in]
    went = [_row(flow, view) for flow in flows if not flow.comes_in]
    return portal_page(
        request,
        view,
        "flows",
        status_code=HTTPStatus.OK if is_right else HTTPStatus.BAD_REQUEST,
        since=since if first is None else first.isoformat(),
        until=until if last is None else last.isoformat(),
        is_right=is_right,
        directions=[("came", came, sum(row.points for row in came)), ("went", went, sum(row.points for row in went))],
    )


def _row(flow: Flow, view: PortalView) -> FlowRow:
    partner = None if flow.partner is None else view.registry.partners.get(flow.partner)
    name = None if partner is None else partner.name
    return FlowRow(kind_name(flow.kind, comes_in=flow.comes_in), name, flow.scene, flow.points)


def _day(text: str | None, usual: date) -> date | None:
    """A day as forms send it, the usual one without; None for what is no day."""
    if not text:
        return usual
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
