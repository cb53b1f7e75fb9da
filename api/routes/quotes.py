"""Quotes: what a command would do, with nothing recorded."""

import secrets
from typing import Any

import msgspec
from litestar import Response, post

from api.access import for_anyone, key_owner_of, partner_of, refuse_unless_staff_with, token_member_of
from api.answers import transaction_answer
from api.authentication import MemberCaller, PartnerCaller, StaffCaller
from api.posting_answers import JSON, prepare
from api.problems import problem_document
from api.requests import CityRequest
from api.routes.corrections import ASKING, DECIDING
from api.routes.declarations import READ_PROBLEMS, MemberTokenHeader, answers
from api.routes.exchanges import prepare_exchange
from api.routes.gifts import prepare_gift
from api.schemas.corrections import AdjustQuote, WriteOffQuote
from api.schemas.exchanges import ExchangeQuote
from api.schemas.gifts import GiftQuote
from api.schemas.quotes import QuoteAnswer, QuotedTransaction, QuoteRequest, StaffQuote, quoted
from api.wiring import Wiring, wiring_of
from ledger.errors import Forbidden
from ledger.reading.transactions import view_posted
from ledger.rules.commands import Adjust, Submission, WriteOff
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.programmes import LEDGER_ITSELF

_KEY_BYTES = 16
_CORRECTORS = frozenset((*ASKING, *DECIDING))

_encode = msgspec.json.Encoder().encode


class _Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A QuoteAnswer whose refusal carries the facts of its problem."""

    posts: bool
    transaction: QuotedTransaction | None = None
    refusal: dict[str, Any] | None = None


@post(
    "/v1/quotes",
    status_code=200,
    before_request=for_anyone,
    operation_id="postQuote",
    summary="Ask what a posting would do",
    tags=["Points"],
    responses=answers(
        200,
        QuoteAnswer,
        "What would happen now.",
        *READ_PROBLEMS,
        "member-not-found",
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
    """Decide any command as it would be decided now, and record nothing; who may send it may ask for a quote of it.

    Without the member's token a partner has 60 quotes a minute in each process of the service, and
    neither the balance nor the available points are told; the RateLimit headers say what is left. A member
    has as many for itself.
    """
    wiring, caller = wiring_of(request), request.user
    headers = None
    if isinstance(caller, MemberCaller) or (
        isinstance(caller, PartnerCaller) and await token_member_of(request) is None
    ):
        headers = wiring.quote_limit.take(await key_owner_of(request))
    submission = await _prepare(request, data)
    quote = await _quote(wiring, await wiring.trials.run(submission))
    return Response(_encode(quote), status_code=200, media_type=JSON, headers=headers)


async def _prepare(request: CityRequest, data: QuoteRequest) -> Submission:
    """Make the submission under a key that nobody has used, since a quote is never a replay.

    Raises Forbidden where the caller may not send such a command, and MemberNotFound.
    """
    wiring, caller = wiring_of(request), request.user
    key = secrets.token_hex(_KEY_BYTES)
    if isinstance(data, AdjustQuote | WriteOffQuote):
        refuse_unless_staff_with(caller, _CORRECTORS)
        return await wiring.engine.intake.prepare(LEDGER_ITSELF, key, _correction(data, key), owner=f"a:{key}")
    if isinstance(caller, StaffCaller):
        raise Forbidden("Staff may ask for quotes of adjustments and write-offs only.")
    if isinstance(data, GiftQuote):
        return await prepare_gift(request, key, data)
    if isinstance(data, ExchangeQuote):
        return await prepare_exchange(request, key, data)
    if isinstance(caller, MemberCaller):
        raise Forbidden("A member's token may ask for quotes of gifts and exchanges only.")
    return await prepare(wiring, partner_of(request).partner, key, data.command(), await token_member_of(request))


def _correction(data: StaffQuote, approval: str) -> Adjust | WriteOff:
    if isinstance(data, AdjustQuote):
        return data.adjustment(data.member, approval)
    return data.write_off(data.member, approval)


async def _quote(wiring: Wiring, outcome: Posted | Refused) -> _Quote:
    if isinstance(outcome, Refused):
        return _Quote(posts=False, refusal=problem_document(outcome.code, outcome.detail, outcome.facts))
    [view] = await view_posted(wiring.engine.pool, outcome, wiring.engine.registry.current)
    return _Quote(posts=True, transaction=quoted(transaction_answer(view)))


quote_routes = [post_quote]
