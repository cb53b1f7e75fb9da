"""First holds: a hold that a merge or move has taken elsewhere keeps the id under which it was placed.

Its leg in the new lane opens it there; the other leg names the hold that it was before.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.ids import Place, transaction_id
from ledger.store.arrays import Bigints, Smallints

# Back from each hold to the one that was placed.
_READ_FIRST_HOLDS = """
with recursive earlier as (
    select lane, sequence, lane as first_lane, sequence as first_sequence
    from unnest(%b, %b) as wanted(lane, sequence)
    union all
    select e.lane, e.sequence, leg.lane, leg.hold
    from earlier e
    join particulars f
      on f.lane = e.first_lane and f.sequence = e.first_sequence and f.expires_at is not null
    join particulars leg on leg.lane = f.counter_lane and leg.sequence = f.counter_sequence
)
select e.lane, e.sequence, t.lane, t.sequence, t.recorded_at, t.hash
from earlier e
join transactions t on t.lane = e.first_lane and t.sequence = e.first_sequence and t.kind = 5
"""


class FirstHold(msgspec.Struct, frozen=True):
    """The hold as it was placed: its id, and the place of its transaction."""

    id: str
    place: Place


async def read_first_holds(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, FirstHold]:
    """Find the first hold behind each hold; places where no hold was opened are left out."""
    parameters = [Smallints.of([place.lane for place in places]), Bigints.of([place.number for place in places])]
    cursor = await connection.execute(_READ_FIRST_HOLDS, parameters)
    return {
        Place(lane, sequence): FirstHold(
            transaction_id(recorded_at, first_lane, first_sequence, digest), Place(first_lane, first_sequence)
        )
        for lane, sequence, first_lane, first_sequence, recorded_at, digest in await cursor.fetchall()
    }
