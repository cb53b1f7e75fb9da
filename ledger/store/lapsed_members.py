"""Finding the members of a lane who have something to lapse, page by page."""

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime

# A lane's members whose next lapse is due, after a member's number: an index walk that never goes back.
_DUE = """
select p.member, m.public_id::text
from member_points p join members m on m.lane = p.lane and m.member = p.member
where p.lane = %s and p.programme = %s and p.member > %s and p.next_lapse_at <= %s
order by p.member limit %s
"""


class DueMember(msgspec.Struct, frozen=True):
    """A member with points past their last day."""

    number: int
    public_id: str


async def read_due_members(
    connection: AsyncConnection, lane: int, programme: int, *, after: int, due_by: int, limit: int
) -> list[DueMember]:
    """Read up to ``limit`` members of a lane with a lapse due by an instant (microseconds), by number."""
    cursor = await connection.execute(_DUE, [lane, programme, after, to_datetime(due_by), limit])
    return [DueMember(*row) for row in await cursor.fetchall()]
