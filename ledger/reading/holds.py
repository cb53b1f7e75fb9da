"""Holds: what became of one, and which of a member's are open.

A hold keeps its id wherever a merge or move takes it, so what is told of it is told over its whole way.
"""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.ids import LedgerKey, Place, transaction_id
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.reading.first_holds import read_first_holds
from ledger.reading.fresh_registry import fresh_registry
from ledger.reading.lane_time import read_lane_time
from ledger.rules.business_day import to_datetime
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Programme, Registry
from ledger.store.arrays import Bigints, Smallints
from ledger.store.members import Member

HoldStanding = Literal["open", "captured", "voided", "expired"]

MAXIMUM_CAPTURES_NAMED = 200
"""Captures that are named of one hold at most, the earliest first."""

# Holds as they were placed, each with where it is now, what captured it, and what ended it: one snapshot.
_READ_HOLDS = """
with recursive way as (
    select lane as first_lane, sequence as first_sequence, lane, sequence
    from unnest(%b, %b) as wanted(lane, sequence)
    union all
    select w.first_lane, w.first_sequence, h.moved_lane, h.moved_sequence
    from way w join holds h on h.lane = w.lane and h.sequence = w.sequence
    where h.moved_lane is not null
),
captures as (
    select w.first_lane, w.first_sequence, t.points, t.recorded_at, t.lane, t.sequence, t.hash
    from way w
    join particulars f on f.lane = w.lane and f.hold = w.sequence
    join transactions t on t.lane = f.lane and t.sequence = f.sequence and t.kind = 6
)
select w.first_lane, w.first_sequence, m.public_id::text, h.lane, h.member, h.programme, h.partner, h.remaining,
       h.expires_at, greatest(ledger_now(), lanes.recorded_at), placed.points, placed.recorded_at, placed.hash,
       placed.scene, placed.channel, placed.outlet,
       (select t.kind
        from particulars f join transactions t on t.lane = f.lane and t.sequence = f.sequence
        where f.lane = h.lane and f.hold = h.sequence order by f.sequence desc limit 1),
       (select coalesce(sum(c.points), 0)::bigint from captures c
        where c.first_lane = w.first_lane and c.first_sequence = w.first_sequence),
       captured.points, captured.recorded_at, captured.lane, captured.sequence, captured.hash,
       (select version from registry)
from way w
join holds h on h.lane = w.lane and h.sequence = w.sequence and h.moved_lane is null
join lanes on lanes.lane = h.lane
join members m on m.lane = h.lane and m.member = h.member
join transactions placed on placed.lane = w.first_lane and placed.sequence = w.first_sequence
left join lateral (
    select * from captures c
    where c.first_lane = w.first_lane and c.first_sequence = w.first_sequence
    order by c.recorded_at, c.lane, c.sequence limit %b
) captured on true
order by captured.recorded_at, captured.lane, captured.sequence
"""
_HOLD_COLUMNS = 18

# Open holds of a member, the one that ends first.
_READ_OPEN = """
select h.expires_at, h.sequence
from holds h
where h.lane = %b and h.member = %b and h.programme = %b and h.remaining > 0 and h.expires_at > %b
  and (h.expires_at, h.sequence) > (to_timestamp(0) + %b::bigint * interval '1 microsecond', %b::bigint)
order by h.expires_at, h.sequence limit %b
"""

_FROM_THE_FIRST: Position = (0, 0)


class CaptureView(msgspec.Struct, frozen=True):
    """A capture of a hold; ``recorded_at`` in microseconds since 1970 UTC."""

    id: str
    points: int
    recorded_at: int


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as it is at ``as_of``; instants are microseconds since 1970 UTC.

    ``points`` = ``captured`` + ``released`` + ``remaining``. Past ``expires_at`` nothing remains, whether
    or not that is posted. It is ``captured`` where a capture took or released the last of it. ``owner`` is
    where its member is now, ``member`` that one's id. ``captures`` are the earliest ones, at most
    MAXIMUM_CAPTURES_NAMED.
    """

    id: str
    state: HoldStanding
    programme: str
    owner: Member
    member: str
    partner: str
    points: int
    captured: int
    released: int
    remaining: int
    scene: str | None
    channel: str | None
    outlet: str | None
    placed_at: int
    expires_at: int
    captures: tuple[CaptureView, ...]
    as_of: int


class HoldsPage(msgspec.Struct, frozen=True):
    """Some open holds, and the cursor of the next page where there is one."""

    holds: tuple[HoldView, ...]
    next_cursor: str | None


async def read_hold(connection: AsyncConnection, registry: Registry, place: Place) -> HoldView | None:
    """Read the hold that a transaction opened, or took over; None where it did neither."""
    views = await _read_holds(connection, registry, [place])
    return views[0] if views else None


async def read_open_holds(
    connection: AsyncConnection,
    key: LedgerKey,
    registry: Registry,
    member: Member,
    programme: Programme,
    *,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> HoldsPage:
    """Read a page of a member's open holds, the one that ends first.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    refuse_limit(limit)
    paged = PagedList("open-holds", (member.lane, member.number, programme.number))
    position = _FROM_THE_FIRST if cursor is None else read_cursor(key, paged, cursor)
    now = await read_lane_time(connection, member.lane)
    parameters = [member.lane, member.number, programme.number, to_datetime(now), *position, limit + 1]
    found = await connection.execute(_READ_OPEN, parameters)
    rows = await found.fetchall()
    next_cursor = write_cursor(key, paged, rows[limit - 1]) if len(rows) > limit else None
    views = await _read_holds(connection, registry, [Place(member.lane, sequence) for _, sequence in rows[:limit]])
    # What was captured or voided since the first look is no longer open.
    return HoldsPage(tuple(view for view in views if view.state == "open"), next_cursor)


async def _read_holds(connection: AsyncConnection, registry: Registry, places: Sequence[Place]) -> list[HoldView]:
    """Holds in the order of their places, by their whole ways."""
    firsts = await read_first_holds(connection, places)
    placed = [firsts[place].place for place in places if place in firsts]
    if not placed:
        return []
    arrays = [Smallints.of([place.lane for place in placed]), Bigints.of([place.number for place in placed])]
    cursor = await connection.execute(_READ_HOLDS, [*arrays, MAXIMUM_CAPTURES_NAMED])
    rows = await cursor.fetchall()
    registry = await fresh_registry(connection, registry, rows[0][-1])
    found: dict[Place, TupleRow] = {}
    captures: dict[Place, list[CaptureView]] = {place: [] for place in placed}
    for row in rows:
        place = Place(row[0], row[1])
        found[place] = row
        points, recorded_at, lane, sequence, digest, _ = row[_HOLD_COLUMNS:]
        if points is not None:
            capture = CaptureView(transaction_id(recorded_at, lane, sequence, digest), points, recorded_at)
            captures[place].append(capture)
    return [_view(found[place], tuple(captures[place]), registry) for place in placed]


def _view(row: TupleRow, captures: tuple[CaptureView, ...], registry: Registry) -> HoldView:
    columns: list[Any] = list(row[:_HOLD_COLUMNS])
    first_lane, first_sequence, member_id, lane, member, programme, partner, remaining, expires_at, now = columns[:10]
    points, placed_at, digest, scene, channel, outlet, last_kind, captured = columns[10:]
    is_over = expires_at <= now
    left = 0 if is_over else remaining
    return HoldView(
        id=transaction_id(placed_at, first_lane, first_sequence, digest),
        state=_standing(remaining, last_kind, is_over=is_over),
        programme=registry.programme_numbered(programme).code,
        owner=Member(lane, member),
        member=member_id,
        partner=registry.partners[partner].code,
        points=points,
        captured=captured,
        released=points - captured - left,
        remaining=left,
        scene=scene,
        channel=channel,
        outlet=outlet,
        placed_at=placed_at,
        expires_at=expires_at,
        captures=captures,
        as_of=now,
    )


def _standing(remaining: int, last_kind: int | None, *, is_over: bool) -> HoldStanding:
    if remaining > 0:
        return "expired" if is_over else "open"
    if last_kind == TransactionKind.CAPTURE:
        return "captured"
    return "voided" if last_kind == TransactionKind.VOID else "expired"
