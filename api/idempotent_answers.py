"""Requests that change the set-up or a member: done once per idempotency key, answered the same for ever.

Postings keep their keys in the poster's unit of work; here the work and its answer are one unit of work.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec
from litestar import Response
from psycopg import AsyncConnection

from api.problems import PROBLEM_MEDIA_TYPE, PROBLEM_TYPES, problem_document
from api.requests import refuse_key
from ledger.errors import Busy, IdempotencyKeyReused, LedgerError
from ledger.posting.engine import Engine
from ledger.rules.state import KeyRecord
from ledger.store.stored_answers import claim_key, keep_answer, read_answer, write_answer
from ledger.store.unit_of_work import unit_of_work

ATTEMPTS = 3
REPLAYED = {"Idempotency-Replayed": "true"}

_FIRST_ERROR = 400
_RECORDED_STATUSES = frozenset({404, 409, 422})
_REQUEST_VERSION = 1

_encode = msgspec.json.Encoder().encode


class FirstAnswer(msgspec.Struct, frozen=True):
    """The answer to a request that was not there before.

    ``kept`` is what replays answer instead of ``body``, where that holds a secret which must not be
    stored; a body with a card number is ``sealed``.
    """

    status: int
    body: msgspec.Struct
    kept: msgspec.Struct | None = None
    is_sealed: bool = False


Step = Callable[[], Awaitable[msgspec.Struct]]
"""A step that has units of work of its own and may be taken again: it finds what it did before."""

Work = Callable[[AsyncConnection], Awaitable[FirstAnswer]]


class _KeyTaken(Exception):
    """A poster used the key while the work was done: start again, and find it."""


async def answer_once(
    engine: Engine, owner: str, idempotency_key: str, operation: str, request: msgspec.Struct, work: Work
) -> Response[bytes]:
    """Do the work of a request in a unit of work, or answer what it was answered before.

    ``operation`` names what is asked, with what its path names; with ``request`` it is what must be the
    same when the key comes again. A refusal with status 404, 409 or 422 is kept like any answer, and the
    work's own changes are rolled back. Raises IdempotencyKeyMalformed, IdempotencyKeyReused, and
    LedgerError of other statuses, with nothing recorded.
    """
    refuse_key(idempotency_key)
    digest = engine.key.key_digest(owner, idempotency_key)
    request_digest = engine.key.request_digest(f"{_REQUEST_VERSION}:{operation}:".encode() + _encode(request))
    for _ in range(ATTEMPTS):
        with suppress(_KeyTaken):
            return await _attempt(engine, digest, request_digest, work)
    raise Busy("The idempotency key is in use by another request at this moment; try again.", retry_after_seconds=1)


async def answer_step(
    engine: Engine,
    owner: str,
    idempotency_key: str,
    operation: str,
    request: msgspec.Struct,
    step: Step,
    status: int = 201,
) -> Response[bytes]:
    """Take a step, or answer what its request was answered before; raises as ``answer_once``.

    Why not inside the key's unit of work: a step may take long, and may be taken twice without harm.
    """
    refuse_key(idempotency_key)
    digest = engine.key.key_digest(owner, idempotency_key)
    request_digest = engine.key.request_digest(f"{_REQUEST_VERSION}:{operation}:".encode() + _encode(request))
    async with engine.pool.connection() as connection, unit_of_work(connection):
        record = await claim_key(connection, digest)
    if record is not None:
        return _answered_before(engine, record, request_digest)
    refusal: LedgerError | None = None
    answer: msgspec.Struct = request
    try:
        answer = await step()
    except LedgerError as error:
        refusal = error

    async def work(_: AsyncConnection) -> FirstAnswer:
        if refusal is not None:
            raise refusal
        return FirstAnswer(status, answer)

    return await answer_once(engine, owner, idempotency_key, operation, request, work)


async def _attempt(engine: Engine, digest: bytes, request_digest: bytes, work: Work) -> Response[bytes]:
    async with engine.pool.connection() as connection, unit_of_work(connection):
        record = await claim_key(connection, digest)
        if record is not None:
            return _answered_before(engine, record, request_digest)
        answer, kept = await _done(engine, connection, digest, work)
        if not await keep_answer(connection, digest, request_digest, kept):
            raise _KeyTaken
    return answer


async def _done(
    engine: Engine, connection: AsyncConnection, digest: bytes, work: Work
) -> tuple[Response[bytes], bytes]:
    try:
        # A savepoint: of a refused work nothing stays but the record of the refusal.
        async with connection.transaction():
            first = await work(connection)
    except LedgerError as error:
        status = PROBLEM_TYPES[error.code].status
        if status not in _RECORDED_STATUSES:
            raise
        body = _encode(problem_document(error.code, error.detail, error.facts))
        return _response(status, body), write_answer(engine.key, digest, status, body, is_sealed=False)
    kept = _encode(first.body if first.kept is None else first.kept)
    stored = write_answer(engine.key, digest, first.status, kept, is_sealed=first.is_sealed)
    return _response(first.status, _encode(first.body)), stored


def _answered_before(engine: Engine, record: KeyRecord, request_digest: bytes) -> Response[bytes]:
    if record.request_digest != request_digest or record.answer is None:
        raise IdempotencyKeyReused("The Idempotency-Key was used before, with another request.")
    answered = read_answer(engine.key, record.digest, record.answer)
    if answered is None:
        raise IdempotencyKeyReused("The Idempotency-Key was used before, with another request.")
    return _response(*answered, REPLAYED)


def _response(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response[bytes]:
    media_type = PROBLEM_MEDIA_TYPE if status >= _FIRST_ERROR else "application/json"
    return Response(body, status_code=status, media_type=media_type, headers=headers)
