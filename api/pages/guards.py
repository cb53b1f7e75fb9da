"""Who may see which page. Each route names one of the ``for_…`` as its ``before_request``.

A guard finds the session by the cookie alone, and whose points are shown by the session alone: no address and no
form names a member of whom anything is shown.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlencode

from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect

from api.access import AnyRequest
from api.authentication import MemberCaller, PartnerCaller, StaffCaller
from api.import_uploads import Upload, received_upload
from api.pages.frame import framed, see_other, session_of, signing_in_of
from api.pages.frame_texts import SIGN_IN
from api.pages.page_errors import message
from api.requests import CityRequest
from api.signing_in.cookies import SESSION, no_cookie, read_cookie
from api.signing_in.forms import CSRF_FIELD, csrf_token, read_form, refuse_forged
from api.signing_in.own_paths import own_path
from api.signing_in.signing_in import SigningIn
from api.signing_in.uploads import SentFile, read_upload
from api.wiring import wiring_of
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.credentials import StaffRole
from ledger.store.members import Member, find_members, name_digest
from ledger.store.sessions import Session, SessionKind, SessionPerson, find_session

LONGEST_SECRET = 100
# No key has such a prefix, so the idempotency keys of a person's forms are never those of a key's requests.
PAGES_PREFIX = "pages:"

FINANCE_READERS: frozenset[StaffRole] = frozenset({"finance-clerk", "finance-approver", "manager", "auditor"})
OPERATION_READERS: frozenset[StaffRole] = frozenset({"operator", "auditor"})
APPEAL_READERS: frozenset[StaffRole] = OPERATION_READERS | {"support"}


async def for_signed_in(request: AnyRequest) -> Response[str] | Redirect | None:
    """Let whoever is signed in pass; others are led to the sign-in."""
    return await _check(_ours(request), None)


async def for_citizens(request: AnyRequest) -> Response[str] | Redirect | None:
    """Let citizens pass, with their member as the request's user; others are led to the sign-in, or told no."""
    request = _ours(request)
    refusal = await _check(request, "citizen")
    if refusal is not None:
        return refusal
    session = signed_in(request)
    member = await _find_member(request, session.person.person)
    if member is None:
        return message(request, "forbidden", HTTPStatus.FORBIDDEN, sentence="no-member")
    request.scope["user"] = MemberCaller(member)
    return None


async def for_merchants(request: AnyRequest) -> Response[str] | Redirect | None:
    """Let people of a partner's pass, with the partner as the request's user; others as ``for_citizens``."""
    request = _ours(request)
    refusal = await _check(request, "merchant")
    if refusal is not None:
        return refusal
    partner = signed_in(request).person.partner
    if partner is None:
        msg = "a merchant's session names no partner"
        raise RuntimeError(msg)
    request.scope["user"] = PartnerCaller(partner)
    return None


def for_staff(*roles: StaffRole) -> Callable[[AnyRequest], Awaitable[Response[str] | Redirect | None]]:
    """Let staff with one of the roles pass, with the person as the request's user; others as ``for_citizens``.

    A person is one by the subject at the identity provider. Whoever acts with a key as well is the same
    person there only where the key was made under that subject as its name.
    """
    permitted = frozenset(roles)

    async def check(request: AnyRequest) -> Response[str] | Redirect | None:
        request = _ours(request)
        refusal = await _check(request, "staff")
        if refusal is not None:
            return refusal
        person = signed_in(request).person
        if permitted.isdisjoint(person.roles):
            return message(request, "forbidden", HTTPStatus.FORBIDDEN)
        request.scope["user"] = StaffCaller(person.person, person.roles, f"{PAGES_PREFIX}{person.person}")
        return None

    return check


def homes_of(person: SessionPerson) -> tuple[str, ...]:
    """The areas of the pages that somebody may enter, the usual one first."""
    if person.kind != "staff":
        return ("/portal",) if person.kind == "citizen" else ("/merchant",)
    areas: tuple[tuple[str, frozenset[StaffRole]], ...] = (
        ("/finance", FINANCE_READERS),
        ("/operator", OPERATION_READERS),
        ("/operator/appeals", APPEAL_READERS - OPERATION_READERS),
    )
    return tuple(area for area, roles in areas if not roles.isdisjoint(person.roles))


def home_of(person: SessionPerson) -> str:
    """Where somebody goes after signing in."""
    return next(iter(homes_of(person)), "/account")


async def look_for_session(request: CityRequest, signing_in: SigningIn) -> Session | None:
    """The good session of the request's cookie, which the frame then knows, too."""
    secret = read_cookie(request, SESSION, is_secure=signing_in.settings.is_secure)
    if not secret or len(secret) > LONGEST_SECRET:
        return None
    async with wiring_of(request).engine.pool.connection() as connection:
        session = await find_session(connection, secret)
    request.scope["auth"] = session
    return session


def signed_in(request: CityRequest) -> Session:
    """The session of a request that a guard let pass."""
    session = session_of(request)
    if session is None:
        msg = "a page for people who are signed in has no guard"
        raise RuntimeError(msg)
    return session


def member_of(request: CityRequest) -> Member:
    """The member of a request that ``for_citizens`` let pass."""
    caller = request.user
    if not isinstance(caller, MemberCaller):
        msg = "a citizen's page has no guard"
        raise TypeError(msg)
    return caller.member


async def own_form(request: CityRequest) -> dict[str, str]:
    """The fields of a form of this session; raises ForgedForm and MalformedRequest before anything is done."""
    signing_in = signing_in_of(request)
    assert signing_in is not None  # noqa: S101 - the guard saw it
    fields = await read_form(request)
    token = csrf_token(wiring_of(request).engine.key, signed_in(request).digest)
    refuse_forged(request, fields, token, signing_in.settings.public_url)
    return dict(fields)


@asynccontextmanager
async def own_upload(request: CityRequest, directory: Path) -> AsyncIterator[Upload]:
    """A file that a form of this session sends, of any size: its token comes first, and nothing is stored before it.

    Raises ForgedForm, and as ``received_upload``.
    """
    signing_in = signing_in_of(request)
    assert signing_in is not None  # noqa: S101 - the guard saw it
    public_url = signing_in.settings.public_url
    token = csrf_token(wiring_of(request).engine.key, signed_in(request).digest)
    # Where it comes from is known before any of it is read.
    refuse_forged(request, {CSRF_FIELD: token}, token, public_url)

    def check(sent: str) -> None:
        refuse_forged(request, {CSRF_FIELD: sent}, token, public_url)

    async with received_upload(request, directory, check) as upload:
        yield upload


def not_configured(request: CityRequest) -> Response[str]:
    """Nobody can sign in here."""
    return framed(
        request,
        "sign_in.html",
        SIGN_IN,
        status_code=HTTPStatus.NOT_FOUND,
        heading="off_title",
        notice="off",
        start=None,
    )


async def own_form_with_file(request: CityRequest, file_field: str, largest_bytes: int) -> SentFile:
    """A form of this session with a file; raises ForgedForm before the file is read, and as ``read_upload``."""
    signing_in = signing_in_of(request)
    assert signing_in is not None  # noqa: S101 - the guard saw it
    token, url = csrf_token(wiring_of(request).engine.key, signed_in(request).digest), signing_in.settings.public_url
    return await read_upload(
        request, file_field, largest_bytes, lambda fields: refuse_forged(request, fields, token, url)
    )


async def _find_member(request: CityRequest, public_id: str) -> Member | None:
    """Where a member is at this moment: what is remembered of places may be a second old after a merge or move."""
    engine = wiring_of(request).engine
    digest = name_digest(engine.key, LEDGER_ITSELF, public_id)
    async with engine.pool.connection() as connection:
        return (await find_members(connection, [digest])).get(digest)


def _ours(request: AnyRequest) -> CityRequest:
    """The request as the application makes it; Litestar declares it wider."""
    if not isinstance(request, CityRequest):
        raise TypeError(f"a request is a {type(request).__name__}")
    return request


async def _check(request: CityRequest, kind: SessionKind | None) -> Response[str] | Redirect | None:
    signing_in = signing_in_of(request)
    if signing_in is None:
        return not_configured(request)
    session = await look_for_session(request, signing_in)
    if session is None:
        return _to_sign_in(request, signing_in)
    if kind is not None and session.person.kind != kind:
        return message(request, "forbidden", HTTPStatus.FORBIDDEN)
    return None


def _to_sign_in(request: CityRequest, signing_in: SigningIn) -> Response[str] | Redirect:
    """Lead to the sign-in and back; what a form sent is not kept, and its sender is told so."""
    is_secure = signing_in.settings.is_secure
    had_one = read_cookie(request, SESSION, is_secure=is_secure) is not None
    cookies: list[Cookie] = [no_cookie(SESSION, is_secure=is_secure)] if had_one else []
    if request.method != "GET":
        return framed(
            request,
            "message.html",
            SIGN_IN,
            status_code=HTTPStatus.UNAUTHORIZED,
            heading="ended_title",
            sentence="nothing_sent",
            number=None,
            onward="/sign-in",
            onward_name="sign_in",
            back="/sign-in",
            cookies=cookies,
        )
    query = request.scope["query_string"].decode("latin-1")
    to = own_path(f"{request.scope['path']}?{query}" if query else request.scope["path"])
    wanted = ({"to": to} if to else {}) | ({"notice": "ended"} if had_one else {})
    return see_other(f"/sign-in?{urlencode(wanted)}" if wanted else "/sign-in", *cookies)
