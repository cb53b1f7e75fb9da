"""Partners: all, one with what it takes part in, and a new one."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import get_args

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages.frame import see_other
from api.pages.guards import OPERATION_READERS, for_staff, own_form
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.pages.operator.set_up_texts import SET_UP
from api.requests import CityRequest, refuse_key
from api.schemas.partners import PartnerRequest
from api.set_up_changes import add_partner_once
from ledger.errors import IdempotencyKeyReused, NotFound
from ledger.rules.programmes import Partner, PartnerKind, Programme

KINDS: tuple[str, ...] = get_args(PartnerKind)

MOST_SHOWN = 200

_KEY_BYTES = 18
_FIELDS = ("code", "name", "kind")


@get("/partners", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def partners_page(request: CityRequest, sought: FromQuery[str] = "") -> Response[str]:
    """List partners, all or those looked for, with a form for a new one."""
    return _page(request, await operator_view(request), {}, {}, sought)


@get("/partners/{code:str}", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def partner_page(request: CityRequest, code: FromPath[str]) -> Response[str]:
    """Show one partner and what it takes part in."""
    view = await operator_view(request)
    partner = view.registry.partner_coded(code)
    if partner is None:
        raise NotFound("No partner has this code.")
    fundings = view.registry.fundings
    return operator_page(
        request,
        view,
        "partner",
        texts=SET_UP,
        partner=partner,
        programmes=[
            (one, partner.number in one.issuers, partner.number in one.acceptors, partner.number in one.suspended)
            for one in _programmes_of(view, partner)
        ],
        campaigns=sorted(
            one.code for one in view.registry.campaigns.values() if partner.number in dict(fundings[one.funding])
        ),
    )


@post("/partners", include_in_schema=False, before_request=for_staff("operator"))
async def add_partner_by_form(request: CityRequest) -> Response[str] | Redirect:
    """Add a partner; sent twice it is added once."""
    fields = await own_form(request)
    view = await operator_view(request)
    asked = {name: fields.get(name, "").strip() for name in _FIELDS}
    key = fields.get("key", "")
    refuse_key(key)
    try:
        data = msgspec.convert(asked, PartnerRequest)
    except msgspec.ValidationError as error:
        return _page(request, view, asked, _wrong(str(error)))
    try:
        answer = await add_partner_once(view.wiring, view.owner, key, data)
    except IdempotencyKeyReused:
        return _page(request, view, asked, {"form": "key_reused"})
    if answer.status_code == HTTPStatus.CONFLICT:
        return _page(request, view, asked, {"code": "code_taken"})
    return see_other(f"/operator/partners/{data.code}")


def _wrong(error: str) -> Mapping[str, str]:
    """The field that msgspec names, with the key of what to say."""
    name = next((name for name in _FIELDS if f"$.{name}" in error), "code")
    return {name: f"{name}_wrong"}


def _programmes_of(view: OperatorView, partner: Partner) -> list[Programme]:
    found = [one for one in view.registry.programmes.values() if partner.number in one.issuers | one.acceptors]
    return sorted(found, key=lambda one: one.code)


def _page(
    request: CityRequest,
    view: OperatorView,
    asked: Mapping[str, str],
    wrong: Mapping[str, str],
    sought: str = "",
) -> Response[str]:
    wanted = sought.strip().casefold()
    partners = sorted(
        (one for one in view.registry.partners.values() if wanted in f"{one.code} {one.name}".casefold()),
        key=lambda one: one.code,
    )
    return operator_page(
        request,
        view,
        "partners",
        texts=SET_UP,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        back="/operator/partners",
        rows=[(one, [programme.code for programme in _programmes_of(view, one)]) for one in partners[:MOST_SHOWN]],
        more=max(0, len(partners) - MOST_SHOWN),
        sought=sought,
        kinds=KINDS,
        asked=asked,
        wrong=wrong,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )
