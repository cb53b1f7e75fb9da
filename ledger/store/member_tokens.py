"""Members' tokens: short-lived leave to see a member's points, such as the code shown at a counter."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.store.bearer_secrets import MEMBER_TOKEN, make_secret
from ledger.store.members import Member

_ADD = """
insert into member_tokens (prefix, secret_digest, member, lane, expires_at)
values (%s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
returning expires_at
"""
_CLEAR = "delete from member_tokens where expires_at < clock_timestamp() - interval '1 day'"
_FIND = "select prefix, secret_digest, lane, member, expires_at from member_tokens where prefix = any(%s)"


class MemberToken(msgspec.Struct, frozen=True):
    """A token without its secret. ``expires_at`` is in microseconds since 1970 UTC."""

    prefix: str
    secret_digest: bytes
    member: Member
    expires_at: int


class IssuedToken(msgspec.Struct, frozen=True):
    """A token just made; ``token`` is the text to show once."""

    token: str
    expires_at: int


async def add_member_token(connection: AsyncConnection, member: Member, *, lifetime_seconds: int) -> IssuedToken:
    """Make a token of a member's, and clear those that ended over a day ago."""
    await connection.execute(_CLEAR)
    token, parts = make_secret(MEMBER_TOKEN)
    cursor = await connection.execute(_ADD, [parts.prefix, parts.digest, member.number, member.lane, lifetime_seconds])
    [(expires_at,)] = await cursor.fetchall()
    return IssuedToken(token, expires_at)


async def find_member_tokens(connection: AsyncConnection, prefixes: Sequence[str]) -> dict[str, MemberToken]:
    """Find tokens by their prefixes, ended or not; unknown ones are left out."""
    cursor = await connection.execute(_FIND, [list(prefixes)])
    return {
        prefix: MemberToken(prefix, digest, Member(lane, number), expires_at)
        for prefix, digest, lane, number, expires_at in await cursor.fetchall()
    }
