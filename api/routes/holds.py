"""Holds: placed, captured in one or several parts, voided, and read."""

import msgspec
from litestar import Response, get, post

from api.access import (
    find_named_member,
    for_members_and_readers,
    for_partners,
    for_readers,
)
from api.answers import TransactionAnswer
from api.authentication import MemberCaller, PartnerCaller
from api.hold_answers import HoldAnswer, HoldsAnswer, hold_answer, holds_answer
from api.pages_of_lists import next_link
from api.posting_answers import JSON, post_command
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    POSTING_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    MemberPath,
    MemberTokenHeader,
    ProgrammeQuery,
    answers,
)
from api.schemas.holds import CaptureRequest, HoldRequest, VoidRequest
from api.wiring import wiring_of
from ledger.errors import HoldNotFound
from ledger.ids import Place
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.holds import read_hold, read_open_holds

ENDING_PROBLEMS = (*WRITE_PROBLEMS, "hold-not-found", "hold-not-open", "clock-behind", "shutting-down")

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/holds",
    before_request=for_partners,
    operation_id="postHold",
    summary="Reserve points of a member",
    tags=["Holds"],
    responses=answers(
        201,
        TransactionAnswer,
        "Placed; `id` is the hold's.",
        *POSTING_PROBLEMS,
        "insufficient-points",
        "hold-expiry-out-of-range",
    ),
)
async def post_hold(
    request: CityRequest,
    data: HoldRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Hold points for you until `expires_at`: nobody else can use them, and what is not captured comes back."""
    return await post_command(request, idempotency_key, data.command())


@post(
    "/v1/holds/{hold:str}/captures",
    before_request=for_partners,
    operation_id="postCapture",
    summary="Take held points",
    tags=["Holds"],
    responses=answers(
        201,
        TransactionAnswer,
        "Posted.",
        *ENDING_PROBLEMS,
        "capture-exceeds-hold",
        "currency-mismatch",
        "amount-out-of-range",
    ),
)
async def post_capture(
    request: CityRequest,
    hold: CodePath,
    data: CaptureRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Take some `points` of a hold of yours, or all of the rest: as often as something is held.

    With `final` what is left goes back to the member. A capture is reversed like a redemption.
    """
    return await post_command(request, idempotency_key, data.capture_of(hold))


@post(
    "/v1/holds/{hold:str}/void",
    before_request=for_partners,
    operation_id="postVoid",
    summary="Let held points go",
    tags=["Holds"],
    responses=answers(201, TransactionAnswer, "Posted.", *ENDING_PROBLEMS),
)
async def post_void(
    request: CityRequest,
    hold: CodePath,
    data: VoidRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Give all that a hold of yours still holds back to the member."""
    return await post_command(request, idempotency_key, data.void_of(hold))


@get(
    "/v1/holds/{hold:str}",
    before_request=for_readers,
    operation_id="getHold",
    summary="Read a hold",
    tags=["Holds"],
    responses=answers(200, HoldAnswer, "The hold and what became of it.", *READ_PROBLEMS, "hold-not-found"),
)
async def get_hold(request: CityRequest, hold: CodePath) -> Response[bytes]:
    """A partner reads its own holds, a member those on its points, staff any."""
    wiring, caller = wiring_of(request), request.user
    head = await wiring.engine.intake.find_transaction(hold)
    if head is not None and (not isinstance(caller, PartnerCaller) or head.partner == caller.partner):
        async with wiring.engine.pool.connection() as connection:
            view = await read_hold(connection, wiring.engine.registry.current, Place(head.lane, head.sequence))
        if view is not None and (not isinstance(caller, MemberCaller) or view.owner == caller.member):
            return Response(_encode(hold_answer(view)), media_type=JSON)
    raise HoldNotFound("No hold of yours has this id.")


@get(
    "/v1/members/{member:str}/holds",
    before_request=for_members_and_readers,
    operation_id="getHolds",
    summary="Read a member's open holds",
    tags=["Members"],
    responses=answers(200, HoldsAnswer, "A page.", *LIST_PROBLEMS, "member-not-found", "programme-not-found"),
)
async def get_holds(
    request: CityRequest,
    member: MemberPath,
    programme: ProgrammeQuery,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
) -> Response[bytes]:
    """Open holds of all partners on a member's points, the one that ends first: for the member and for staff."""
    wiring = wiring_of(request)
    found = await find_named_member(request, member)
    asked = await wiring.programme(programme)
    async with wiring.engine.pool.connection() as connection:
        page = await read_open_holds(
            connection,
            wiring.engine.key,
            wiring.engine.registry.current,
            found,
            asked,
            cursor=cursor,
            limit=limit,
        )
    return Response(_encode(holds_answer(page)), media_type=JSON, headers=next_link(request, page.next_cursor))


hold_routes = [post_hold, post_capture, post_void, get_hold, get_holds]
