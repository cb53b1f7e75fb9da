"""A member's selves: the member as it is now, and every one that was moved or merged into it.

What was recorded of a former self stays where it was recorded, so whoever asks for all of a person's data
asks for all of the selves.
"""

from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.store.members import Member

# The member and, step by step, what has become it.
_READ = """
with recursive selves (lane, member, public_id, step) as (
    select lane, member, public_id, 0 from members where lane = %s and member = %s
    union all
    select former.lane, former.member, former.public_id, selves.step + 1
    from selves join members former on former.into_lane = selves.lane and former.into_member = selves.member
)
select lane, member, public_id from selves order by step, lane, member
"""

# Waits for others who change the same member's vault, and says what the member's status is then.
_LOCK = "select status from members where lane = %s and member = %s for no key update"


class MemberSelf(msgspec.Struct, frozen=True):
    """Where a member is or was, and the public id that it had there."""

    place: Member
    public_id: UUID


async def read_selves(connection: AsyncConnection, member: Member) -> list[MemberSelf]:
    """Read a member's selves, the present one first; none for a member that is not there."""
    cursor = await connection.execute(_READ, [member.lane, member.number])
    return [MemberSelf(Member(lane, number), public_id) for lane, number, public_id in await cursor.fetchall()]


async def read_places(connection: AsyncConnection, member: Member) -> list[Member]:
    """Read where a member is and, step by step, where it was before it was moved from lane to lane.

    Members that were merged into it are others: what they did before stays theirs.
    """
    selves = await read_selves(connection, member)
    return [one.place for one in selves if one.public_id == selves[0].public_id] or [member]


async def lock_member(connection: AsyncConnection, member: Member) -> str:
    """Hold a member still until the unit of work ends, and return its status; LookupError for nobody."""
    cursor = await connection.execute(_LOCK, [member.lane, member.number])
    row = await cursor.fetchone()
    if row is None:
        msg = f"no member {member.number} in lane {member.lane}"
        raise LookupError(msg)
    return str(row[0])
