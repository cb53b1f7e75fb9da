"""The feed: what happened, in order, for whoever asks again and again."""

from typing import Annotated, Literal

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from api.access import feed_owner_of, for_partners_and_readers
from api.events import event_of
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import LIST_PROBLEMS, LimitQuery, answers
from api.schemas.events import EventsAnswer
from api.schemas.fields import refuse
from api.wiring import wiring_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.events import EventCursors, EventsPage, read_events
from ledger.store.event_ranges import read_heads
from ledger.store.unit_of_work import unit_of_work

_encode = msgspec.json.Encoder().encode

AfterQuery = Annotated[
    str | None,
    QueryParameter(name="after", required=False, description="`next_cursor` of the page before, unchanged."),
]
FromQuery = Annotated[
    Literal["start", "now"] | None,
    QueryParameter(
        name="from",
        required=False,
        description="Without a cursor: begin with the first event, or with what follows now.",
    ),
]


@get(
    "/v1/events",
    before_request=for_partners_and_readers,
    operation_id="listEvents",
    summary="Follow what happens",
    tags=["Events"],
    responses=answers(200, EventsAnswer, "Events in order.", *LIST_PROBLEMS, "cursor-before-restore"),
)
async def list_events(
    request: CityRequest, after: AfterQuery = None, start: FromQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Your transactions as CloudEvents, in the order of their recording; inside a lane without gaps.

    Ask again with `next_cursor`; a page that is not full is the end for the moment, and its cursor goes on from
    there. `from=now` gives no events but the cursor of the present. Staff read what the ledger does by
    itself, such as expiries.

    Where the ledger was restored from a backup since a cursor was given, it is answered with
    `cursor-before-restore`: take back what followed its `resync_cursor`, and read on from there.
    """
    if after is not None and start is not None:
        refuse("after, from", "both of them", "at most one of the two", "query")
    wiring = wiring_of(request)
    owner = feed_owner_of(request)
    engine = wiring.engine
    async with engine.pool.connection() as connection, unit_of_work(connection):
        cursors = await EventCursors.open(connection, engine.key, owner, engine.lanes)
        if start == "now":
            page = EventsPage((), await read_heads(connection))
        else:
            nothing_read = (0,) * engine.lanes
            positions = nothing_read if after is None else await cursors.read(connection, after)
            page = await read_events(connection, engine.registry.current, owner, positions, limit=limit)
    events = [event_of(view) for view in page.views]
    return Response(_encode(EventsAnswer(events, cursors.write(page.positions))), media_type=JSON)


event_routes = [list_events]
