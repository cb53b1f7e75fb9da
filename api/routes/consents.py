"""Consents of a member: given for one purpose, listed with their dates, revoked at any time."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import PathParameter
from psycopg import AsyncConnection

from api.access import find_member_in_work, find_named_member, for_partners_members_and_carers, key_owner_of
from api.consenting import consent_of, end_consent_of, giver_of, leave_of_member, partner_allowed, refuse_other, seen_by
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    WRITE_PROBLEMS,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    MemberPath,
    MemberTokenHeader,
    also_answers,
    answers,
)
from api.schemas.consents import ConsentAnswer, ConsentPage, ConsentRequest, RevocationRequest, consent_answer
from api.wiring import wiring_of
from ledger.posting.engine import Engine
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.fresh_registry import fresh_registry
from ledger.rules.programmes import Registry
from ledger.store.consents import read_consents
from ledger.store.member_selves import read_selves
from ledger.store.registry import read_registry_version

CREATED, FOUND = 201, 200

ConsentPath = Annotated[str, PathParameter(description="A consent's id.")]

_encode = msgspec.json.Encoder().encode


@get(
    "/v1/members/{member:str}/consents",
    before_request=for_partners_members_and_carers,
    operation_id="listConsents",
    summary="List a member's consents",
    tags=["Personal data"],
    responses=answers(200, ConsentPage, "A page.", *LIST_PROBLEMS, "member-not-found"),
)
async def list_consents(
    request: CityRequest,
    member: MemberPath,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """All consents in the order in which they were given, revoked ones too.

    A partner needs the member's token, and sees its own and those that concern the whole ledger.
    """
    wiring = wiring_of(request)
    leave = await leave_of_member(request)
    found = await find_named_member(request, member)
    refuse_other(found, leave)
    name = f"consents:{await wiring.public_id(found)}"
    after = position_after(wiring.engine.key, name, cursor, limit)
    async with wiring.engine.pool.connection() as connection:
        public_ids = [one.public_id for one in await read_selves(connection, found)]
        after_id = None if after is None else UUID(after)
        rest = await read_consents(connection, public_ids, seen_by=seen_by(request), after=after_id, limit=limit + 1)
    page, next_cursor = cut(wiring.engine.key, name, rest, lambda consent: str(consent.consent_id), limit)
    registry = await wiring.fresh_registry()
    answer = ConsentPage([consent_answer(consent, registry) for consent in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@post(
    "/v1/members/{member:str}/consents",
    before_request=for_partners_members_and_carers,
    operation_id="postConsent",
    summary="Give a consent",
    tags=["Personal data"],
    responses=answers(
        201,
        ConsentAnswer,
        "Given.",
        *WRITE_PROBLEMS,
        "member-not-found",
        "not-found",
        "member-closed",
        "guardian-consent-needed",
    )
    | also_answers(200, ConsentAnswer, "The consent that stands already."),
)
async def post_consent(
    request: CityRequest,
    member: MemberPath,
    data: ConsentRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """Consent to one purpose, by the member, by a partner with the member's token, or by staff for the member.

    While a member may be under 14, a guardian's consent comes first; it is not given with the member's own
    token.
    """
    wiring = wiring_of(request)
    partner = await partner_allowed(request, data, "$.partner")
    leave = await leave_of_member(request)
    owner = await key_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        refuse_other(found, leave)
        consent, is_new = await consent_of(connection, found, data.purpose, partner, giver_of(request))
        answer = consent_answer(consent, await _registry(connection, wiring.engine))
        return FirstAnswer(CREATED if is_new else FOUND, answer, is_sealed=True)

    return await answer_once(wiring.engine, owner, idempotency_key, f"consent:{member}", data, work)


@post(
    "/v1/members/{member:str}/consents/{consent:str}/revocation",
    before_request=for_partners_members_and_carers,
    operation_id="postRevocation",
    summary="End a consent",
    tags=["Personal data"],
    responses=answers(201, ConsentAnswer, "Revoked.", *WRITE_PROBLEMS, "member-not-found", "not-found"),
)
async def post_revocation(
    request: CityRequest,
    member: MemberPath,
    consent: ConsentPath,
    data: RevocationRequest,
    idempotency_key: IdempotencyKey,
    member_token: MemberTokenHeader = None,  # noqa: ARG001 - declared here, read with the caller
) -> Response[bytes]:
    """End a consent at once; again changes nothing.

    A guardian's revocation takes back all consents of a member who may be under 14.
    """
    wiring = wiring_of(request)
    leave = await leave_of_member(request)
    owner = await key_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        found = await find_member_in_work(connection, request, member)
        refuse_other(found, leave)
        revoked = await end_consent_of(connection, found, consent, giver_of(request), seen_by=seen_by(request))
        answer = consent_answer(revoked, await _registry(connection, wiring.engine))
        return FirstAnswer(CREATED, answer, is_sealed=True)

    operation = f"revoke-consent:{member}:{consent}"
    return await answer_once(wiring.engine, owner, idempotency_key, operation, data, work)


async def _registry(connection: AsyncConnection, engine: Engine) -> Registry:
    """The set-up, over the connection of the work: waiting for another could wait for itself."""
    return await fresh_registry(connection, engine.registry.current, await read_registry_version(connection))


consent_routes = [list_consents, post_consent, post_revocation]
