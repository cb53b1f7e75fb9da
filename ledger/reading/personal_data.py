"""What an export of a member's data needs beside points: names, tokens, programmes, and free text."""

from collections.abc import Sequence
from typing import Literal

import msgspec
from psycopg import AsyncConnection

from ledger.ids import transaction_id
from ledger.store.arrays import Bigints, Smallints
from ledger.store.members import Member

NameKind = Literal["id", "reference", "card"]

_READ_NAMES = """
select n.kind, n.partner, n.created_at, n.blocked_at
from unnest(%b, %b) as wanted(lane, member)
join member_names n on n.lane = wanted.lane and n.member = wanted.member
order by n.created_at, n.digest
"""
_READ_TOKENS = """
select t.expires_at
from unnest(%b, %b) as wanted(lane, member)
join member_tokens t on t.lane = wanted.lane and t.member = wanted.member
order by t.expires_at
"""
_READ_PROGRAMMES = "select programme from member_points where lane = %s and member = %s order by programme"

# A page of the free text of a member's transactions, in their order.
_READ_TEXTS = """
select t.recorded_at, t.lane, t.sequence, t.hash, d.document
from transactions t join details d on d.lane = t.lane and d.sequence = t.sequence
where t.lane = %s and t.member = %s and t.sequence > %s
order by t.sequence limit %s
"""


class MemberName(msgspec.Struct, frozen=True):
    """A name that a member is known by, without the name: only its digest is kept.

    ``partner`` is whose reference it is. Instants are microseconds since 1970 UTC.
    """

    kind: NameKind
    partner: int | None
    created_at: int
    blocked_at: int | None


class Text(msgspec.Struct, frozen=True):
    """What a caller wrote with a transaction, as a JSON object, and where to go on."""

    transaction_id: str
    sequence: int
    document: bytes


async def read_names(connection: AsyncConnection, places: Sequence[Member]) -> list[MemberName]:
    """Read under which kinds of names a member is known, the oldest first."""
    cursor = await connection.execute(_READ_NAMES, _arrays(places))
    return [MemberName(*row) for row in await cursor.fetchall()]


async def read_token_ends(connection: AsyncConnection, places: Sequence[Member]) -> list[int]:
    """Until when each of a member's tokens is good, in microseconds since 1970 UTC; ended ones for a day."""
    cursor = await connection.execute(_READ_TOKENS, _arrays(places))
    return [row[0] for row in await cursor.fetchall()]


async def read_programmes(connection: AsyncConnection, member: Member) -> list[int]:
    """Numbers of the programmes in which a member has or had points."""
    cursor = await connection.execute(_READ_PROGRAMMES, [member.lane, member.number])
    return [row[0] for row in await cursor.fetchall()]


async def read_texts(connection: AsyncConnection, member: Member, *, after: int, limit: int) -> list[Text]:
    """Read up to ``limit`` texts of transactions after a sequence."""
    cursor = await connection.execute(_READ_TEXTS, [member.lane, member.number, after, limit])
    return [
        Text(transaction_id(recorded_at, lane, sequence, digest), sequence, document)
        for recorded_at, lane, sequence, digest, document in await cursor.fetchall()
    ]


def _arrays(places: Sequence[Member]) -> list[bytes]:
    return [Smallints.of([place.lane for place in places]), Bigints.of([place.number for place in places])]
