"""The frame around pages for people who sign in: language and size of type as chosen, who they are, where they are."""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from litestar import Response
from litestar.datastructures import Cookie
from litestar.response import Redirect
from litestar.status_codes import HTTP_303_SEE_OTHER

from api.pages.frame_texts import FRAME
from api.pages.rendering import PAGE_HEADERS, render
from api.pages.texts import LANGUAGES, in_language
from api.requests import CityRequest
from api.signing_in.forms import csrf_token
from api.signing_in.own_paths import own_path
from api.signing_in.signing_in import SigningIn
from api.wiring import wiring_of
from ledger.store.sessions import Session

LANGUAGE_COOKIE, TYPE_COOKIE = "language", "type"
LARGE = "large"

Texts = Mapping[str, tuple[str, str]]


class NavigationEntry(msgspec.Struct, frozen=True):
    """A section of the pages: the key of its name, and its address."""

    name: str
    path: str
    query: str = ""

    def holds(self, path: str) -> bool:
        """Whether a page is one of this section's; a home, whose pages are sections themselves, holds only its own."""
        return path == self.path or (self.path.count("/") > 1 and path.startswith(f"{self.path}/"))


def signing_in_of(request: CityRequest) -> SigningIn | None:
    """What the application signs people in with, if anything."""
    found: SigningIn | None = request.app.state.signing_in
    return found


def session_of(request: CityRequest) -> Session | None:
    """The session that a guard found for this request."""
    found: Session | None = request.scope.get("auth")
    return found


def language_of(request: CityRequest) -> str:
    """The language that the reader chose, or the first of ours that the browser asks for."""
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen is not None and chosen in LANGUAGES:
        return chosen
    asked = request.headers.get("accept-language", "").lower()
    return next((tag for part in asked.split(",") if (tag := part.strip()[:2]) in LANGUAGES), "en")


def framed(
    request: CityRequest,
    template: str,
    texts: Texts,
    *,
    status_code: int = 200,
    navigation: tuple[NavigationEntry, ...] = (),
    back: str | None = None,
    cookies: list[Cookie] | None = None,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response[str]:
    """Render a page in its frame. ``back`` is the page that a switch of language leads to after a form was sent.

    No cache keeps it. Templates put ``gap`` between two sentences and ``colon`` after a label.
    """
    language = language_of(request)
    session = session_of(request)
    html = render(
        template,
        site=request.app.state.site,
        language=language,
        texts={**in_language(FRAME, language), **in_language(texts, language)},
        path=request.scope["path"],
        gap="" if language == "zh" else " ",
        colon="：" if language == "zh" else ": ",
        is_large=request.cookies.get(TYPE_COOKIE) == LARGE,
        here=urlencode({"to": back or _here(request)}),
        navigation=navigation,
        is_signed_in=session is not None,
        csrf=None if session is None else csrf_token(wiring_of(request).engine.key, session.digest),
        **context,
    )
    return Response(
        html,
        status_code=status_code,
        media_type="text/html",
        headers={**PAGE_HEADERS, "Cache-Control": "no-store", **(headers or {})},
        cookies=cookies,
    )


def preference(name: str, value: str) -> Cookie:
    """A cookie that keeps what the reader chose for a year."""
    return Cookie(name, value=value, path="/", max_age=365 * 24 * 60 * 60, httponly=True, samesite="lax")


def see_other(path: str, *cookies: Cookie) -> Redirect:
    """Lead the browser to another page (303), also after a form: it then sends nothing again."""
    return Redirect(path, status_code=HTTP_303_SEE_OTHER, headers={"Cache-Control": "no-store"}, cookies=list(cookies))


def _here(request: CityRequest) -> str:
    query = request.scope["query_string"].decode("latin-1")
    here = f"{request.scope['path']}?{query}" if query else str(request.scope["path"])
    if request.method != "GET":
        return "/account"
    return own_path(here) or "/sign-in"
