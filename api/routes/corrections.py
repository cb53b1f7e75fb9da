"""Corrections: adjustments and write-offs that one person of staff asks for and another decides."""

import asyncio
from http import HTTPStatus
from typing import Annotated
from uuid import UUID, uuid4

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter
from psycopg import AsyncConnection

from api.access import find_member_in_work, for_all_staff, for_roles, staff_of
from api.answers import TransactionAnswer, render_transaction
from api.approved_postings import approval_answer, approval_id_of, post_approved
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import CREATED, JSON, Answered, respond
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.corrections import (
    AdjustmentRequest,
    ApprovalAnswer,
    ApprovalPage,
    ApprovalRequest,
    RejectionRequest,
    WriteOffRequest,
)
from api.wiring import wiring_of
from ledger.errors import PartnerNotFound, ProgrammeNotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.store.approvals import (
    ApprovalOperation,
    ApprovalState,
    Correction,
    add_approval,
    approve,
    list_approvals,
    read_approval,
    reject,
)
from ledger.store.member_profiles import read_profiles

ASKING = ("operator", "support", "finance-clerk", "manager")
DECIDING = ("finance-approver", "manager", "operator")
ASKING_PROBLEMS = (*WRITE_PROBLEMS, "programme-not-found", "member-not-found")

StateQuery = Annotated[
    ApprovalState | None, QueryParameter(name="state", required=False, description="Only those in this state.")
]

_FROM_THE_OLDEST = (0, UUID(int=0))

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/adjustments",
    status_code=HTTPStatus.ACCEPTED,
    before_request=for_roles(*ASKING),
    operation_id="postAdjustment",
    summary="Ask for an adjustment of points",
    tags=["Corrections"],
    responses=answers(202, ApprovalAnswer, "It waits for a second person.", *ASKING_PROBLEMS, "partner-not-found"),
)
async def post_adjustment(
    request: CityRequest, data: AdjustmentRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Ask to give a member points at a partner's cost, or to take points that the partner funds."""
    return await _ask(request, idempotency_key, "adjust", data)


@post(
    "/v1/write-offs",
    status_code=HTTPStatus.ACCEPTED,
    before_request=for_roles(*ASKING),
    operation_id="postWriteOff",
    summary="Ask for a write-off of what a member owes",
    tags=["Corrections"],
    responses=answers(202, ApprovalAnswer, "It waits for a second person.", *ASKING_PROBLEMS),
)
async def post_write_off(
    request: CityRequest, data: WriteOffRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Ask to forgive what a member owes, oldest first; without `points` all of it."""
    return await _ask(request, idempotency_key, "write-off", data)


@post(
    "/v1/approvals/{approval:str}/approval",
    before_request=for_roles(*DECIDING),
    operation_id="approve",
    summary="Approve a correction",
    tags=["Corrections"],
    responses=answers(
        201,
        TransactionAnswer,
        "Posted.",
        *WRITE_PROBLEMS,
        "not-found",
        "second-person-required",
        "approval-decided",
        "programme-not-found",
        "partner-not-found",
        "member-not-found",
        "member-closed",
        "insufficient-points",
        "write-off-exceeds-shortfall",
        "amount-out-of-range",
        "clock-behind",
        "shutting-down",
    ),
)
async def post_approval(
    request: CityRequest,
    approval: CodePath,
    data: ApprovalRequest,
    idempotency_key: IdempotencyKey,
) -> Response[bytes]:
    """Approve what another person asked for; it is posted at once. Approving again answers the same transaction."""
    wiring, person = wiring_of(request), staff_of(request)
    identifier = approval_id_of(approval)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await approve(connection, identifier, person.name)
        return FirstAnswer(CREATED, data)

    decided = await answer_once(wiring.engine, person.owner, idempotency_key, f"approve:{identifier}", data, work)
    if decided.status_code != CREATED:
        return decided
    async with wiring.engine.pool.connection() as connection:
        approved = await read_approval(connection, identifier)
    found = await post_approved(wiring, approved)
    if isinstance(found, Answered):
        return respond(found)
    return respond(Answered(CREATED, render_transaction(found.view), found.is_replay))


@post(
    "/v1/approvals/{approval:str}/rejection",
    before_request=for_roles(*DECIDING),
    operation_id="reject",
    summary="Reject a correction",
    tags=["Corrections"],
    responses=answers(
        201,
        ApprovalAnswer,
        "Rejected.",
        *WRITE_PROBLEMS,
        "not-found",
        "second-person-required",
        "approval-decided",
    ),
)
async def post_rejection(
    request: CityRequest,
    approval: CodePath,
    data: RejectionRequest,
    idempotency_key: IdempotencyKey,
) -> Response[bytes]:
    """Reject what another person asked for; nothing is posted."""
    wiring, person = wiring_of(request), staff_of(request)
    identifier = approval_id_of(approval)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        rejected = await reject(connection, identifier, person.name, data.reason)
        return FirstAnswer(CREATED, await approval_answer(wiring, rejected, shows_reasons=False))

    return await answer_once(wiring.engine, person.owner, idempotency_key, f"reject:{identifier}", data, work)


@get(
    "/v1/approvals",
    before_request=for_all_staff,
    operation_id="listApprovals",
    summary="List approvals",
    tags=["Corrections"],
    responses=answers(200, ApprovalPage, "A page, the oldest first.", *LIST_PROBLEMS),
)
async def get_approvals(
    request: CityRequest,
    standing: StateQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
) -> Response[bytes]:
    """What was asked for, by whom, and what became of it; `state=waiting` is the list of what to decide."""
    wiring = wiring_of(request)
    key, name = wiring.engine.key, f"approvals:{standing}"
    after = position_after(key, name, cursor, limit)
    async with wiring.engine.pool.connection() as connection:
        found = await list_approvals(connection, state=standing, after=_position(after), limit=limit + 1)
    page, next_cursor = cut(key, name, found, lambda one: f"{one.requested_at}:{one.approval_id}", limit)
    items = await asyncio.gather(*(approval_answer(wiring, one, shows_reasons=True) for one in page))
    return Response(
        _encode(ApprovalPage(list(items), next_cursor)), media_type=JSON, headers=next_link(request, next_cursor)
    )


@get(
    "/v1/approvals/{approval:str}",
    before_request=for_all_staff,
    operation_id="getApproval",
    summary="Read an approval",
    tags=["Corrections"],
    responses=answers(200, ApprovalAnswer, "The approval.", *READ_PROBLEMS, "not-found"),
)
async def get_approval(request: CityRequest, approval: CodePath) -> Response[bytes]:
    """What was asked for, by whom and why, and what became of it."""
    wiring = wiring_of(request)
    async with wiring.engine.pool.connection() as connection:
        found = await read_approval(connection, approval_id_of(approval))
    return Response(_encode(await approval_answer(wiring, found, shows_reasons=True)), media_type=JSON)


async def _ask(
    request: CityRequest,
    idempotency_key: str,
    operation: ApprovalOperation,
    data: AdjustmentRequest | WriteOffRequest,
) -> Response[bytes]:
    wiring, person = wiring_of(request), staff_of(request)
    registry = await wiring.fresh_registry()

    async def work(connection: AsyncConnection) -> FirstAnswer:
        if data.programme not in registry.programmes:
            raise ProgrammeNotFound("No programme has this code.", programme=data.programme)
        if isinstance(data, AdjustmentRequest) and registry.partner_coded(data.partner) is None:
            raise PartnerNotFound("No partner has this code.", partner=data.partner)
        member = await find_member_in_work(connection, request, data.member)
        profile = (await read_profiles(connection, [member]))[member]
        added = await add_approval(connection, uuid4(), operation, _correction(data, profile.public_id), person.name)
        return FirstAnswer(HTTPStatus.ACCEPTED, await approval_answer(wiring, added, shows_reasons=False))

    return await answer_once(wiring.engine, person.owner, idempotency_key, f"ask:{operation}", data, work)


def _correction(data: AdjustmentRequest | WriteOffRequest, member: str) -> Correction:
    if isinstance(data, WriteOffRequest):
        return Correction(programme=data.programme, member=member, points=data.points, reason=data.reason)
    return Correction(
        programme=data.programme,
        member=member,
        partner=data.partner,
        points=data.points,
        takes=data.direction == "take",
        reason=data.reason,
    )


def _position(after: str | None) -> tuple[int, UUID]:
    if after is None:
        return _FROM_THE_OLDEST
    instant, _, identifier = after.partition(":")
    return int(instant), UUID(identifier)


correction_routes = [post_adjustment, post_write_off, post_approval, post_rejection, get_approvals, get_approval]
