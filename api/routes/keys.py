"""API keys of partners and staff: made, listed, rotated and revoked by operators."""

import msgspec
from litestar import Response, delete, get, post
from psycopg import AsyncConnection

from api.access import for_operators, staff_of
from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
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
from api.schemas.fields import refuse
from api.schemas.partners import KeyAnswer, KeyPage, KeyRequest, RotationRequest
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.rules.programmes import Registry
from ledger.store.credentials import (
    Credential,
    IssuedCredential,
    add_partner_key,
    add_staff_key,
    list_credentials,
    revoke_key,
    rotate_key,
)
from ledger.store.unit_of_work import unit_of_work

SECONDS_PER_DAY = 86_400

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
    _refuse_unclear_owner(data)
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    lifetime_seconds = None if data.expires_in_days is None else data.expires_in_days * SECONDS_PER_DAY

    async def work(connection: AsyncConnection) -> FirstAnswer:
        if data.partner is None:
            issued = await add_staff_key(connection, data.staff or "", data.roles, lifetime_seconds=lifetime_seconds)
        else:
            partner = registry.partner_coded(data.partner)
            if partner is None:
                raise NotFound("No partner has this code.")
            issued = await add_partner_key(connection, partner.number, lifetime_seconds=lifetime_seconds)
        return _first_answer(issued, registry)

    return await answer_once(wiring.engine, staff_of(request).owner, idempotency_key, "make-key", data, work)


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
    answer = KeyPage([_answer(credential, registry) for credential in page], next_cursor)
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
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    _refuse_unlikely(prefix)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        issued = await rotate_key(connection, prefix, overlap_seconds=data.overlap_seconds)
        return _first_answer(issued, registry)

    operation = f"rotate-key:{prefix}"
    return await answer_once(wiring.engine, staff_of(request).owner, idempotency_key, operation, data, work)


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
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    _refuse_unlikely(prefix)
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        credential = await revoke_key(connection, prefix)
    wiring.authentication.forget()
    return Response(_encode(_answer(credential, registry)), media_type=JSON)


def _refuse_unclear_owner(data: KeyRequest) -> None:
    if (data.partner is None) == (data.staff is None):
        refuse("$.partner, $.staff", "both or neither of them", "exactly one of the two")
    if data.partner is not None and data.roles:
        refuse("$.roles", "roles of a partner's key", "no roles: only staff have them")
    if data.staff is not None and not data.roles:
        refuse("$.roles", "nothing", "at least one role")


def _refuse_unlikely(prefix: str) -> None:
    """Refuse what cannot be a prefix before it gets to the database; raises NotFound."""
    if not (prefix.isascii() and prefix.isalnum()):
        raise NotFound("No key has this prefix.")


def _first_answer(issued: IssuedCredential, registry: Registry) -> FirstAnswer:
    answer = _answer(issued.credential, registry)
    return FirstAnswer(201, msgspec.structs.replace(answer, key=issued.key), kept=answer)


def _answer(credential: Credential, registry: Registry) -> KeyAnswer:
    return KeyAnswer(
        prefix=credential.prefix,
        partner=None if credential.partner is None else registry.partners[credential.partner].code,
        staff=credential.staff_name,
        roles=list(credential.roles),
        created_at=rfc3339(credential.created_at),
        expires_at=None if credential.expires_at is None else rfc3339(credential.expires_at),
        revoked_at=None if credential.revoked_at is None else rfc3339(credential.revoked_at),
    )


key_routes = [post_key, list_keys, post_rotation, delete_key]
