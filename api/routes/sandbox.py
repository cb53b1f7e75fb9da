"""The clock of a sandbox."""

import msgspec
from litestar import Response, put

from api.access import for_operators
from api.answers import rfc3339
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, answers
from api.schemas.fields import Moment, instant_of
from api.wiring import wiring_of
from ledger.store.ledger_row import read_clock, set_sandbox_clock
from ledger.store.unit_of_work import unit_of_work

_encode = msgspec.json.Encoder().encode


class ClockRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The time to set."""

    now: Moment


class ClockAnswer(msgspec.Struct, frozen=True):
    """The ledger's time now."""

    now: str


@put(
    "/v1/sandbox/clock",
    before_request=for_operators,
    operation_id="putClock",
    summary="Set a sandbox's clock",
    tags=["Sandbox"],
    responses=answers(
        200,
        ClockAnswer,
        "Set.",
        *READ_PROBLEMS,
        "payload-too-large",
        "unsupported-media-type",
        "sandbox-only",
        "clock-cannot-go-back",
    ),
)
async def put_clock(request: CityRequest, data: ClockRequest) -> Response[bytes]:
    """Set the ledger's time: freely until the first transaction, then only forward; on a sandbox only."""
    now = instant_of(data.now, "$.now") or 0
    async with wiring_of(request).engine.pool.connection() as connection, unit_of_work(connection):
        await set_sandbox_clock(connection, now)
        answer = ClockAnswer(rfc3339(await read_clock(connection)))
    return Response(_encode(answer), media_type=JSON)


sandbox_routes = [put_clock]
