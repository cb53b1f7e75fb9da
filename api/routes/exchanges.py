"""Exchanges: a member's points of one programme for points of another."""

import msgspec
from litestar import Response, get, post

from api.access import AnyRequest, for_anyone, for_members_and_partners
from api.answers import TransactionAnswer
from api.authentication import PartnerCaller, StaffCaller
from api.members_leave import prepare_by_leave
from api.posting_answers import JSON, answer_outcome, respond
from api.requests import CityRequest, refuse_key
from api.routes.declarations import (
    FUNDING_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    IdempotencyKey,
    MemberTokenHeader,
    answers,
)
from api.schemas.exchanges import ExchangeRates, ExchangeRequest, rate_answer
from api.settlement_access import FINANCE, programme_coded
from api.wiring import wiring_of
from ledger.rules.commands import Submission
from ledger.rules.programmes import ExchangeRate

EXCHANGE_PROBLEMS = (
    *WRITE_PROBLEMS,
    "programme-not-found",
    "programme-closed",
    "member-not-found",
    "member-frozen",
    "member-closed",
    "exchange-not-offered",
    "exchange-not-whole",
    "insufficient-points",
    "amount-out-of-range",
    *FUNDING_PROBLEMS,
    "clock-behind",
    "shutting-down",
)

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/exchanges",
    before_request=for_members_and_partners,
    operation_id="postExchange",
    summary="Exchange points for points of another programme",
    tags=["Points"],
    responses=answers(201, TransactionAnswer, "Exchanged: the side of the points given.", *EXCHANGE_PROBLEMS),
)
async def post_exchange(
    request: CityRequest,
    data: ExchangeRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Points of one programme are given up, and points of another issued, at the rate of the day.

    By the member itself, with its token as the credential, or by a partner beside the member's token. The points are
    whole multiples of what the rate takes. An exchange cannot be reversed: ask for a quote first.
    """
    refuse_key(idempotency_key)
    wiring = wiring_of(request)
    submission = await prepare_exchange(request, idempotency_key, data)
    return respond(await answer_outcome(wiring, await wiring.engine.posters.submit(submission)))


async def prepare_exchange(request: CityRequest, idempotency_key: str, data: ExchangeRequest) -> Submission:
    """Make the submission of an exchange, where the caller shows the member's leave.

    Raises Forbidden for a partner without the member's token, MemberNotFound where the body names another member.
    """
    return await prepare_by_leave(request, idempotency_key, data.member, data.exchange_of, "exchanged")


@get(
    "/v1/programmes/{code:str}/exchange-rates",
    before_request=for_anyone,
    operation_id="listExchangeRates",
    summary="List the rates of exchange",
    tags=["Set-up"],
    responses=answers(200, ExchangeRates, "All rates, past and to come.", *READ_PROBLEMS, "programme-not-found"),
)
async def list_exchange_rates(request: CityRequest, code: CodePath) -> Response[bytes]:
    """What a programme's points become in others, from which day on; a rate is never overwritten.

    What the issuer is paid is told to finance and to the issuer.
    """
    wiring = wiring_of(request)
    programme = await programme_coded(wiring, code)
    registry = wiring.engine.registry.current
    rates = [rate for rate in registry.exchange_rates.values() if rate.source == programme.number]
    items = [rate_answer(rate, registry, shows_price=_sees_price(request, rate)) for rate in rates]
    items.sort(key=lambda item: (item.target_programme, item.starts_on))
    return Response(_encode(ExchangeRates(items)), media_type=JSON)


def _sees_price(request: AnyRequest, rate: ExchangeRate) -> bool:
    caller = request.user
    if isinstance(caller, StaffCaller):
        return not set(caller.roles).isdisjoint(FINANCE)
    return isinstance(caller, PartnerCaller) and caller.partner == rate.issuer


exchange_routes = [post_exchange, list_exchange_rates]
