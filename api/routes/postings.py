"""Earnings, redemptions and reversals: a partner's commands, one at a time."""

from litestar import Response, post

from api.access import for_partners
from api.answers import TransactionAnswer
from api.posting_answers import post_command
from api.requests import CityRequest
from api.routes.declarations import (
    GIVING_PROBLEMS,
    POSTING_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    IdempotencyKey,
    MemberTokenHeader,
    answers,
)
from api.schemas.commands import EarningRequest, RedemptionRequest, ReversalRequest


@post(
    "/v1/earnings",
    before_request=for_partners,
    operation_id="postEarning",
    summary="Give a member points",
    tags=["Points"],
    responses=answers(201, TransactionAnswer, "Posted.", *GIVING_PROBLEMS),
)
async def post_earning(
    request: CityRequest,
    data: EarningRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Post stated `points`, or those that the programme's rate of that business day gives for a `spend`."""
    return await post_command(request, idempotency_key, data.command())


@post(
    "/v1/redemptions",
    before_request=for_partners,
    operation_id="postRedemption",
    summary="Take points from a member",
    tags=["Points"],
    responses=answers(201, TransactionAnswer, "Posted.", *POSTING_PROBLEMS, "insufficient-points"),
)
async def post_redemption(
    request: CityRequest,
    data: RedemptionRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Post a payment in points: those that expire soonest are used first."""
    return await post_command(request, idempotency_key, data.command())


@post(
    "/v1/transactions/{transaction:str}/reversals",
    before_request=for_partners,
    operation_id="postReversal",
    summary="Take back a transaction",
    tags=["Points"],
    responses=answers(
        201,
        TransactionAnswer,
        "Posted.",
        *WRITE_PROBLEMS,
        "transaction-not-found",
        "not-reversible",
        "already-reversed",
        "currency-mismatch",
        "reversal-exceeds-original",
        "clock-behind",
        "shutting-down",
    ),
)
async def post_reversal(
    request: CityRequest,
    transaction: CodePath,
    data: ReversalRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Reverse an earning or redemption of yours: some `points`, by the `spend` given back, or all of the rest.

    A redemption's points go back into the lots they came from; what was earned and has been spent since
    becomes a shortfall that later points repay.
    """
    return await post_command(request, idempotency_key, data.reversal_of(transaction))


posting_routes = [post_earning, post_redemption, post_reversal]
