"""Making, replacing and ending API keys: what operators do over HTTP and on pages, and partners on theirs."""

import msgspec
from litestar import Response
from psycopg import AsyncConnection

from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
from api.schemas.fields import refuse
from api.schemas.partners import KeyAnswer, KeyRequest, RotationRequest
from api.wiring import Wiring
from ledger.errors import NotFound
from ledger.rules.programmes import Registry
from ledger.store.credentials import (
    Credential,
    IssuedCredential,
    add_partner_key,
    add_staff_key,
    find_credentials,
    revoke_key,
    rotate_key,
)
from ledger.store.unit_of_work import unit_of_work

SECONDS_PER_DAY = 86_400


async def make_key(wiring: Wiring, owner: str, idempotency_key: str, data: KeyRequest) -> Response[bytes]:
    """Make a key under the idempotency key of its owner; a replay answers it with ``key: null``.

    The answer to a partner that is unknown is that of NotFound. Raises MalformedRequest for an unclear owner.
    """
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
    wiring: Wiring,
    owner: str,
    idempotency_key: str,
    prefix: str,
    data: RotationRequest,
    *,
    of_partner: int | None = None,
) -> Response[bytes]:
    """Make a new key like an old one, which ends after the overlap; ``of_partner``: only where it is that partner's.

    Raises NotFound for what cannot be a prefix; the answer to an unknown one is that of NotFound, too.
    """
    registry = await wiring.fresh_registry()
    refuse_unlikely_prefix(prefix)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await _refuse_others(connection, prefix, of_partner)
        issued = await rotate_key(connection, prefix, overlap_seconds=data.overlap_seconds)
        return _first_answer(issued, registry)

    return await answer_once(wiring.engine, owner, idempotency_key, f"rotate-key:{prefix}", data, work)


async def end_key(wiring: Wiring, prefix: str, *, of_partner: int | None = None) -> KeyAnswer:
    """End a key for good, on this process at once; ``of_partner``: only where it is that partner's. Raises NotFound."""
    registry = await wiring.fresh_registry()
    refuse_unlikely_prefix(prefix)
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await _refuse_others(connection, prefix, of_partner)
        credential = await revoke_key(connection, prefix)
    wiring.authentication.forget()
    return key_answer(credential, registry)


def key_answer(credential: Credential, registry: Registry) -> KeyAnswer:
    """A key, without the key itself."""
    return KeyAnswer(
        prefix=credential.prefix,
        partner=None if credential.partner is None else registry.partners[credential.partner].code,
        staff=credential.staff_name,
        roles=list(credential.roles),
        created_at=rfc3339(credential.created_at),
        expires_at=None if credential.expires_at is None else rfc3339(credential.expires_at),
        revoked_at=None if credential.revoked_at is None else rfc3339(credential.revoked_at),
    )


async def _refuse_others(connection: AsyncConnection, prefix: str, partner: int | None) -> None:
    """Raise NotFound, as for an unknown key, where a partner names a key that is not its own."""
    if partner is None:
        return
    found = (await find_credentials(connection, [prefix])).get(prefix)
    if found is None or found.partner != partner:
        raise NotFound("No key of yours has this prefix.")


def refuse_unlikely_prefix(prefix: str) -> None:
    """Refuse what cannot be a prefix before it gets to the database; raises NotFound."""
    if not (prefix.isascii() and prefix.isalnum()):
        raise NotFound("No key has this prefix.")


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
