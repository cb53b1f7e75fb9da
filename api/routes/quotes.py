"""Quotes: what a command would do, with nothing recorded."""

import secrets
from typing import Any

import msgspec
from litestar import Response, post

from api.access import for_partners, partner_of, token_member_of
from api.answers import transaction_answer
from api.posting_answers import JSON, prepare
from api.problems import problem_document
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, MemberTokenHeader, answers
from api.schemas.commands import QuoteRequest
from api.schemas.quotes import QuoteAnswer, QuotedTransaction, quoted
from api.wiring import Wiring, wiring_of
from ledger.reading.transactions import view_posted
from ledger.rules.outcomes import Posted, Refused

_KEY_BYTES = 16

_encode = msgspec.json.Encoder().encode


class _Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A QuoteAnswer whose refusal carries the facts of its problem."""

    posts: bool
    transaction: QuotedTransaction | None = None
    refusal: dict[str, Any] | None = None


@post(
    "/v1/quotes",
    status_code=200,
    before_request=for_partners,
    operation_id="postQuote",
    summary="Ask what a posting would do",
    tags=["Points"],
    responses=answers(
        200,
        QuoteAnswer,
        "What would happen now.",
        *READ_PROBLEMS,
        "payload-too-large",
        "unsupported-media-type",
        "too-many-requests",
        "clock-behind",
    ),
)
async def post_quote(
    request: CityRequest,
    data: QuoteRequest,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Decide an earning, redemption or reversal as it would be decided now, and record nothing.

    Without the member's token a partner has 60 quotes a minute in each process of the service, and
    neither the balance nor the available points are told; the RateLimit headers say what is left.
    """
    wiring = wiring_of(request)
    caller = partner_of(request)
    token_member = await token_member_of(request)
    headers = None if token_member is not None else wiring.quote_limit.take(caller.owner)
    # A key that nobody has used: a quote is never a replay.
    submission = await prepare(wiring, caller.partner, secrets.token_hex(_KEY_BYTES), data.command(), token_member)
    quote = await _quote(wiring, await wiring.trials.run(submission))
    return Response(_encode(quote), status_code=200, media_type=JSON, headers=headers)


async def _quote(wiring: Wiring, outcome: Posted | Refused) -> _Quote:
    if isinstance(outcome, Refused):
        return _Quote(posts=False, refusal=problem_document(outcome.code, outcome.detail, outcome.facts))
    [view] = await view_posted(wiring.engine.pool, outcome, wiring.engine.registry.current)
    return _Quote(posts=True, transaction=quoted(transaction_answer(view)))


quote_routes = [post_quote]
