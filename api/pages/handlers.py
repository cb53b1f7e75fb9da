"""The handlers of the pages."""

import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery

from api.pages.rendering import page
from api.pages.tour import tour_steps
from api.problems import PROBLEM_TYPES, problem_document

_HTTPRequest = Request[Any, Any, State]

_ORDINARY_HOST = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?")
_USUAL_ADDRESS = "http://127.0.0.1:8000"


@get("/", include_in_schema=False, sync_to_thread=False)
def start_page(request: _HTTPRequest, lang: FromQuery[str] = "en") -> Response[str]:
    """Show a newcomer what this service is, where everything is, and a tour to try."""
    return page(request, "start.html", lang=lang, steps=tour_steps(_address_of(request)))


@get("/docs", include_in_schema=False, sync_to_thread=False)
def docs_page(request: _HTTPRequest, lang: FromQuery[str] = "en") -> Response[str]:
    """Show the API browser over ``/schema/openapi.json``; works offline."""
    return page(request, "docs.html", lang=lang)


@get("/problems", include_in_schema=False, sync_to_thread=False)
def problem_index(request: _HTTPRequest, lang: FromQuery[str] = "en") -> Response[str]:
    """List every problem type."""
    return page(request, "problem_index.html", lang=lang, problems=list(PROBLEM_TYPES.values()))


@get("/problems/{code:str}", include_in_schema=False, sync_to_thread=False)
def problem_page(request: _HTTPRequest, code: FromPath[str], lang: FromQuery[str] = "en") -> Response[str]:
    """Say what one problem type means and what to do; a page with status 404 for another code."""
    problem = PROBLEM_TYPES.get(code)
    if problem is None:
        return page(request, "problem_unknown.html", lang=lang, status_code=HTTPStatus.NOT_FOUND, code=code)
    document = problem_document(code, "…", dict.fromkeys(problem.facts, "…"))
    example = msgspec.json.format(msgspec.json.encode(document)).decode()
    return page(request, "problem.html", lang=lang, problem=problem, example=example)


def _address_of(request: _HTTPRequest) -> str:
    """Where the reader reached us, for commands to copy.

    A Host header that is no plain host could smuggle a command into them, so it is not used;
    nor is ``request.url``, which fails on such a header.
    """
    host = request.headers.get("host", "")
    if _ORDINARY_HOST.fullmatch(host):
        return f"{request.scope['scheme']}://{host}"
    return _USUAL_ADDRESS
