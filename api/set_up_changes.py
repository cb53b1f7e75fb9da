"""Changes of the set-up that the API's routes and the operator's pages share: partners, permissions, keys.

Each is done once per idempotency key of its owner, and answered the same for ever.
"""

import msgspec
from litestar import Response
from psycopg import AsyncConnection

from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
from api.schemas.fields import refuse
from api.schemas.partners import KeyAnswer, KeyRequest, PartnerAnswer, PartnerRequest, RotationRequest
from api.schemas.programmes import PermissionAnswer, PermissionRequest
from api.wiring import Wiring
from ledger.errors import NotFound, ProgrammeNotFound
from ledger.rules.programmes import Registry
from ledger.store.credentials import (
    Credential,
    IssuedCredential,
    add_partner_key,
    add_staff_key,
    revoke_key,
    rotate_key,
)
from ledger.store.registry_writes import add_partner, permit
from ledger.store.unit_of_work import unit_of_work

SECONDS_PER_DAY = 86_400


async def add_partner_once(wiring: Wiring, owner: str, idempotency_key: str, data: PartnerRequest) -> Response[bytes]:
    """Add a partner that may take part in programmes; a code in use is answered 409. Raises as ``answer_once``."""

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_partner(connection, data.code, data.name, data.kind)
        return FirstAnswer(201, PartnerAnswer(data.code, data.kind, data.name))

    return await answer_once(wiring.engine, owner, idempotency_key, "add-partner", data, work)


async def permit_partner(wiring: Wiring, code: str, partner: str, data: PermissionRequest) -> PermissionAnswer:
    """Say what a partner may do in a programme; raises ProgrammeNotFound and NotFound."""
    registry = await wiring.fresh_registry()
    programme = registry.programmes.get(code)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    permitted = registry.partner_coded(partner)
    if permitted is None:
        raise NotFound("No partner has this code.")
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await permit(
            connection, programme.number, permitted.number, may_issue=data.may_issue, may_accept=data.may_accept
        )
    return PermissionAnswer(permitted.code, data.may_issue, data.may_accept)


async def make_key(wiring: Wiring, owner: str, idempotency_key: str, data: KeyRequest) -> Response[bytes]:
    """Make a key; what it is stands in the first answer alone. Raises MalformedRequest for an unclear owner."""
    _refuse_unclear_owner(data)
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

    return await answer_once(wiring.engine, owner, idempotency_key, "make-key", data, work)


async def replace_key(
    wiring: Wiring, owner: str, idempotency_key: str, prefix: str, data: RotationRequest
) -> Response[bytes]:
    """Make a new key in the place of one that is in use; raises NotFound for what cannot be a prefix."""
    registry = await wiring.fresh_registry()
    refuse_unlikely_prefix(prefix)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        issued = await rotate_key(connection, prefix, overlap_seconds=data.overlap_seconds)
        return _first_answer(issued, registry)

    return await answer_once(wiring.engine, owner, idempotency_key, f"rotate-key:{prefix}", data, work)


async def end_key(wiring: Wiring, prefix: str) -> KeyAnswer:
    """Revoke a key, for good; again does nothing. Raises NotFound."""
    registry = await wiring.fresh_registry()
    refuse_unlikely_prefix(prefix)
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        credential = await revoke_key(connection, prefix)
    wiring.authentication.forget()
    return key_answer(credential, registry)


def refuse_unlikely_prefix(prefix: str) -> None:
    """Refuse what cannot be a prefix before it gets to the database; raises NotFound."""
    if not (prefix.isascii() and prefix.isalnum()):
        raise NotFound("No key has this prefix.")


def key_answer(credential: Credential, registry: Registry) -> KeyAnswer:
    """A key as those who look after keys see it, without the key itself."""
    return KeyAnswer(
        prefix=credential.prefix,
        partner=None if credential.partner is None else registry.partners[credential.partner].code,
        staff=credential.staff_name,
        roles=list(credential.roles),
        created_at=rfc3339(credential.created_at),
        expires_at=None if credential.expires_at is None else rfc3339(credential.expires_at),
        revoked_at=None if credential.revoked_at is None else rfc3339(credential.revoked_at),
    )


def _refuse_unclear_owner(data: KeyRequest) -> None:
    if (data.partner is None) == (data.staff is None):
        refuse("$.partner, $.staff", "both or neither of them", "exactly one of the two")
    if data.partner is not None and data.roles:
        refuse("$.roles", "roles of a partner's key", "no roles: only staff have them")
    if data.staff is not None and not data.roles:
        refuse("$.roles", "nothing", "at least one role")


def _first_answer(issued: IssuedCredential, registry: Registry) -> FirstAnswer:
    answer = key_answer(issued.credential, registry)
    return FirstAnswer(201, msgspec.structs.replace(answer, key=issued.key), kept=answer)
