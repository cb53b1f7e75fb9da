"""What becomes of a membership: frozen, unfrozen, closed, merged into another, moved to another lane."""

from typing import Any, cast
from uuid import UUID

import msgspec
from litestar import Response, post

from api.access import find_named_member, for_operators, for_roles, key_owner_of
from api.answers import rfc3339
from api.authentication import MemberCaller
from api.member_changes import MemberChangeCommand, change_member
from api.posting_answers import CREATED, Answered, respond
from api.requests import CityRequest
from api.routes.declarations import WRITE_PROBLEMS, IdempotencyKey, MemberPath, answers
from api.schemas.member_life import (
    CloseRequest,
    LaneRequest,
    MemberChange,
    MemberChangeAnswer,
    MergeRequest,
    ReasonRequest,
)
from api.wiring import Wiring, wiring_of
from ledger.ids import place_of
from ledger.reading.transactions import TransactionView
from ledger.rules.commands import Close, Freeze, Merge, Move, Unfreeze

CHANGE_PROBLEMS = (*WRITE_PROBLEMS, "member-not-found", "member-closed", "clock-behind", "shutting-down")

_STATUS_AFTER: dict[str, Any] = {"freeze": "frozen", "unfreeze": "active", "close": "closed", "merge": "merged"}

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/members/{member:str}/freeze",
    before_request=for_roles("operator", "support", "manager"),
    operation_id="freezeMember",
    summary="Freeze a member",
    tags=["Members"],
    responses=answers(201, MemberChangeAnswer, "Frozen.", *CHANGE_PROBLEMS, "member-frozen"),
)
async def post_freeze(
    request: CityRequest, member: MemberPath, data: ReasonRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Stop a member's earnings, redemptions, holds and gifts; returns and captures stay possible."""
    return await _change(request, idempotency_key, Freeze(member=member, reason=data.reason))


@post(
    "/v1/members/{member:str}/unfreeze",
    before_request=for_roles("operator", "support", "manager"),
    operation_id="unfreezeMember",
    summary="Unfreeze a member",
    tags=["Members"],
    responses=answers(201, MemberChangeAnswer, "Active again.", *CHANGE_PROBLEMS, "member-not-frozen"),
)
async def post_unfreeze(
    request: CityRequest, member: MemberPath, data: ReasonRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Let a frozen member's points be used again."""
    return await _change(request, idempotency_key, Unfreeze(member=member, reason=data.reason))


@post(
    "/v1/members/{member:str}/close",
    before_request=for_roles("operator", "support", members=True),
    operation_id="closeMember",
    summary="End a membership",
    tags=["Members"],
    responses=answers(201, MemberChangeAnswer, "Closed.", *CHANGE_PROBLEMS, "member-not-empty"),
)
async def post_close(
    request: CityRequest, member: MemberPath, data: CloseRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """End a membership in which nothing is left, by staff or by the member's own token.

    With `give_up_points` the points that are left go back to their issuers; open holds and debts come first.
    """
    if isinstance(request.user, MemberCaller):
        await find_named_member(request, member)
    command = Close(member=member, gives_up_points=data.give_up_points, reason=data.reason)
    return await _change(request, idempotency_key, command)


@post(
    "/v1/members/{member:str}/merge",
    before_request=for_operators,
    operation_id="mergeMember",
    summary="Merge a member into another",
    tags=["Members"],
    responses=answers(201, MemberChangeAnswer, "Merged.", *CHANGE_PROBLEMS, "receiver-not-found", "same-member"),
)
async def post_merge(
    request: CityRequest, member: MemberPath, data: MergeRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Two members turn out to be one person: points, holds and debts go to `into`, and so do all names.

    Lots keep issuer and last day. Later returns of the old member's transactions find their way.
    """
    return await _change(request, idempotency_key, Merge(member=member, into=data.into, reason=data.reason))


@post(
    "/v1/members/{member:str}/move-lane",
    before_request=for_operators,
    operation_id="moveMember",
    summary="Move a member to another lane",
    tags=["Members"],
    responses=answers(201, MemberChangeAnswer, "Moved.", *CHANGE_PROBLEMS, "lane-not-found", "same-lane"),
)
async def post_move(
    request: CityRequest, member: MemberPath, data: LaneRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Take a member with all it has to another lane; its id and its names stay."""
    return await _change(request, idempotency_key, Move(member=member, to_lane=data.lane, reason=data.reason))


async def _change(request: CityRequest, idempotency_key: str, command: MemberChangeCommand) -> Response[bytes]:
    """Submit the command and answer what became of the member, the same for every repeat of the key."""
    wiring = wiring_of(request)
    found = await change_member(wiring, await key_owner_of(request), idempotency_key, command)
    if isinstance(found, Answered):
        return respond(found)
    return respond(Answered(CREATED, _encode(await _answer(wiring, found.view)), found.is_replay))


async def _answer(wiring: Wiring, view: TransactionView) -> MemberChangeAnswer:
    """What a transaction made of its member, out of the journal alone."""
    change = cast("MemberChange", view.kind)
    counter = None if view.counter is None else place_of(UUID(view.counter))
    other = None if counter is None else await wiring.view(counter)
    return MemberChangeAnswer(
        id=view.member or "",
        change=change,
        transaction=view.id,
        recorded_at=rfc3339(view.recorded_at),
        status=_STATUS_AFTER.get(change),
        into=other.member if other is not None and change == "merge" else None,
        lane=other.lane if other is not None and change == "move" else None,
    )


member_life_routes = [post_freeze, post_unfreeze, post_close, post_merge, post_move]
