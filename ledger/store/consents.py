"""Consents in the vault: given, revoked, read back with their history until the member is erased."""

import secrets
from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.errors import GuardianConsentNeeded, NotFound
from ledger.ids import make_id
from ledger.rules.business_day import to_datetime
from ledger.rules.consents import GUARDIAN, PurposeName, may_be_under_14
from ledger.store.ledger_row import read_clock
from ledger.store.personal_data import read_personal_data

Giver = Literal["member", "partner", "staff"]

_COLUMNS = "consent_id, purpose, partner, given_at, given_by, revoked_at, revoked_by"
_NUMBER = "select nextval('consent_numbers')"
_ADD = f"""
insert into consents (consent_id, public_id, purpose, partner, given_at, given_by)
values (%s, %s, %s, %s, %s, %s)
returning {_COLUMNS}
"""
_FIND_STANDING = f"""
select {_COLUMNS} from consents
where public_id = any(%s) and purpose = %s and partner is not distinct from %s and revoked_at is null
order by consent_id limit 1
"""

# A page by the time of giving, of what a partner may see: its own and those that concern the whole ledger.
_LIST = f"""
select {_COLUMNS} from consents
where public_id = any(%(of)s) and (%(seen_by)s::int is null or partner is null or partner = %(seen_by)s)
  and (%(after)s::uuid is null or consent_id > %(after)s)
order by consent_id limit %(limit)s
"""
_FIND = f"""
select {_COLUMNS} from consents
where public_id = any(%(of)s) and (%(seen_by)s::int is null or partner is null or partner = %(seen_by)s)
  and consent_id = %(consent)s
"""

# Standing -> revoked; what was revoked before stays as it was.
_REVOKE = f"""
update consents set revoked_at = ledger_now(), revoked_by = %s where consent_id = %s and revoked_at is null
returning {_COLUMNS}
"""
_REVOKE_ALL = """
update consents set revoked_at = ledger_now(), revoked_by = %s where public_id = any(%s) and revoked_at is null
"""


class Consent(msgspec.Struct, frozen=True):
    """A consent; ``partner`` is the one that it allows something to. Instants: microseconds since 1970 UTC."""

    consent_id: UUID
    purpose: PurposeName
    partner: int | None
    given_at: int
    given_by: Giver
    revoked_at: int | None
    revoked_by: Giver | None


async def give_consent(
    connection: AsyncConnection, public_ids: Sequence[UUID], purpose: PurposeName, partner: int | None, giver: Giver
) -> tuple[Consent, bool]:
    """Give a consent, or find the one that stands already; True when it is new.

    ``public_ids`` are those of the member's selves, the present one first; the caller holds the member
    locked. Raises GuardianConsentNeeded where the member may be under 14 and no guardian has agreed.
    """
    standing = await _find_standing(connection, public_ids, purpose, partner)
    if standing is not None:
        return standing, False
    now = await read_clock(connection)
    if purpose != GUARDIAN and await _is_child(connection, public_ids, now):
        await _refuse_without_guardian(connection, public_ids)
    cursor = await connection.execute(_NUMBER)
    [(number,)] = await cursor.fetchall()
    consent_id = make_id(now, 0, number, secrets.randbits(22))
    values = [consent_id, public_ids[0], purpose, partner, to_datetime(now), giver]
    cursor = await connection.execute(_ADD.encode(), values)
    [row] = await cursor.fetchall()
    return Consent(*row), True


async def revoke_consent(
    connection: AsyncConnection, public_ids: Sequence[UUID], consent: Consent, revoker: Giver
) -> Consent:
    """Revoke a consent, effective at once; one that is revoked already stays as it is.

    A guardian who revokes takes back everything that a child consented to.
    """
    cursor = await connection.execute(_REVOKE.encode(), [revoker, consent.consent_id])
    row = await cursor.fetchone()
    if row is None:
        return consent
    if consent.purpose == GUARDIAN and await _is_child(connection, public_ids, await read_clock(connection)):
        await connection.execute(_REVOKE_ALL, [revoker, list(public_ids)])
    return Consent(*row)


async def find_consent(
    connection: AsyncConnection, public_ids: Sequence[UUID], consent_id: UUID, *, seen_by: int | None
) -> Consent:
    """Find a member's consent that a partner (None: anybody) may see; raises NotFound."""
    parameters = {"of": list(public_ids), "seen_by": seen_by, "consent": consent_id}
    cursor = await connection.execute(_FIND.encode(), parameters)
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("The member has no consent of this id that you may see.")
    return Consent(*row)


async def read_consents(
    connection: AsyncConnection, public_ids: Sequence[UUID], *, seen_by: int | None, after: UUID | None, limit: int
) -> list[Consent]:
    """Read a member's consents in the order of their ids, which is that of time, revoked ones too."""
    parameters = {"of": list(public_ids), "seen_by": seen_by, "after": after, "limit": limit}
    cursor = await connection.execute(_LIST.encode(), parameters)
    return [Consent(*row) for row in await cursor.fetchall()]


async def allows(connection: AsyncConnection, public_ids: Sequence[UUID], purpose: PurposeName, partner: int) -> bool:
    """Whether a member's consent lets a partner do something at this moment."""
    return await _find_standing(connection, public_ids, purpose, partner) is not None


async def _find_standing(
    connection: AsyncConnection, public_ids: Sequence[UUID], purpose: PurposeName, partner: int | None
) -> Consent | None:
    cursor = await connection.execute(_FIND_STANDING.encode(), [list(public_ids), purpose, partner])
    row = await cursor.fetchone()
    return None if row is None else Consent(*row)


async def _is_child(connection: AsyncConnection, public_ids: Sequence[UUID], now: int) -> bool:
    known = await read_personal_data(connection, public_ids)
    return any(may_be_under_14(data.birth_year, to_datetime(now).year) for data in known)


async def _refuse_without_guardian(connection: AsyncConnection, public_ids: Sequence[UUID]) -> None:
    if await _find_standing(connection, public_ids, GUARDIAN, None) is None:
        msg = "The member may be under 14: a guardian's consent is needed first."
        raise GuardianConsentNeeded(msg, needed=GUARDIAN)
