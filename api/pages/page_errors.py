"""Every error of a page for people is a page: which one it is, is decided where the API's problems are."""

from http import HTTPStatus
from typing import Any, cast

from litestar import Request, Response
from litestar.exceptions import MethodNotAllowedException, NotFoundException
from litestar.types import ExceptionHandlersMap

from api.pages.frame import framed, session_of
from api.pages.frame_texts import SIGN_IN
from api.problems import EXCEPTION_HANDLERS
from api.requests import CityRequest
from api.signing_in.forms import ForgedForm

_HEADINGS = {
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "missing",
    HTTPStatus.METHOD_NOT_ALLOWED: "missing",
    HTTPStatus.CONFLICT: "refused",
    HTTPStatus.TOO_MANY_REQUESTS: "many",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
    HTTPStatus.INTERNAL_SERVER_ERROR: "fault",
}
# The first part of every address that people see, without those of programs and the public pages.
_AREAS = {"account", "portal", "merchant", "finance", "operator"}
_KEPT_HEADERS = ("Retry-After", "RateLimit", "RateLimit-Policy")


def message(
    request: CityRequest,
    name: str,
    status_code: int,
    *,
    onward: str | None = None,
    onward_name: str = "back",
    sentence: str | None = None,
    number: str | None = None,
    headers: dict[str, str] | None = None,
) -> Response[str]:
    """A page with one thing to say and one way on; ``name`` is that of its texts."""
    return framed(
        request,
        "message.html",
        SIGN_IN,
        status_code=status_code,
        heading=f"{name}_title",
        sentence=sentence or name,
        number=number,
        onward=onward or ("/account" if session_of(request) else "/sign-in"),
        onward_name=onward_name,
        back="/account" if request.method != "GET" else None,
        headers=headers,
    )


def _answer_with_page(request: Request[Any, Any, Any], error: Any) -> Response[str]:  # noqa: ANN401 - as Litestar has it
    """Answer an error as the API would, but as a page: logged alike, with the same status."""
    request = cast("CityRequest", request)
    problem = _problem(request, error)
    headers = {name: problem.headers[name] for name in _KEPT_HEADERS if name in problem.headers}
    status = HTTPStatus(problem.status_code or HTTPStatus.INTERNAL_SERVER_ERROR)
    name = "forged" if isinstance(error, ForgedForm) else _HEADINGS.get(status, "malformed")
    number = str(request.state.get("request_id")) if name == "fault" else None
    return message(request, name, status, number=number, headers=headers)


def _answer_unrouted(request: Request[Any, Any, Any], error: Any) -> Response[Any]:  # noqa: ANN401 - as Litestar has it
    """Answer an address at which nothing is: people's areas with a page, everything else as the API would."""
    area = request.scope["path"].split("/")[1]
    return _answer_with_page(request, error) if area in _AREAS else _problem(cast("CityRequest", request), error)


def _problem(request: CityRequest, error: Exception) -> Response[bytes]:
    handler = next(EXCEPTION_HANDLERS[kind] for kind in type(error).__mro__ if kind in EXCEPTION_HANDLERS)
    return cast("Response[bytes]", handler(request, error))


PAGE_EXCEPTION_HANDLERS: ExceptionHandlersMap = dict.fromkeys(EXCEPTION_HANDLERS, _answer_with_page)
"""Litestar's ``exception_handlers`` for pages."""

UNROUTED_HANDLERS: ExceptionHandlersMap = {
    NotFoundException: _answer_unrouted,
    MethodNotAllowedException: _answer_unrouted,
}
"""Litestar's ``exception_handlers`` for addresses that belong to no router, so to no page's either."""
