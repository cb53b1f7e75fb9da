"""What is told of members beside their points: public id, status, when they were created."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.store.arrays import Bigints, Smallints
from ledger.store.members import Member

_READ = """
select m.lane, m.member, m.public_id::text, m.status, m.created_at
from unnest(%b, %b) as wanted(lane, member)
join members m on m.lane = wanted.lane and m.member = wanted.member
"""


class MemberProfile(msgspec.Struct, frozen=True):
    """A member; ``created_at`` is in microseconds since 1970 UTC."""

    public_id: str
    status: str
    created_at: int


async def read_profiles(connection: AsyncConnection, members: Sequence[Member]) -> dict[Member, MemberProfile]:
    """Read members by where they are."""
    arrays = [
        Smallints.of([member.lane for member in members]),
        Bigints.of([member.number for member in members]),
    ]
    cursor = await connection.execute(_READ, arrays)
    return {Member(lane, number): MemberProfile(*rest) for lane, number, *rest in await cursor.fetchall()}
