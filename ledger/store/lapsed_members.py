"""Finding the members of a lane who have something to lapse, now or soon, page by page."""

from datetime import date

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


# A lane's free points that lapse in the days to come, by member and last day, after a member and a day.
_EXPIRING = """
select l.member, m.public_id::text, l.expires_on, sum(l.remaining)::bigint
from lots l join members m on m.lane = l.lane and m.member = l.member
where l.lane = %s and l.programme = %s and l.is_open and l.expires_on between %s and %s
  and (l.member, l.expires_on) > (%s, %s)
group by 1, 2, 3 having sum(l.remaining) > 0
order by 1, 3 limit %s
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


class ExpiringPoints(msgspec.Struct, frozen=True):
    """Free points of a member that share their last day."""

    number: int
    public_id: str
    expires_on: date
    points: int


async def read_expiring_points(
    connection: AsyncConnection,
    lane: int,
    programme: int,
    *,
    after: tuple[int, date],
    days: tuple[date, date],
    limit: int,
) -> list[ExpiringPoints]:
    """Read a lane's points whose last day is within ``days``, by member and day, after a member and day."""
    cursor = await connection.execute(_EXPIRING, [lane, programme, *days, *after, limit])
    return [ExpiringPoints(*row) for row in await cursor.fetchall()]
