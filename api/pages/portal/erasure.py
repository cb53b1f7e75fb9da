"""Closing one's own account and having oneself erased: the same form again goes on where it was cut short."""

import secrets
from http import HTTPStatus

from litestar import Response, get, post
from litestar.response import Redirect

from api.access import key_owner_of
from api.erasing_members import erase_member
from api.pages.frame import see_other, signing_in_of
from api.pages.guards import for_citizens, own_form
from api.pages.portal.action_texts import ERASURE
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.posting_answers import Answered, code_of, shown
from api.requests import CityRequest, refuse_key
from api.signing_in.cookies import SESSION, no_cookie
from ledger.rules.commands import Close
from ledger.rules.programmes import LEDGER_ITSELF

PAGE = "/portal/data/erasure"
REASON = "asked for by the member itself, on the portal"

_KEY_BYTES = 18


@get("/data/erasure", include_in_schema=False, before_request=for_citizens)
async def erasure_page(request: CityRequest) -> Response[str]:
    """Say what it means, and ask."""
    return await _page(request, await portal_view(request, None))


@post("/data/erasure", include_in_schema=False, before_request=for_citizens)
async def erase_own_data(request: CityRequest) -> Response[str] | Redirect:
    """Close the account, give up what is left, and erase who it was; sent again, it goes on where it stopped."""
    fields = await own_form(request)
    view = await portal_view(request, None)
    if fields.get("sure") != "yes":
        return await _page(request, view, wrong="not_sure")
    key = fields.get("key", "")
    refuse_key(key)
    if (await view.wiring.profile(view.member)).status != "closed":
        refusal = await _close(request, view, key)
        if refusal is not None:
            said = f"not_closed_{refusal}"
            return await _page(request, view, wrong=said if said in ERASURE else "not_closed_other")
    await erase_member(view.wiring, view.member, "member", "member-asked")
    signing_in = signing_in_of(request)
    assert signing_in is not None  # noqa: S101 - the guard saw it
    return see_other("/sign-in?notice=erased", no_cookie(SESSION, is_secure=signing_in.settings.is_secure))


async def _close(request: CityRequest, view: PortalView, key: str) -> str | None:
    """Close the account; the code of the refusal where the ledger says no."""
    command = Close(member=await view.wiring.public_id(view.member), gives_up_points=True, reason=REASON)
    owner = await key_owner_of(request)
    submission = await view.wiring.engine.intake.prepare(LEDGER_ITSELF, key, command, owner=owner, shows_balance=True)
    found = await shown(view.wiring, await view.wiring.engine.posters.submit(submission))
    return code_of(found) if isinstance(found, Answered) else None


async def _page(request: CityRequest, view: PortalView, wrong: str | None = None) -> Response[str]:
    given_up = []
    for programme in view.programmes:
        balance = await view.wiring.balances.get(view.member, programme)
        given_up.append((programme.code, balance.available + balance.pending))
    return portal_page(
        request,
        view,
        "erasure",
        texts=ERASURE,
        status_code=HTTPStatus.OK if wrong is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        back=PAGE,
        wrong=wrong,
        given_up=given_up,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )
