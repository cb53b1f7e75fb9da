"""API keys of partners and staff: made, listed, rotated and revoked by operators."""

import msgspec
from litestar import Response, delete, get, post

from api.access import for_operators, staff_of
from api.key_steps import end_key, key_answer, make_key, replace_key
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.partners import KeyAnswer, KeyPage, KeyRequest, RotationRequest
from api.wiring import wiring_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.store.credentials import list_credentials

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/keys",
    before_request=for_operators,
    operation_id="postKey",
    summary="Make an API key",
    tags=["Set-up"],
    responses=answers(201, KeyAnswer, "Made; `key` is shown once.", *WRITE_PROBLEMS, "not-found"),
)
async def post_key(request: CityRequest, data: KeyRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Make a key of a `partner`, or of one named person of `staff` with `roles`.

    A replay answers the same with `key: null`: the key itself is not stored.
    """
    return await make_key(wiring_of(request), staff_of(request).owner, idempotency_key, data)


@get(
    "/v1/keys",
    before_request=for_operators,
    operation_id="listKeys",
    summary="List API keys",
    tags=["Set-up"],
    responses=answers(200, KeyPage, "A page.", *LIST_PROBLEMS),
)
async def list_keys(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Keys in the order of their prefixes, also those that are no longer good."""
    wiring = wiring_of(request)
    key = wiring.engine.key
    after = position_after(key, "keys", cursor, limit)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await list_credentials(connection, after=after, limit=limit + 1)
    page, next_cursor = cut(key, "keys", found, lambda credential: credential.prefix, limit)
    answer = KeyPage([key_answer(credential, registry) for credential in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@post(
    "/v1/keys/{prefix:str}/rotate",
    before_request=for_operators,
    operation_id="rotateKey",
    summary="Replace an API key",
    tags=["Set-up"],
    responses=answers(201, KeyAnswer, "The new key; `key` is shown once.", *WRITE_PROBLEMS, "not-found"),
)
async def post_rotation(
    request: CityRequest, prefix: CodePath, data: RotationRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Make a new key with the old one's owner, roles and lifetime; the old one ends after the overlap."""
    return await replace_key(wiring_of(request), staff_of(request).owner, idempotency_key, prefix, data)


@delete(
    "/v1/keys/{prefix:str}",
    status_code=200,
    before_request=for_operators,
    operation_id="revokeKey",
    summary="End an API key",
    tags=["Set-up"],
    responses=answers(200, KeyAnswer, "Revoked.", *READ_PROBLEMS, "not-found"),
)
async def delete_key(request: CityRequest, prefix: CodePath) -> Response[bytes]:
    """End a key for good; it stops within about a second. Again changes nothing."""
    return Response(_encode(await end_key(wiring_of(request), prefix)), media_type=JSON)


key_routes = [post_key, list_keys, post_rotation, delete_key]
