"""Lots of a member: what is left of each, from when and until when it can be used."""

from datetime import date
from typing import Literal

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.ids import LedgerKey, lot_id
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.reading.due_holds import due_lots
from ledger.reading.fresh_registry import fresh_registry
from ledger.reading.lane_time import read_lane_time
from ledger.reading.transaction_views import Funding, funding_of
from ledger.rules.business_day import end_of_day, to_datetime
from ledger.rules.programmes import Programme, Registry
from ledger.store.members import Member

LotStanding = Literal["usable", "pending", "held", "lapsed", "used"]

_COLUMNS = """
l.lot, l.sequence, l.funding, l.earned_at, l.available_from, l.expires_on, l.original,
l.remaining + coalesce(due.kept, 0), l.held - coalesce(due.released, 0), l.expired, l.restored_from,
o.origin_lane, o.origin_lot, (select version from registry)
"""

# What else is told of a lot: which of another member or lane it comes from, what due holds release into it.
_BESIDE = f"""
left join lot_origins o on o.lane = l.lane and o.lot = l.lot
left join (
    select d.lot, sum(d.kept)::bigint as kept, sum(d.released)::bigint as released
    from member_points p cross join lateral ({due_lots("%(now)b")}) d
    where p.lane = %(lane)b and p.member = %(member)b and p.programme = %(programme)b
    group by d.lot
) due on due.lot = l.lot
"""

# Open lots in the order in which they are used.
_READ_OPEN = f"""
select {_COLUMNS}
from lots l
{_BESIDE}
where l.lane = %(lane)b and l.member = %(member)b and l.programme = %(programme)b and l.is_open
  and (coalesce(l.expires_on, 'infinity'), l.earned_at, l.lot)
    > (%(expires_on)b::text::date, to_timestamp(0) + %(earned_at)b::bigint * interval '1 microsecond', %(lot)b::bigint)
  and l.remaining + l.held > coalesce(due.released - due.kept, 0)
order by coalesce(l.expires_on, 'infinity'), l.earned_at, l.lot limit %(limit)b
"""

# All lots, the newest first. Closed ones are in no index: they are found by the transactions that opened them,
# each of which credits its lot once.
_READ_ALL = f"""
select {_COLUMNS}
from transactions t
join postings p on p.lane = t.lane and p.sequence = t.sequence and p.credit_kind in (2, 3)
join lots l on l.lane = p.lane and l.lot = p.lot and l.sequence = t.sequence
{_BESIDE}
where t.lane = %(lane)b and t.member = %(member)b and t.programme = %(programme)b
  and t.sequence <= %(sequence)b and l.lot < %(lot)b
order by t.sequence desc, l.lot desc limit %(limit)b
"""

_NO_LAST_DAY = "infinity"
_FIRST_OPEN: Position = ("-infinity", 0, 0)
_FIRST_OF_ALL: Position = ((1 << 63) - 1, (1 << 63) - 1)


class MemberLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot and what is left of it; instants are microseconds since 1970 UTC.

    It is ``held`` where all that is left is held, even past its last day: a hold may still use it then.
    It is ``lapsed`` where its last day ended over points that were left, whether or not that is posted,
    or they were given up. ``restored_from`` is the lot whose points came back in it after their last day,
    ``moved_from`` the lot of another member or lane that it continues.
    """

    id: str
    funding: Funding
    original: int
    remaining: int
    held: int
    available_from: int
    expires_on: date | None
    state: LotStanding
    restored_from: str | None
    moved_from: str | None


class LotsPage(msgspec.Struct, frozen=True):
    """Some lots, and the cursor of the next page where there is one."""

    lots: tuple[MemberLot, ...]
    next_cursor: str | None


async def read_lots(
    connection: AsyncConnection,
    key: LedgerKey,
    registry: Registry,
    member: Member,
    programme: Programme,
    *,
    all_lots: bool = False,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> LotsPage:
    """Read a page of a member's lots: open ones in the order of use, or all of them, newest first.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    refuse_limit(limit)
    paged = PagedList("all-lots" if all_lots else "open-lots", (member.lane, member.number, programme.number))
    position = _FIRST_OF_ALL if all_lots else _FIRST_OPEN
    if cursor is not None:
        position = read_cursor(key, paged, cursor)
    now = await read_lane_time(connection, member.lane)
    query = _READ_ALL if all_lots else _READ_OPEN
    names = ("sequence", "lot") if all_lots else ("expires_on", "earned_at", "lot")
    parameters = {
        "lane": member.lane,
        "member": member.number,
        "programme": programme.number,
        "now": to_datetime(now),
        "limit": limit + 1,
        **dict(zip(names, position, strict=True)),
    }
    found = await connection.execute(query.encode(), parameters)
    rows = await found.fetchall()
    if rows:
        registry = await fresh_registry(connection, registry, rows[0][-1])
    next_cursor = None
    if len(rows) > limit:
        next_cursor = write_cursor(key, paged, _position(rows[limit - 1], all_lots=all_lots))
    lots = tuple(_lot(row, member.lane, programme, registry, now) for row in rows[:limit])
    return LotsPage(lots, next_cursor)


def _position(row: TupleRow, *, all_lots: bool) -> Position:
    lot, sequence, _, earned_at, _, expires_on, *_ = row
    if all_lots:
        return (sequence, lot)
    return (_NO_LAST_DAY if expires_on is None else expires_on.isoformat(), earned_at, lot)


def _lot(row: TupleRow, lane: int, programme: Programme, registry: Registry, now: int) -> MemberLot:
    number, _, funding, earned_at, available_from, expires_on, original, remaining, held, expired, root, *rest = row
    origin_lane, origin_lot, _ = rest
    is_over = expires_on is not None and end_of_day(expires_on, programme.zone) <= now
    return MemberLot(
        id=lot_id(earned_at, lane, number),
        funding=funding_of(funding, registry),
        original=original,
        remaining=remaining,
        held=held,
        available_from=available_from,
        expires_on=expires_on,
        state=_standing(remaining, held, expired, is_over=is_over, is_pending=available_from > now),
        # A restored or moved lot keeps the time of the one it comes from, which is part of that one's id.
        restored_from=None if root is None else lot_id(earned_at, lane, root),
        moved_from=None if origin_lot is None else lot_id(earned_at, origin_lane, origin_lot),
    )


def _standing(remaining: int, held: int, expired: int, *, is_over: bool, is_pending: bool) -> LotStanding:
    if remaining == 0:
        if held > 0:
            return "held"
        return "lapsed" if expired > 0 else "used"
    if is_over:
        return "lapsed"
    return "pending" if is_pending else "usable"
