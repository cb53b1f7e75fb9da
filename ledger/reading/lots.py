"""Lots of a member: what is left of each, from when and until when it can be used."""

from datetime import date
from typing import Literal

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.ids import LedgerKey, lot_id
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.reading.fresh_registry import fresh_registry
from ledger.reading.lane_time import read_lane_time
from ledger.reading.transaction_views import Funding, funding_of
from ledger.rules.business_day import end_of_day
from ledger.rules.programmes import Programme, Registry
from ledger.store.members import Member

LotStanding = Literal["usable", "pending", "lapsed", "used"]

_COLUMNS = """
l.lot, l.sequence, l.funding, l.earned_at, l.available_from, l.expires_on, l.original, l.remaining, l.held,
l.expired, l.restored_from, (select version from registry)
"""

# Open lots in the order in which they are used.
_READ_OPEN = f"""
select {_COLUMNS}
from lots l
where l.lane = %b and l.member = %b and l.programme = %b and l.is_open
  and (coalesce(l.expires_on, 'infinity'), l.earned_at, l.lot)
    > (%b::text::date, to_timestamp(0) + %b::bigint * interval '1 microsecond', %b::bigint)
order by coalesce(l.expires_on, 'infinity'), l.earned_at, l.lot limit %b
"""

# All lots, the newest first. Closed ones are in no index: they are found by the transactions that opened them,
# each of which credits its lot once.
_READ_ALL = f"""
select {_COLUMNS}
from transactions t
join postings p on p.lane = t.lane and p.sequence = t.sequence and p.credit_kind = 2
join lots l on l.lane = p.lane and l.lot = p.lot and l.sequence = t.sequence
where t.lane = %b and t.member = %b and t.programme = %b and t.sequence <= %b and l.lot < %b
order by t.sequence desc, l.lot desc limit %b
"""

_NO_LAST_DAY = "infinity"
_FIRST_OPEN: Position = ("-infinity", 0, 0)
_FIRST_OF_ALL: Position = ((1 << 63) - 1, (1 << 63) - 1)


class MemberLot(msgspec.Struct, frozen=True, kw_only=True):
    """A lot and what is left of it; instants are microseconds since 1970 UTC.

    It is ``lapsed`` where its last day ended over points that were left, whether or not that is posted.
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
    parameters = [member.lane, member.number, programme.number, *position, limit + 1]
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
    number, _, funding, earned_at, available_from, expires_on, original, remaining, held, expired, root, _ = row
    state: LotStanding = "usable"
    if expires_on is not None and end_of_day(expires_on, programme.zone) <= now and remaining + expired > 0:
        state = "lapsed"
    elif remaining + held == 0:
        state = "used"
    elif available_from > now:
        state = "pending"
    return MemberLot(
        id=str(lot_id(earned_at, lane, number)),
        funding=funding_of(funding, registry),
        original=original,
        remaining=remaining,
        held=held,
        available_from=available_from,
        expires_on=expires_on,
        state=state,
        # A restored lot keeps the time of its root, which is part of the root's id.
        restored_from=None if root is None else str(lot_id(earned_at, lane, root)),
    )
