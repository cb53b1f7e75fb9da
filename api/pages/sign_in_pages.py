"""Signing in and out, and what a reader prefers."""

import hmac
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Literal
from urllib.parse import urlencode, urlsplit

import structlog
from litestar import Response, Router, get, post
from litestar.params import FromQuery, QueryParameter
from litestar.response import Redirect

from api.pages.frame import (
    LANGUAGE_COOKIE,
    LARGE,
    TYPE_COOKIE,
    framed,
    preference,
    see_other,
    signing_in_of,
)
from api.pages.frame_texts import SIGN_IN
from api.pages.guards import for_signed_in, home_of, homes_of, look_for_session, not_configured, own_form, signed_in
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS
from api.pages.texts import LANGUAGES
from api.requests import CityRequest
from api.signing_in.cookies import PENDING, SESSION, cookie, no_cookie, read_cookie
from api.signing_in.failures import Reason, SignInFailed
from api.signing_in.identity_provider import CALLBACK
from api.signing_in.own_paths import HOMES, own_path
from api.signing_in.pending import PendingSignIn, begin, read_pending, write_pending
from api.signing_in.signing_in import SignedIn, SigningIn
from api.wiring import wiring_of
from ledger.store.sessions import SessionKind, SessionPerson, end_session
from ledger.store.unit_of_work import unit_of_work

MICROSECONDS = 1_000_000

_STATUSES: dict[Reason, HTTPStatus] = {
    "provider-unreachable": HTTPStatus.SERVICE_UNAVAILABLE,
    "provider-refused": HTTPStatus.FORBIDDEN,
    "no-role": HTTPStatus.FORBIDDEN,
    "no-member": HTTPStatus.FORBIDDEN,
    "no-partner": HTTPStatus.FORBIDDEN,
}

_KINDS: dict[str, SessionKind] = {
    "/portal": "citizen",
    "/merchant": "merchant",
    "/finance": "staff",
    "/operator": "staff",
}

_log = structlog.get_logger(__name__)


@get("/sign-in", include_in_schema=False)
async def sign_in_page(
    request: CityRequest, to: FromQuery[str | None] = None, notice: FromQuery[str | None] = None
) -> Response[str] | Redirect:
    """Say what signing in is, and lead to it; whoever is signed in goes on at once."""
    signing_in = signing_in_of(request)
    if signing_in is None:
        return not_configured(request)
    elsewhere = _own_host(request, signing_in)
    if elsewhere is not None:
        return elsewhere
    to = own_path(to)
    session = await look_for_session(request, signing_in)
    if session is not None:
        return see_other(_onward(to, session.person))
    return framed(
        request,
        "sign_in.html",
        SIGN_IN,
        heading="title",
        notice={"ended": "ended", "signed-out": "signed_out", "erased": "erased"}.get(notice or ""),
        start=f"/sign-in/start?{urlencode({'to': to})}" if to else "/sign-in/start",
        back=f"/sign-in?{urlencode({'to': to})}" if to else "/sign-in",
    )


@get("/sign-in/start", include_in_schema=False)
async def start_sign_in(request: CityRequest, to: FromQuery[str | None] = None) -> Response[str] | Redirect:
    """Send the browser to the identity provider, with a cookie that only this sign-in will fit."""
    signing_in = signing_in_of(request)
    if signing_in is None:
        return not_configured(request)
    elsewhere = _own_host(request, signing_in)
    if elsewhere is not None:
        return elsewhere
    to = own_path(to)
    pending = begin(to, _kind_for(to))
    try:
        address = await signing_in.provider.authorization_address(pending)
    except SignInFailed as failure:
        return _failed(request, failure)
    sealed = write_pending(wiring_of(request).engine.key, pending)
    return see_other(address, cookie(PENDING, sealed, is_secure=signing_in.settings.is_secure))


@get(CALLBACK, include_in_schema=False)
async def finish_sign_in(request: CityRequest) -> Response[str] | Redirect:
    """Take the identity provider's answer, once, from the browser that began; a new session, or none."""
    signing_in = signing_in_of(request)
    if signing_in is None:
        return not_configured(request)
    is_secure = signing_in.settings.is_secure
    wiring = wiring_of(request)
    pending = read_pending(wiring.engine.key, read_cookie(request, PENDING, is_secure=is_secure))
    state = request.query_params.get("state", "")
    if pending is None or not hmac.compare_digest(state.encode(), pending.state.encode()):
        return _failed(request, SignInFailed("not-our-sign-in", "no cookie for this state"))
    try:
        code = _code(request, signing_in)
        former = read_cookie(request, SESSION, is_secure=is_secure)
        signed = await signing_in.finish(wiring, code, pending, former)
    except SignInFailed as failure:
        answer = _failed(request, failure)
        answer.cookies.append(no_cookie(PENDING, is_secure=is_secure))
        return answer
    _log.info("signed_in", kind=signed.person.kind)
    return _welcome(pending, signed, is_secure=is_secure)


@post("/sign-out", include_in_schema=False, before_request=for_signed_in)
async def sign_out(request: CityRequest) -> Redirect:
    """End the session in the database, so that a copy of its cookie is worth nothing, and in the browser."""
    await own_form(request)
    signing_in = signing_in_of(request)
    assert signing_in is not None  # noqa: S101 - the guard saw it
    async with wiring_of(request).engine.pool.connection() as connection, unit_of_work(connection):
        await end_session(connection, signed_in(request).digest)
    answer = see_other("/sign-in?notice=signed-out")
    answer.cookies.append(no_cookie(SESSION, is_secure=signing_in.settings.is_secure))
    return answer


@get("/account", include_in_schema=False, before_request=for_signed_in)
async def account_page(request: CityRequest) -> Response[str]:
    """Who is signed in, and until when."""
    session = signed_in(request)
    partner = None
    if session.person.partner is not None:
        partner = (await wiring_of(request).fresh_registry()).partners[session.person.partner].name
    return framed(
        request,
        "account.html",
        SIGN_IN,
        person=session.person,
        homes=homes_of(session.person),
        partner=partner,
        until=f"{datetime.fromtimestamp(session.ends_at // MICROSECONDS, UTC):%Y-%m-%d %H:%M} UTC",
    )


@get("/preferences", include_in_schema=False)
async def keep_preference(
    language: FromQuery[str | None] = None,
    size: Annotated[Literal["large", "normal"] | None, QueryParameter(name="type")] = None,
    to: FromQuery[str | None] = None,
) -> Redirect:
    """Keep the language or the size of type, and lead back to one of our own pages."""
    answer = see_other(own_path(to, (*HOMES, "/sign-in")) or "/")
    if language is not None and language in LANGUAGES:
        answer.cookies.append(preference(LANGUAGE_COOKIE, language))
    if size is not None:
        answer.cookies.append(preference(TYPE_COOKIE, LARGE if size == LARGE else "normal"))
    return answer


def _code(request: CityRequest, signing_in: SigningIn) -> str:
    """The code in the provider's answer; raises SignInFailed where it says no, or another provider speaks."""
    if request.query_params.get("iss", signing_in.provider.issuer) != signing_in.provider.issuer:
        raise SignInFailed("not-our-sign-in", "iss is another identity provider")
    if "error" in request.query_params:
        raise SignInFailed("provider-refused", "the identity provider answered an error")
    code = request.query_params.get("code")
    if not code:
        raise SignInFailed("not-our-sign-in", "no code")
    return str(code)


def _welcome(pending: PendingSignIn, signed: SignedIn, *, is_secure: bool) -> Redirect:
    answer = see_other(_onward(pending.to, signed.person))
    answer.cookies.append(cookie(SESSION, signed.secret, is_secure=is_secure))
    answer.cookies.append(no_cookie(PENDING, is_secure=is_secure))
    return answer


def _kind_for(to: str | None) -> SessionKind | None:
    """Whose pages an address leads to; None for pages of everybody's."""
    area = "" if to is None else "/" + to.lstrip("/").partition("?")[0].partition("/")[0]
    return _KINDS.get(area)


def _onward(to: str | None, person: SessionPerson) -> str:
    return to if to is not None and (_kind_for(to) in {None, person.kind}) else home_of(person)


def _own_host(request: CityRequest, signing_in: SigningIn) -> Redirect | None:
    """In the demo, lead a browser that came by another name of this machine to the one that sign-ins return to."""
    own = urlsplit(signing_in.settings.public_url)
    if signing_in.settings.demo_secret is None or request.headers.get("host", own.netloc).lower() == own.netloc:
        return None
    to = own_path(request.query_params.get("to"))
    query = f"?{urlencode({'to': to})}" if to else ""
    return see_other(f"{signing_in.settings.public_url}/sign-in{query}")


def _failed(request: CityRequest, failure: SignInFailed) -> Response[str]:
    _log.warning("sign_in_failed", reason=failure.reason, cause=failure.cause)
    return framed(
        request,
        "message.html",
        SIGN_IN,
        status_code=_STATUSES.get(failure.reason, HTTPStatus.BAD_REQUEST),
        heading="failed_title",
        sentence=failure.reason,
        number=None,
        onward="/sign-in",
        onward_name="try_again",
        back="/sign-in",
    )


sign_in_router = Router(
    "/",
    route_handlers=[
        sign_in_page,
        start_sign_in,
        finish_sign_in,
        sign_out,
        account_page,
        keep_preference,
    ],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
