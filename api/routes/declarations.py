"""What routes declare: the parameters they share and the problems they can answer, for the OpenAPI document."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter, PathParameter, QueryParameter

from api.problems import problem_responses
from api.schemas.fields import Moment, instant_of, refuse

BODY_LIMIT_BYTES = 64 * 1024

IdempotencyKey = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key",
        description="Names this request for ever: repeated with it, it takes effect once and is answered alike.",
        schema_extra={"pattern": "^[!-~]{1,255}$"},
    ),
]

MemberTokenHeader = Annotated[
    str | None,
    HeaderParameter(name="Member-Token", required=False, description="The member's leave to see its points."),
]

MemberPath = Annotated[
    str, PathParameter(description="A member's id, `ref:` with your own reference, or `card:` with a card number.")
]

CodePath = Annotated[str, PathParameter(description="A code.")]

ProgrammeQuery = Annotated[str, QueryParameter(name="programme", description="The programme's code.")]

CursorQuery = Annotated[
    str | None,
    QueryParameter(name="cursor", required=False, description="`next_cursor` of the page before, unchanged."),
]

LimitQuery = Annotated[
    int,
    QueryParameter(
        name="limit", description="Length of the page, 1 to 200.", schema_extra={"minimum": 1, "maximum": 200}
    ),
]

READ_PROBLEMS = ("malformed-request", "unauthenticated", "forbidden", "database-unavailable")
LIST_PROBLEMS = (*READ_PROBLEMS, "malformed-cursor")
WRITE_PROBLEMS = (
    *READ_PROBLEMS,
    "idempotency-key-missing",
    "idempotency-key-malformed",
    "idempotency-key-reused",
    "payload-too-large",
    "unsupported-media-type",
    "busy",
)
# Why an issuer may give no points now, or none so many.
FUNDING_PROBLEMS = ("issuer-suspended", "issuer-cover-exhausted", "cap-exhausted")
POSTING_PROBLEMS = (
    *WRITE_PROBLEMS,
    "programme-not-found",
    "partner-not-permitted",
    "programme-closed",
    "member-not-found",
    "code-used",
    "code-expired",
    "member-closed",
    "member-frozen",
    "occurred-in-future",
    "occurred-too-long-ago",
    "period-closed",
    "currency-mismatch",
    "amount-out-of-range",
    "clock-behind",
    "shutting-down",
)

GIVING_PROBLEMS = (*POSTING_PROBLEMS, "zero-points", "campaign-not-found", *FUNDING_PROBLEMS)
SETTLING_PROBLEMS = (*WRITE_PROBLEMS, "clock-behind", "shutting-down")


def answers(status: int, answer: Any, description: str, *problems: str) -> dict[int, ResponseSpec]:  # noqa: ANN401
    """Declare a route's good answer, by its type, and the problems it can answer: its ``responses=``."""
    return {**also_answers(status, answer, description), **problem_responses(*problems)}


def also_answers(
    status: int,
    answer: Any,  # noqa: ANN401 - a type
    description: str,
) -> dict[int, ResponseSpec]:
    """Declare one good answer by its type."""
    return {status: ResponseSpec(answer, generate_examples=False, description=description)}


def time_sent(text: str | None, name: str) -> int | None:
    """A query parameter's time, in microseconds since 1970 UTC; raises MalformedRequest."""
    if text is None:
        return None
    try:
        moment = msgspec.convert(text, Moment)
    except msgspec.ValidationError:
        refuse(name, repr(text[:100]), "a time in RFC 3339 with an offset; + in a query is written %2B", "query")
    assert isinstance(moment, datetime)  # noqa: S101 - what Moment is
    return instant_of(moment, name, "query")
