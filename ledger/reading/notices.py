"""Notices of expiry: what a member was told of points about to expire, provable later."""

from datetime import date

import msgspec
from psycopg import AsyncConnection

from ledger.ids import LedgerKey, transaction_id
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.rules.programmes import Programme
from ledger.store.members import Member

# Notices of a member in a programme, the newest first.
_READ_NOTICES = """
select t.sequence, t.recorded_at, t.hash, t.points, f.expires_on, f.days_before
from transactions t
join particulars f on f.lane = t.lane and f.sequence = t.sequence
where t.lane = %b and t.member = %b and t.programme = %b and t.kind = 17 and t.sequence < %b
order by t.sequence desc limit %b
"""

_FROM_THE_NEWEST: Position = ((1 << 63) - 1,)


class NoticeView(msgspec.Struct, frozen=True, kw_only=True):
    """A notice: ``points`` could still be used until the end of ``last_day``, ``days_before`` it.

    ``recorded_at`` is in microseconds since 1970 UTC.
    """

    id: str
    points: int
    last_day: date
    days_before: int
    recorded_at: int


class NoticesPage(msgspec.Struct, frozen=True):
    """Some notices, and the cursor of the next page where there is one."""

    notices: tuple[NoticeView, ...]
    next_cursor: str | None


async def read_notices(
    connection: AsyncConnection,
    key: LedgerKey,
    member: Member,
    programme: Programme,
    *,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> NoticesPage:
    """Read a page of a member's notices, newest first.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    refuse_limit(limit)
    paged = PagedList("notices", (member.lane, member.number, programme.number))
    position = _FROM_THE_NEWEST if cursor is None else read_cursor(key, paged, cursor)
    parameters = [member.lane, member.number, programme.number, *position, limit + 1]
    found = await connection.execute(_READ_NOTICES, parameters)
    rows = await found.fetchall()
    next_cursor = write_cursor(key, paged, (rows[limit - 1][0],)) if len(rows) > limit else None
    notices = tuple(
        NoticeView(
            id=transaction_id(recorded_at, member.lane, sequence, digest),
            points=points,
            last_day=last_day,
            days_before=days_before,
            recorded_at=recorded_at,
        )
        for sequence, recorded_at, digest, points, last_day, days_before in rows[:limit]
    )
    return NoticesPage(notices, next_cursor)
