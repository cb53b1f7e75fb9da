"""Partners: added by operators, seen by staff; a partner sees itself."""

import msgspec
from litestar import Response, get, post

from api.access import for_operators, for_staff_and_partners, staff_of
from api.authentication import PartnerCaller
from api.pages_of_lists import next_link, page_by_code
from api.posting_answers import JSON
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
from api.schemas.partners import PartnerAnswer, PartnerPage, PartnerRequest
from api.set_up_changes import add_partner_once
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.rules.programmes import Partner

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/partners",
    before_request=for_operators,
    operation_id="postPartner",
    summary="Add a partner",
    tags=["Set-up"],
    responses=answers(201, PartnerAnswer, "Added.", *WRITE_PROBLEMS, "already-exists"),
)
async def post_partner(request: CityRequest, data: PartnerRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Add a partner that may take part in programmes; its code is for ever."""
    return await add_partner_once(wiring_of(request), staff_of(request).owner, idempotency_key, data)


@get(
    "/v1/partners",
    before_request=for_staff_and_partners,
    operation_id="listPartners",
    summary="List partners",
    tags=["Set-up"],
    responses=answers(200, PartnerPage, "A page.", *LIST_PROBLEMS),
)
async def list_partners(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Partners in the order of their codes; a partner finds itself alone."""
    wiring = wiring_of(request)
    visible = [one for one in (await wiring.fresh_registry()).partners.values() if _is_visible(request, one)]
    page, next_cursor = page_by_code(
        wiring.engine.key, "partners", visible, lambda partner: partner.code, cursor=cursor, limit=limit
    )
    answer = PartnerPage([_answer(partner) for partner in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@get(
    "/v1/partners/{code:str}",
    before_request=for_staff_and_partners,
    operation_id="getPartner",
    summary="Read a partner",
    tags=["Set-up"],
    responses=answers(200, PartnerAnswer, "The partner.", *READ_PROBLEMS, "not-found"),
)
async def get_partner(request: CityRequest, code: CodePath) -> Response[bytes]:
    """A partner reads itself, staff any."""
    partner = (await wiring_of(request).fresh_registry()).partner_coded(code)
    if partner is None or not _is_visible(request, partner):
        raise NotFound("No partner has this code.")
    return Response(_encode(_answer(partner)), media_type=JSON)


def _is_visible(request: CityRequest, partner: Partner) -> bool:
    caller = request.user
    return not isinstance(caller, PartnerCaller) or caller.partner == partner.number


def _answer(partner: Partner) -> PartnerAnswer:
    return PartnerAnswer(partner.code, partner.kind, partner.name)


partner_routes = [post_partner, list_partners, get_partner]
