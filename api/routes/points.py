"""A member's points: balance, statement, lots."""

from typing import Annotated

import msgspec
from litestar import Response, get
from litestar.params import QueryParameter

from api.access import find_member_with_balance, find_readable_member, for_readers
from api.answers import BalanceAnswer, LotsAnswer, StatementAnswer, balance_answer, lots_answer, statement_answer
from api.notice_answers import NoticesAnswer, notices_answer
from api.pages_of_lists import next_link
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    READ_PROBLEMS,
    CursorQuery,
    LimitQuery,
    MemberPath,
    MemberTokenHeader,
    ProgrammeQuery,
    answers,
    time_sent,
)
from api.wiring import wiring_of
from ledger.reading.balances import balance_as_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.lots import read_lots
from ledger.reading.notices import read_notices
from ledger.reading.statement import read_statement

_encode = msgspec.json.Encoder().encode

POINTS_PROBLEMS = (*READ_PROBLEMS, "member-not-found", "programme-not-found")

AsOfQuery = Annotated[
    str | None,
    QueryParameter(
        name="as_of",
        required=False,
        description="As recorded until this time (RFC 3339).",
        schema_extra={"format": "date-time"},
    ),
]
OccurredAsOfQuery = Annotated[
    str | None,
    QueryParameter(
        name="occurred_as_of",
        required=False,
        description="As far as it is known now to have happened until this time (RFC 3339).",
        schema_extra={"format": "date-time"},
    ),
]


@get(
    "/v1/members/{member:str}/balances",
    before_request=for_readers,
    operation_id="getBalance",
    summary="Read a member's balance",
    tags=["Members"],
    responses=answers(200, BalanceAnswer, "The balance.", *POINTS_PROBLEMS),
)
async def get_balance(
    request: CityRequest,
    member: MemberPath,
    programme: ProgrammeQuery,
    as_of: AsOfQuery = None,
    occurred_as_of: OccurredAsOfQuery = None,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Available, held and pending points, shortfall, and what expires in the next 90 days.

    Now, or at one of the two times. A partner needs the member's token, or its consent to `balance`.
    """
    wiring = wiring_of(request)
    recorded, occurred = time_sent(as_of, "as_of"), time_sent(occurred_as_of, "occurred_as_of")
    found = await find_member_with_balance(request, member)
    asked = await wiring.programme(programme)
    if recorded is None and occurred is None:
        view = await wiring.balances.get(found, asked)
    else:
        async with wiring.engine.pool.connection() as connection:
            view = await balance_as_of(connection, found, asked, recorded, occurred)
    answer = balance_answer(view, await wiring.public_id(found), asked)
    return Response(_encode(answer), media_type=JSON)


@get(
    "/v1/members/{member:str}/statement",
    before_request=for_readers,
    operation_id="getStatement",
    summary="Read a member's statement",
    tags=["Members"],
    responses=answers(200, StatementAnswer, "A page, newest first.", *POINTS_PROBLEMS, "malformed-cursor"),
)
async def get_statement(
    request: CityRequest,
    member: MemberPath,
    programme: ProgrammeQuery,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Every transaction on the member's points with the running balance, each explained.

    A partner needs the member's token.
    """
    wiring = wiring_of(request)
    found = await find_readable_member(request, member)
    asked = await wiring.programme(programme)
    async with wiring.engine.pool.connection() as connection:
        page = await read_statement(
            connection,
            wiring.engine.key,
            wiring.engine.registry.current,
            found,
            asked,
            cursor=cursor,
            limit=limit,
        )
    return Response(_encode(statement_answer(page)), media_type=JSON, headers=next_link(request, page.next_cursor))


@get(
    "/v1/members/{member:str}/lots",
    before_request=for_readers,
    operation_id="getLots",
    summary="Read a member's lots",
    tags=["Members"],
    responses=answers(200, LotsAnswer, "A page of lots.", *POINTS_PROBLEMS, "malformed-cursor"),
)
async def get_lots(
    request: CityRequest,
    member: MemberPath,
    programme: ProgrammeQuery,
    *,
    all_lots: Annotated[
        bool, QueryParameter(name="all", description="Also lots that are used up, newest first.")
    ] = False,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Points earned together, with who issued them and until when they can be used.

    Open lots in the order in which they are used, or all of them. A partner needs the member's token.
    """
    wiring = wiring_of(request)
    found = await find_readable_member(request, member)
    asked = await wiring.programme(programme)
    async with wiring.engine.pool.connection() as connection:
        page = await read_lots(
            connection,
            wiring.engine.key,
            wiring.engine.registry.current,
            found,
            asked,
            all_lots=all_lots,
            cursor=cursor,
            limit=limit,
        )
    return Response(_encode(lots_answer(page)), media_type=JSON, headers=next_link(request, page.next_cursor))


@get(
    "/v1/members/{member:str}/notices",
    before_request=for_readers,
    operation_id="getNotices",
    summary="Read a member's notices of expiry",
    tags=["Members"],
    responses=answers(200, NoticesAnswer, "A page, newest first.", *POINTS_PROBLEMS, "malformed-cursor"),
)
async def get_notices(
    request: CityRequest,
    member: MemberPath,
    programme: ProgrammeQuery,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """When the member was told of points about to expire, and of how many. A partner needs the member's token."""
    wiring = wiring_of(request)
    found = await find_readable_member(request, member)
    asked = await wiring.programme(programme)
    async with wiring.engine.pool.connection() as connection:
        page = await read_notices(connection, wiring.engine.key, found, asked, cursor=cursor, limit=limit)
    return Response(_encode(notices_answer(page)), media_type=JSON, headers=next_link(request, page.next_cursor))


points_routes = [get_balance, get_statement, get_lots, get_notices]
