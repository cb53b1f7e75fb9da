"""Gifts: a member's points for another member."""

from litestar import Response, post

from api.access import for_members_and_partners
from api.answers import TransactionAnswer
from api.members_leave import prepare_by_leave
from api.posting_answers import answer_outcome, respond
from api.requests import CityRequest, refuse_key
from api.routes.declarations import (
    WRITE_PROBLEMS,
    IdempotencyKey,
    MemberTokenHeader,
    answers,
)
from api.schemas.gifts import GiftRequest
from api.wiring import wiring_of
from ledger.rules.commands import Submission

GIFT_PROBLEMS = (
    *WRITE_PROBLEMS,
    "programme-not-found",
    "programme-closed",
    "member-not-found",
    "member-frozen",
    "member-closed",
    "receiver-not-found",
    "receiver-not-active",
    "same-member",
    "limit-exceeded",
    "insufficient-points",
    "amount-out-of-range",
    "clock-behind",
    "shutting-down",
)


@post(
    "/v1/gifts",
    before_request=for_members_and_partners,
    operation_id="postGift",
    summary="Give points to another member",
    tags=["Points"],
    responses=answers(201, TransactionAnswer, "Given: the giver's side.", *GIFT_PROBLEMS),
)
async def post_gift(
    request: CityRequest,
    data: GiftRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Points go to another member with their issuer and their last day.

    By the giver itself, with its token as the credential, or by a partner beside the giver's token. What a
    member may give and receive in a calendar month is limited. Nothing is told of the receiver.
    """
    refuse_key(idempotency_key)
    wiring = wiring_of(request)
    submission = await prepare_gift(request, idempotency_key, data)
    return respond(await answer_outcome(wiring, await wiring.engine.posters.submit(submission)))


async def prepare_gift(request: CityRequest, idempotency_key: str, data: GiftRequest) -> Submission:
    """Make the submission of a gift, where the caller shows the giver's leave.

    Raises Forbidden for a partner without the member's token, MemberNotFound where ``from`` is another member.
    """
    return await prepare_by_leave(request, idempotency_key, data.giver, data.gift_of, "given")


gift_routes = [post_gift]
