"""A member's consents: seen with their dates, given, ended."""

from http import HTTPStatus
from typing import cast

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from api.consenting import consent_of, end_consent_of
from api.pages.frame import see_other
from api.pages.guards import for_citizens, own_form
from api.pages.portal.action_texts import CONSENTS
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.requests import CityRequest
from ledger.errors import GuardianConsentNeeded, MemberClosed
from ledger.reading.cursors import MAXIMUM_LIMIT
from ledger.rules.consents import GUARDIAN, PURPOSES, PurposeName
from ledger.store.consents import Consent, read_consents
from ledger.store.member_selves import read_selves
from ledger.store.unit_of_work import unit_of_work

PAGE = "/portal/consents"

_OWN_PURPOSES = tuple(name for name in PURPOSES if name != GUARDIAN)


class ConsentRow(msgspec.Struct, frozen=True):
    """A consent as the page shows it."""

    id: str
    purpose: str
    partner: str | None
    given_on: str
    ended_on: str | None


@get("/consents", include_in_schema=False, before_request=for_citizens)
async def consents_page(request: CityRequest) -> Response[str]:
    """Show what the member agrees to, and what it did."""
    return await _page(request, await portal_view(request, None))


@post("/consents", include_in_schema=False, before_request=for_citizens)
async def give_own_consent(request: CityRequest) -> Response[str] | Redirect:
    """Give a consent; one that stands already stays as it is, so sending the form again changes nothing."""
    fields = await own_form(request)
    view = await portal_view(request, None)
    purpose = fields.get("purpose", "")
    if purpose not in _OWN_PURPOSES:
        return await _page(request, view, wrong="consent_wrong")
    known = cast("PurposeName", purpose)
    partner = view.registry.partner_coded(fields.get("partner", "")) if PURPOSES[known].is_for_partner else None
    if PURPOSES[known].is_for_partner and partner is None:
        return await _page(request, view, wrong="consent_wrong")
    number = None if partner is None else partner.number
    try:
        async with view.wiring.engine.pool.connection() as connection, unit_of_work(connection):
            await consent_of(connection, view.member, known, number, "member")
    except GuardianConsentNeeded:
        return await _page(request, view, wrong="consent_guardian")
    except MemberClosed:
        return await _page(request, view, wrong="consent_closed")
    return see_other(PAGE)


@post("/consents/{consent:str}/revocation", include_in_schema=False, before_request=for_citizens)
async def revoke_own_consent(request: CityRequest, consent: FromPath[str]) -> Redirect:
    """End a consent of the member's; again changes nothing. Raises NotFound for another's."""
    await own_form(request)
    view = await portal_view(request, None)
    async with view.wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await end_consent_of(connection, view.member, consent, "member", seen_by=None)
    return see_other(PAGE)


async def _page(request: CityRequest, view: PortalView, wrong: str | None = None) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        public_ids = [one.public_id for one in await read_selves(connection, view.member)]
        found = await read_consents(connection, public_ids, seen_by=None, after=None, limit=MAXIMUM_LIMIT)
    partners = sorted(view.registry.partners.values(), key=lambda partner: partner.name)
    return portal_page(
        request,
        view,
        "consents",
        texts=CONSENTS,
        status_code=HTTPStatus.OK if wrong is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        back=PAGE,
        wrong=wrong,
        standing=[_row(consent, view) for consent in found if consent.revoked_at is None],
        ended=[_row(consent, view) for consent in found if consent.revoked_at is not None],
        purposes=_OWN_PURPOSES,
        partners=[(partner.code, partner.name) for partner in partners],
    )


def _row(consent: Consent, view: PortalView) -> ConsentRow:
    partner = None if consent.partner is None else view.registry.partners.get(consent.partner)
    return ConsentRow(
        str(consent.consent_id),
        consent.purpose,
        None if partner is None else partner.name,
        view.moment(consent.given_at),
        None if consent.revoked_at is None else view.moment(consent.revoked_at),
    )
