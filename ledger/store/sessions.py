"""Sessions of the pages: begun at sign-in, seen, ended.

A session is found by the digest of its secret, which only the browser's cookie holds. It ends at sign-out,
after half an hour without a request, and twelve hours after it began, by the real time also on a sandbox.
"""

import hashlib
import secrets
from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import AsyncConnection

from ledger.store.credentials import StaffRole

SessionKind = Literal["citizen", "merchant", "staff"]

IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 12 * 60 * 60
SEEN_EVERY_SECONDS = 60

_SECRET_BYTES = 32

_ADD = """
insert into sessions (secret_digest, kind, person, partner, roles, ends_at)
values (%s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
"""
_FIND = """
select kind, person, partner, roles, ends_at, seen_at < clock_timestamp() - make_interval(secs => %s)
from sessions
where secret_digest = %s and ends_at > clock_timestamp()
  and seen_at > clock_timestamp() - make_interval(secs => %s)
"""
_SEE = "update sessions set seen_at = clock_timestamp() where secret_digest = %s"
_END = "delete from sessions where secret_digest = %s"
_END_OF_PERSONS = "delete from sessions where kind = 'citizen' and person = any(%s)"
_PRUNE = """
delete from sessions where secret_digest in (
    select secret_digest from sessions
    where ends_at <= clock_timestamp() or seen_at <= clock_timestamp() - make_interval(secs => %s)
    limit %s
)
"""


class SessionPerson(msgspec.Struct, frozen=True, kw_only=True):
    """Who is signed in: a member by its public id, somebody of a partner's, or staff by its subject and roles."""

    kind: SessionKind
    person: str
    partner: int | None = None
    roles: tuple[StaffRole, ...] = ()


class Session(msgspec.Struct, frozen=True):
    """A session that is good; ``ends_at`` (microseconds since 1970 UTC) is its absolute end."""

    digest: bytes
    person: SessionPerson
    ends_at: int


def secret_digest(secret: str) -> bytes:
    """What is stored of a secret; nobody guesses 256 bits, so a fast hash is right for it."""
    return hashlib.sha256(secret.encode()).digest()


async def begin_session(connection: AsyncConnection, person: SessionPerson) -> str:
    """Begin a session under a new secret, and return the secret for the cookie: it is stored nowhere."""
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    values = [secret_digest(secret), person.kind, person.person, person.partner, list(person.roles), LONGEST_SECONDS]
    await connection.execute(_ADD, values)
    return secret


async def find_session(connection: AsyncConnection, secret: str) -> Session | None:
    """Find a session that is good and note that it was seen; None for any other secret."""
    digest = secret_digest(secret)
    cursor = await connection.execute(_FIND, [SEEN_EVERY_SECONDS, digest, IDLE_SECONDS])
    row = await cursor.fetchone()
    if row is None:
        return None
    kind, person, partner, roles, ends_at, is_to_be_seen = row
    if is_to_be_seen:
        await connection.execute(_SEE, [digest])
    return Session(digest, SessionPerson(kind=kind, person=person, partner=partner, roles=tuple(roles)), ends_at)


async def end_session(connection: AsyncConnection, digest: bytes) -> None:
    """End a session at once; one that has ended stays so."""
    await connection.execute(_END, [digest])


async def end_sessions_of(connection: AsyncConnection, public_ids: Sequence[str]) -> None:
    """End every session of members."""
    await connection.execute(_END_OF_PERSONS, [list(public_ids)])


async def prune_sessions(connection: AsyncConnection, *, limit: int) -> int:
    """Forget some of the sessions that have ended; returns how many."""
    cursor = await connection.execute(_PRUNE, [IDLE_SECONDS, limit])
    return cursor.rowcount
