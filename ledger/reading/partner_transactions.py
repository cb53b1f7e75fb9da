"""A partner's transactions, newest first, and what they come to by the hour: what the merchant console shows.

Both walk the index of (lane, partner, sequence) between two positions of each lane, so they read what they show and
no more, however long the journal is. Time is that of recording: it alone never runs backwards in a lane.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.ids import LedgerKey, Place
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, read_cursor, refuse_limit, write_cursor
from ledger.rules.business_day import to_datetime
from ledger.store.arrays import Bigints
from ledger.store.event_ranges import Positions, read_heads, read_positions_at

# What the ledger does for itself: notices, caps and covers, settlement, epochs. Members' points stay as they are.
_NO_TRANSACTIONS = (17, 18, 19, 20, 21, 23)

# The newest of each lane, merged by time. Of one instant in several lanes, those of the higher lane come first.
_NEWEST = """
select t.lane, t.sequence, t.recorded_at
from unnest(%(after)s, %(last)s) with ordinality as stretch(after, last, ordinal)
cross join lateral (
    select t.lane, t.sequence, t.recorded_at from transactions t
    where t.lane = (stretch.ordinal - 1)::smallint and t.partner = %(partner)s
      and t.sequence > stretch.after and t.sequence <= stretch.last and t.kind <> all(%(left_out)s)
      and (t.recorded_at, t.lane, t.sequence) < (%(before_at)s, %(before_lane)s, %(before_sequence)s)
    order by t.sequence desc limit %(limit)s
) t
order by t.recorded_at desc, t.lane desc, t.sequence desc limit %(limit)s
"""

_BY_HOUR = """
select extract(hour from t.recorded_at at time zone %(zone)s)::integer, t.kind, count(*), sum(t.points)::bigint
from unnest(%(after)s, %(last)s) with ordinality as stretch(after, last, ordinal)
cross join lateral (
    select t.recorded_at, t.kind, t.points from transactions t
    where t.lane = (stretch.ordinal - 1)::smallint and t.partner = %(partner)s and t.programme = %(programme)s
      and t.sequence > stretch.after and t.sequence <= stretch.last and t.kind <> all(%(left_out)s)
) t
group by 1, 2
"""

_TAKEN_BACK = "select points, spend_minor from taken_back where lane = %s and sequence = %s"

_LATEST_INSTANT = 253_370_764_800_000_000


class HourOfKind(msgspec.Struct, frozen=True, array_like=True):
    """What transactions of one kind came to within an hour of the day, 0 to 23, in the zone asked for."""

    hour: int
    kind: int
    transactions: int
    points: int


class PartnerPlacesPage(msgspec.Struct, frozen=True):
    """Places of transactions, newest first, and the cursor of the next page where there is one."""

    places: tuple[Place, ...]
    next_cursor: str | None


class TakenBack(msgspec.Struct, frozen=True):
    """What of a transaction was reversed so far: points, and the spend in minor units."""

    points: int
    spend_minor: int


async def find_partner_places(
    connection: AsyncConnection,
    key: LedgerKey,
    partner: int,
    *,
    recorded_from: int | None = None,
    recorded_before: int | None = None,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> PartnerPlacesPage:
    """Find a page of a partner's transactions, all or those recorded within some time.

    Instants are microseconds since 1970 UTC. Raises MalformedCursor, and MalformedRequest for the limit.
    """
    refuse_limit(limit)
    paged = PagedList("partner-transactions", (partner, recorded_from or 0, recorded_before or 0))
    before = (recorded_before or _LATEST_INSTANT, 0, 0)
    if cursor is not None:
        recorded_at, lane, sequence = read_cursor(key, paged, cursor)
        before = (int(recorded_at), int(lane), int(sequence))
    last = await _positions_until(connection, before[0], is_open=cursor is None and recorded_before is None)
    parameters = {
        "after": Bigints.of(await _positions_from(connection, recorded_from, len(last))),
        "last": Bigints.of(last),
        "partner": partner,
        "left_out": list(_NO_TRANSACTIONS),
        "before_at": to_datetime(before[0]),
        "before_lane": before[1],
        "before_sequence": before[2],
        "limit": limit + 1,
    }
    rows = await (await connection.execute(_NEWEST, parameters)).fetchall()
    next_cursor = None
    if len(rows) > limit:
        lane, sequence, recorded_at = rows[limit - 1]
        next_cursor = write_cursor(key, paged, (recorded_at, lane, sequence))
    return PartnerPlacesPage(tuple(Place(lane, sequence) for lane, sequence, _ in rows[:limit]), next_cursor)


async def read_hours(
    connection: AsyncConnection, partner: int, programme: int, zone_name: str, recorded_from: int, recorded_before: int
) -> list[HourOfKind]:
    """Sum up a partner's transactions of a programme within some time, by hour and kind."""
    after = await read_positions_at(connection, recorded_from)
    last = await read_positions_at(connection, recorded_before)
    cursor = await connection.execute(
        _BY_HOUR,
        {
            "zone": zone_name,
            "after": Bigints.of(after),
            "last": Bigints.of(last),
            "partner": partner,
            "programme": programme,
            "left_out": list(_NO_TRANSACTIONS),
        },
    )
    return [HourOfKind(*row) for row in await cursor.fetchall()]


async def read_taken_back(connection: AsyncConnection, place: Place) -> TakenBack:
    """What of a transaction was reversed so far."""
    row = await (await connection.execute(_TAKEN_BACK, list(place))).fetchone()
    return TakenBack(0, 0) if row is None else TakenBack(*row)


async def _positions_from(connection: AsyncConnection, instant: int | None, lanes: int) -> Sequence[int]:
    return (0,) * lanes if instant is None else await read_positions_at(connection, instant)


async def _positions_until(connection: AsyncConnection, instant: int, *, is_open: bool) -> Positions:
    return await read_heads(connection) if is_open else await read_positions_at(connection, instant + 1)
