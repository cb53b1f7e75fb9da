"""API keys: whose they are, what they may do, until when.

Every change but a new key raises the registry's version, which is how each process learns within
about a second that a key it remembers is no longer good.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.errors import NotFound
from ledger.store.bearer_secrets import API_KEY, make_secret
from ledger.store.registry import raise_registry_version

StaffRole = Literal["operator", "finance-clerk", "finance-approver", "manager", "auditor", "support"]

_COLUMNS = "prefix, secret_digest, partner, staff_name, roles, created_at, expires_at, revoked_at"
_ADD = f"""
insert into credentials (prefix, secret_digest, partner, staff_name, roles, expires_at)
values (%s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
returning {_COLUMNS}
"""
_FIND = f"select {_COLUMNS} from credentials where prefix = any(%s)"
_LIST = f"""
select {_COLUMNS} from credentials
where (%(after)s::text is null or prefix > %(after)s)
  and (%(partner)s::int is null or partner = %(partner)s)
order by prefix limit %(limit)s
"""
_LIST_OF = f"select {_COLUMNS} from credentials where partner = %s order by created_at desc, prefix limit %s"
_REVOKE = f"""
update credentials set revoked_at = coalesce(revoked_at, clock_timestamp()) where prefix = %s
returning {_COLUMNS}
"""
_END_LATER = """
update credentials
set expires_at = least(coalesce(expires_at, 'infinity'), clock_timestamp() + make_interval(secs => %s))
where prefix = %s
"""


class Credential(msgspec.Struct, frozen=True):
    """An API key without its secret: a partner's, or one named staff person's with roles.

    Instants are microseconds since 1970 UTC.
    """

    prefix: str
    secret_digest: bytes
    partner: int | None
    staff_name: str | None
    roles: tuple[StaffRole, ...]
    created_at: int
    expires_at: int | None
    revoked_at: int | None

    def is_good(self, now: int) -> bool:
        """Whether it may be used at an instant."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


class IssuedCredential(msgspec.Struct, frozen=True):
    """A key just made; ``key`` is the text to show once."""

    key: str
    credential: Credential


async def add_partner_key(
    connection: AsyncConnection, partner: int, *, lifetime_seconds: int | None = None
) -> IssuedCredential:
    """Make a key of a partner's; without a lifetime it does not expire."""
    return await _add(connection, partner, None, [], lifetime_seconds)


async def add_staff_key(
    connection: AsyncConnection, name: str, roles: Sequence[StaffRole], *, lifetime_seconds: int | None = None
) -> IssuedCredential:
    """Make a key of a named staff person's; without a lifetime it does not expire."""
    return await _add(connection, None, name, roles, lifetime_seconds)


async def rotate_key(connection: AsyncConnection, prefix: str, *, overlap_seconds: int) -> IssuedCredential:
    """Make a new key with the old one's owner, roles and lifetime; the old one ends after the overlap.

    Raises NotFound for an unknown prefix or a key that is no longer good.
    """
    found = await find_credentials(connection, [prefix])
    old = found.get(prefix)
    if old is None or old.revoked_at is not None:
        raise NotFound("No key that is in use has this prefix.")
    lifetime_seconds = None if old.expires_at is None else (old.expires_at - old.created_at) // 1_000_000
    issued = await _add(connection, old.partner, old.staff_name, old.roles, lifetime_seconds)
    await connection.execute(_END_LATER, [overlap_seconds, prefix])
    await raise_registry_version(connection)
    return issued


async def revoke_key(connection: AsyncConnection, prefix: str) -> Credential:
    """End a key now, for good; again does nothing. Raises NotFound for an unknown prefix."""
    cursor = await connection.execute(_REVOKE, [prefix])
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("No key has this prefix.")
    await raise_registry_version(connection)
    return _credential(row)


async def find_credentials(connection: AsyncConnection, prefixes: Sequence[str]) -> dict[str, Credential]:
    """Find keys by their prefixes, good or not; unknown ones are left out."""
    cursor = await connection.execute(_FIND.encode(), [list(prefixes)])
    return {row[0]: _credential(row) for row in await cursor.fetchall()}


async def list_credentials(
    connection: AsyncConnection, *, after: str | None, limit: int, partner: int | None = None
) -> list[Credential]:
    """Read keys in the order of their prefixes, after one of them; all, or those of a partner."""
    cursor = await connection.execute(_LIST.encode(), {"after": after, "limit": limit, "partner": partner})
    return [_credential(row) for row in await cursor.fetchall()]


async def list_partner_credentials(connection: AsyncConnection, partner: int, *, limit: int) -> list[Credential]:
    """Read a partner's keys, the latest first, also those that are no longer good."""
    cursor = await connection.execute(_LIST_OF.encode(), [partner, limit])
    return [_credential(row) for row in await cursor.fetchall()]


async def _add(
    connection: AsyncConnection,
    partner: int | None,
    staff_name: str | None,
    roles: Sequence[StaffRole],
    lifetime_seconds: int | None,
) -> IssuedCredential:
    key, parts = make_secret(API_KEY)
    cursor = await connection.execute(
        _ADD.encode(), [parts.prefix, parts.digest, partner, staff_name, list(roles), lifetime_seconds]
    )
    [row] = await cursor.fetchall()
    return IssuedCredential(key, _credential(row))


def _credential(row: TupleRow) -> Credential:
    prefix, digest, partner, staff_name, roles, *instants = row
    return Credential(prefix, digest, partner, staff_name, tuple(roles), *instants)
