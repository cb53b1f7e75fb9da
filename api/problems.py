"""The only error-to-problem table: RFC 9457 documents, and which exception becomes which.

What each code means is in ``api/problem_catalogue``; every code has a page at its ``type``.
"""

import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import msgspec
import psycopg
import structlog
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec
from litestar.serialization import decode_json
from litestar.types import ExceptionHandlersMap

from api.malformed_requests import Fault, fault_of_body, fault_of_exception
from api.problem_catalogue import PROBLEM_TYPES, ProblemType
from ledger.errors import LedgerError

__all__ = [
    "EXCEPTION_HANDLERS",
    "PROBLEM_MEDIA_TYPE",
    "PROBLEM_TYPES",
    "Problem",
    "ProblemType",
    "problem_document",
    "problem_response",
    "problem_responses",
]

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_PAGES = "/problems"

_FRAMES_LOGGED = 30
_CAUSES_LOGGED = 5

_log = structlog.get_logger(__name__)

_HTTPRequest = Request[Any, Any, State]

_CODE_OF_STATUS = {
    HTTPStatus.UNAUTHORIZED: "unauthenticated",
    HTTPStatus.FORBIDDEN: "forbidden",
    HTTPStatus.NOT_FOUND: "not-found",
    HTTPStatus.METHOD_NOT_ALLOWED: "method-not-allowed",
    HTTPStatus.NOT_ACCEPTABLE: "not-acceptable",
    HTTPStatus.CONFLICT: "conflict",
    HTTPStatus.PRECONDITION_FAILED: "precondition-failed",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "payload-too-large",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "unsupported-media-type",
    HTTPStatus.PRECONDITION_REQUIRED: "precondition-required",
    HTTPStatus.TOO_MANY_REQUESTS: "too-many-requests",
    HTTPStatus.SERVICE_UNAVAILABLE: "busy",
}


class Problem(msgspec.Struct, frozen=True):
    """The members that every problem document has, for the OpenAPI document.

    The facts of the problem type follow as further members.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    instance: str | msgspec.UnsetType = msgspec.UNSET


def problem_document(
    code: str, detail: str, facts: Mapping[str, object], instance: str | None = None
) -> dict[str, object]:
    """Build the problem document, with its members in an order that never varies.

    Facts come sorted by name, so a refusal that was stored and read again gives the same bytes.
    A fact that is None is left out: that is how ``available`` is kept from a partner who may not
    see the balance. Raises KeyError for an unknown code, ValueError for a fact that would hide a
    member of the standard.
    """
    problem = PROBLEM_TYPES[code]
    document: dict[str, object] = {
        "type": f"{PROBLEM_PAGES}/{code}",
        "title": problem.title,
        "status": problem.status,
        "detail": detail,
        "code": code,
        "retryable": problem.retryable,
    }
    if instance is not None:
        document["instance"] = instance
    if hidden := facts.keys() & {*document, "instance"}:
        message = f"facts of {code}: got {sorted(hidden)}, wanted names that RFC 9457 does not use"
        raise ValueError(message)
    document.update((name, facts[name]) for name in sorted(facts) if facts[name] is not None)
    return document


def problem_response(
    code: str,
    detail: str,
    facts: Mapping[str, object] | None = None,
    *,
    instance: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response[bytes]:
    """Build the answer: the document, its media type, and the headers its status asks for.

    ``Retry-After`` is the fact ``retry_after_seconds`` or, without it, the problem type's own.
    """
    problem = PROBLEM_TYPES[code]
    facts = facts or {}
    retry_after_seconds = facts.get("retry_after_seconds", problem.retry_after_seconds)
    all_headers = dict(headers or {})
    if problem.status == HTTPStatus.UNAUTHORIZED:
        all_headers.setdefault("WWW-Authenticate", "Bearer")
    if retry_after_seconds is not None:
        all_headers.setdefault("Retry-After", str(retry_after_seconds))
    return Response(
        msgspec.json.encode(problem_document(code, detail, facts, instance)),
        status_code=problem.status,
        media_type=PROBLEM_MEDIA_TYPE,
        headers=all_headers,
    )


def problem_responses(*codes: str) -> dict[int, ResponseSpec]:
    """Declare in OpenAPI that a route can answer with these problems: its ``responses=``."""
    codes_of_status: dict[int, list[str]] = {}
    for code in codes:
        codes_of_status.setdefault(PROBLEM_TYPES[code].status, []).append(code)
    return {
        status: ResponseSpec(
            data_container=Problem,
            generate_examples=False,
            description=", ".join(named),
            media_type=PROBLEM_MEDIA_TYPE,
        )
        for status, named in codes_of_status.items()
    }


def _answer_ledger_error(request: _HTTPRequest, error: LedgerError) -> Response[bytes]:
    if error.code == "internal-error":
        return _answer_unexpected(request, error)
    if PROBLEM_TYPES[error.code].status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.warning(
            "service_problem",
            code=error.code,
            detail=error.detail,
            route=_route_of(request),
        )
    return problem_response(error.code, error.detail, error.facts)


def _answer_http_exception(request: _HTTPRequest, error: HTTPException) -> Response[bytes]:
    code = _CODE_OF_STATUS.get(HTTPStatus(error.status_code))
    if error.detail == HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase:
        # Litestar's multipart parser says so in words only, under status 400.
        code = "payload-too-large"
    if code is not None:
        own_words = error.detail != HTTPStatus(error.status_code).phrase
        detail = error.detail if own_words else PROBLEM_TYPES[code].meaning
        return problem_response(code, detail, headers=error.headers)
    if error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _answer_unexpected(request, error)
    return _malformed(fault_of_exception(error))


def _answer_undecodable(_: _HTTPRequest, error: Exception) -> Response[bytes]:
    return _malformed(fault_of_body(error))


def _answer_recursion(request: _HTTPRequest, error: RecursionError) -> Response[bytes]:
    """A body nested too deeply is the caller's fault; any other endless recursion is ours."""
    *_, (innermost, _) = traceback.walk_tb(error.__traceback__)
    if innermost.f_globals.get("__name__") == decode_json.__module__:
        return _malformed(fault_of_body(error))
    return _answer_unexpected(request, error)


def _malformed(fault: Fault) -> Response[bytes]:
    if (fault.where, (fault.field or "").lower()) == ("header", "idempotency-key"):
        return problem_response("idempotency-key-missing", fault.detail)
    return problem_response("malformed-request", fault.detail, fault.facts)


def _answer_database_error(request: _HTTPRequest, error: Exception) -> Response[bytes]:
    _log.error("database_unavailable", route=_route_of(request), **_without_values(error))
    return problem_response("database-unavailable", PROBLEM_TYPES["database-unavailable"].meaning)


def _answer_unexpected(request: _HTTPRequest, error: Exception) -> Response[bytes]:
    request_id = str(request.state.get("request_id") or uuid4())
    _log.error(
        "internal_error",
        request_id=request_id,
        route=_route_of(request),
        **_without_values(error),
    )
    detail = f"An unexpected fault, logged under request id {request_id}."
    return problem_response("internal-error", detail, {"request_id": request_id})


def _route_of(request: _HTTPRequest) -> str:
    """The route's template: the path itself may name a member."""
    return f"{request.method} {request.scope.get('path_template') or '(no route)'}"


def _without_values(error: Exception) -> dict[str, object]:
    """Describe an error and its causes for the log, by type and place.

    Messages are left out: those of databases and decoders quote rows and requests, and neither
    secrets nor personal data may reach the log. Source lines and SQLSTATE find the fault as well.
    """
    described: list[str] = []
    links: Sequence[BaseException] = _causes(error)
    for link in links:
        described += traceback.format_tb(link.__traceback__, limit=-_FRAMES_LOGGED)
        described.append(f"{type(link).__module__}.{type(link).__qualname__}")
    sqlstates = [link.sqlstate for link in links if isinstance(link, psycopg.Error)]
    return {
        "error": type(error).__qualname__,
        "sqlstate": next(filter(None, sqlstates), None),
        "traceback": "\n".join(described),
    }


def _causes(error: BaseException) -> list[BaseException]:
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(chain) < _CAUSES_LOGGED:
        chain.append(link)
        link = link.__cause__ or link.__context__
    return chain


EXCEPTION_HANDLERS: ExceptionHandlersMap = {
    LedgerError: _answer_ledger_error,
    HTTPException: _answer_http_exception,
    msgspec.DecodeError: _answer_undecodable,
    UnicodeDecodeError: _answer_undecodable,
    RecursionError: _answer_recursion,
    psycopg.OperationalError: _answer_database_error,
    psycopg.InterfaceError: _answer_database_error,
    # Behind a pooler the server may have become a standby.
    psycopg.errors.ReadOnlySqlTransaction: _answer_database_error,
    Exception: _answer_unexpected,
}
"""Litestar's ``exception_handlers`` for the application."""
