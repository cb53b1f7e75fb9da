"""Whether a problem that a service answered is one that its route declares, for whoever programs against it."""

import json
import re
from functools import cache
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
from litestar.handlers import HTTPRouteHandler

from api.app import ROUTES
from api.problems import PROBLEM_MEDIA_TYPE

# What the frame around every route answers, before there is a route or when there is no service.
ANYWHERE = frozenset({"too-many-requests", "internal-error", "shutting-down"})


def refuse_undocumented(response: httpx.Response) -> None:
    """Fail when an answer is a problem that the OpenAPI document does not name for its route and status."""
    if not response.headers.get("content-type", "").startswith(PROBLEM_MEDIA_TYPE):
        return
    if response.request.method == "HEAD":
        return
    code = json.loads(response.content)["code"]
    if code in ANYWHERE:
        return
    method, path = response.request.method, urlsplit(str(response.request.url)).path
    declared = _declared(method, path)
    if declared is None:
        return
    status = HTTPStatus(response.status_code)
    assert code in declared.get(status, ()), f"{method} {path} answered {status} {code}, which is not documented"


def _declared(method: str, path: str) -> dict[int, list[str]] | None:
    for pattern, problems in _routes().get(method, ()):
        if pattern.fullmatch(path):
            return problems
    return None


@cache
def _routes() -> dict[str, list[tuple[re.Pattern[str], dict[int, list[str]]]]]:
    """By method, the problems that each route declares; paths without parameters come first."""
    handlers = [one for one in ROUTES if isinstance(one, HTTPRouteHandler) and one.responses]
    found: dict[str, list[tuple[re.Pattern[str], dict[int, list[str]]]]] = {}
    for handler in sorted(handlers, key=lambda one: any("{" in path for path in one.paths)):
        specs = (handler.responses or {}).items()
        problems = {int(status): str(spec.description).split(", ") for status, spec in specs}
        for path in handler.paths:
            pattern = re.compile(re.sub(r"\{[^}]*\}", "[^/]+", path))
            for method in handler.http_methods:
                found.setdefault(str(method), []).append((pattern, problems))
    return found
