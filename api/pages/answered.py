"""What a step that is taken once per idempotency key was answered, for pages that say it in their own words."""

from typing import TypeVar

import msgspec
from litestar import Response

T = TypeVar("T", bound=msgspec.Struct)

_FIRST_ERROR = 400


class _Problem(msgspec.Struct, frozen=True):
    code: str


def refusal_code(answer: Response[bytes]) -> str | None:
    """The code of the problem that a step was answered; None where it was taken."""
    if (answer.status_code or 0) < _FIRST_ERROR:
        return None
    return msgspec.json.decode(answer.content, type=_Problem).code


def decoded(answer: Response[bytes], kind: type[T]) -> T:
    """What a step that was taken was answered."""
    return msgspec.json.decode(answer.content, type=kind)
