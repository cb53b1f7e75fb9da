"""Appeals of members against points taken back and against a freeze: made, read, answered."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import PathParameter

from api.access import find_named_member, for_roles, key_owner_of, staff_of
from api.appealing import AppealAsked, Decision, answer_appeal, appeal_id_of, is_fit, make_appeal, plain_text
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    MemberPath,
    answers,
)
from api.schemas.appeals import (
    AppealAnswer,
    AppealDecision,
    AppealList,
    AppealMade,
    AppealPage,
    AppealRequest,
    shown_appeal,
)
from api.schemas.fields import refuse
from api.wiring import Wiring, wiring_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.store.appeals import MOST_CHARACTERS, Appeal, list_appeals_of, list_open_appeals
from ledger.store.member_selves import read_selves

AppealPath = Annotated[str, PathParameter(description="An appeal's id.")]

_encode = msgspec.json.Encoder().encode
_START = (0, UUID(int=0))


@post(
    "/v1/members/{member:str}/appeals",
    before_request=for_roles(members=True),
    operation_id="postAppeal",
    summary="Appeal",
    tags=["Appeals"],
    responses=answers(
        201,
        AppealMade,
        "Kept, and open until it is answered.",
        *WRITE_PROBLEMS,
        "member-not-found",
        "transaction-not-found",
        "not-appealable",
    ),
)
async def post_appeal(
    request: CityRequest, member: MemberPath, data: AppealRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Appeal, with the member's own token, against a transaction that took points back or against the freeze."""
    found = await find_named_member(request, member)
    asked = AppealAsked(data.transaction, _written(data.grounds, "$.grounds"))
    return await make_appeal(wiring_of(request), found, await key_owner_of(request), idempotency_key, asked)


@get(
    "/v1/members/{member:str}/appeals",
    before_request=for_roles(members=True),
    operation_id="listOwnAppeals",
    summary="List a member's appeals",
    tags=["Appeals"],
    responses=answers(200, AppealList, "All of them, newest first.", *READ_PROBLEMS, "member-not-found"),
)
async def list_own_appeals(request: CityRequest, member: MemberPath) -> Response[bytes]:
    """A member's appeals with their answers, read with its own token."""
    wiring = wiring_of(request)
    found = await find_named_member(request, member)
    async with wiring.engine.pool.connection() as connection:
        selves = await read_selves(connection, found)
        appeals = await list_appeals_of(connection, [one.public_id for one in selves])
    return Response(_encode(AppealList([await _shown(wiring, one) for one in appeals])), media_type=JSON)


@get(
    "/v1/appeals",
    before_request=for_roles("operator", "support", "auditor"),
    operation_id="listAppeals",
    summary="List appeals that wait",
    tags=["Appeals"],
    responses=answers(200, AppealPage, "A page, oldest first.", *LIST_PROBLEMS),
)
async def list_appeals(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Appeals that nobody has answered yet, for staff with one of the roles operator, support and auditor."""
    wiring = wiring_of(request)
    position = position_after(wiring.engine.key, "appeals", cursor, limit)
    after = _START if position is None else _read_position(position)
    async with wiring.engine.pool.connection() as connection:
        found = await list_open_appeals(connection, after=after, limit=limit + 1)
    page, next_cursor = cut(wiring.engine.key, "appeals", found, _write_position, limit)
    answer = AppealPage([await _shown(wiring, one) for one in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@post(
    "/v1/appeals/{appeal:str}/decision",
    before_request=for_roles("operator", "support"),
    operation_id="postAppealDecision",
    summary="Answer an appeal",
    tags=["Appeals"],
    responses=answers(201, AppealMade, "Answered.", *WRITE_PROBLEMS, "not-found", "appeal-decided"),
)
async def post_decision(
    request: CityRequest, appeal: AppealPath, data: AppealDecision, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Uphold or reject an appeal, with the reason that its member reads. It posts nothing by itself."""
    staff = staff_of(request)
    decision = Decision(data.verdict, _written(data.answer, "$.answer"))
    named = appeal_id_of(appeal)
    return await answer_appeal(wiring_of(request), staff.name, staff.owner, idempotency_key, named, decision)


def _written(text: str, field: str) -> str:
    plain = plain_text(text)
    if not is_fit(plain):
        refuse(field, f"{len(plain)} characters", f"1 to {MOST_CHARACTERS} characters, not blanks alone")
    return plain


def _write_position(appeal: Appeal) -> str:
    return f"{appeal.appealed_at}:{appeal.appeal_id}"


def _read_position(position: str) -> tuple[int, UUID]:
    instant, _, identifier = position.partition(":")
    return int(instant), UUID(identifier)


async def _shown(wiring: Wiring, appeal: Appeal) -> AppealAnswer:
    view = await wiring.view(appeal.place)
    return shown_appeal(appeal, str(view.id))


appeal_routes = [post_appeal, list_own_appeals, list_appeals, post_decision]
