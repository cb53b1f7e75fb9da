"""Which transactions follow in a partner's feed: ranges of (lane, sequence), lane by lane.

A lane's journal is gap-free in the order of commits, so a position in each lane says exactly what was
read: nothing that commits later lies before it.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.ids import MAX_NUMBER, Place, place_of, transaction_id
from ledger.store.arrays import Bigints, Smallints

# Whatever the planner knows of a partner: it may have little or most of the journal, and where it is far behind,
# sorting all that follows instead of walking the index up to the limit would read all of it, page by page.
_WALK_THE_INDEX = """
select set_config('enable_sort', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_bitmapscan', 'off', true)
"""

# A partner's first transactions after a position in each lane, merged by time; each lane is an index walk.
_FOLLOWING = """
select t.lane, t.sequence, t.kind, t.recorded_at, t.hash
from unnest(%b) with ordinality as position(sequence, ordinal)
cross join lateral (
    select t.lane, t.sequence, t.kind, t.recorded_at, t.hash from transactions t
    where t.lane = (position.ordinal - 1)::smallint and t.partner = %b and t.sequence > position.sequence
    order by t.sequence limit %b
) t
order by t.recorded_at, t.lane, t.sequence limit %b
"""

# Where every lane's journal ends.
_HEADS = "select next_sequence - 1 from lanes order by lane"

# When transactions were recorded.
_RECORDED_AT = """
select t.lane, t.recorded_at from unnest(%b, %b) as wanted(lane, sequence)
join transactions t on t.lane = wanted.lane and t.sequence = wanted.sequence
"""

# One transaction of a partner's.
_ONE = "select kind, recorded_at, hash from transactions where lane = %b and sequence = %b and partner = %b"

Positions = tuple[int, ...]
"""The sequence of the last transaction read, for each lane; 0 where none was."""


class EventPlace(msgspec.Struct, frozen=True):
    """A transaction of a feed: where it is, what kind, and its id."""

    place: Place
    kind: int
    id: UUID


async def read_following(
    connection: AsyncConnection, partner: int, positions: Sequence[int], limit: int
) -> list[EventPlace]:
    """Read the first ``limit`` transactions of a partner after positions, in the order of their recording.

    Runs inside a unit of work, whose further statements are planned as this one is.
    """
    await connection.execute(_WALK_THE_INDEX)
    cursor = await connection.execute(_FOLLOWING, [Bigints.of(positions), partner, limit, limit])
    return [
        EventPlace(Place(lane, sequence), kind, UUID(transaction_id(recorded_at, lane, sequence, digest)))
        for lane, sequence, kind, recorded_at, digest in await cursor.fetchall()
    ]


async def find_event(connection: AsyncConnection, partner: int, event: UUID) -> EventPlace | None:
    """Find one of a partner's transactions by its id; None for another's, and for an id that only resembles one."""
    place = place_of(event)
    if place is None:
        return None
    cursor = await connection.execute(_ONE, [place.lane, place.number, partner])
    row = await cursor.fetchone()
    if row is None or transaction_id(row[1], *place, row[2]) != str(event):
        return None
    return EventPlace(place, row[0], event)


def advanced(positions: Sequence[int], places: Sequence[EventPlace]) -> Positions:
    """The positions after events that follow them."""
    after = list(positions)
    for event in places:
        after[event.place.lane] = event.place.number
    return tuple(after)


async def read_heads(connection: AsyncConnection) -> Positions:
    """The positions after everything that is recorded now."""
    cursor = await connection.execute(_HEADS)
    return tuple(sequence for (sequence,) in await cursor.fetchall())


async def read_positions_at(connection: AsyncConnection, instant: int) -> Positions:
    """The positions before everything recorded at an instant (microseconds since 1970 UTC) or later.

    Time never runs backwards in a lane, so each is found by halving: some thirty rounds, one query each.
    """
    heads = await read_heads(connection)
    before = [0] * len(heads)
    beyond = [head + 1 for head in heads]
    for _ in range(MAX_NUMBER.bit_length()):
        lanes = [lane for lane, start in enumerate(before) if beyond[lane] - start > 1]
        if not lanes:
            break
        middle = {lane: (before[lane] + beyond[lane]) // 2 for lane in lanes}
        cursor = await connection.execute(_RECORDED_AT, [Smallints.of(lanes), Bigints.of(list(middle.values()))])
        for lane, recorded_at in await cursor.fetchall():
            side = before if recorded_at < instant else beyond
            side[lane] = middle[lane]
    return tuple(before)
