"""Where a member's points came from and went to in a time, added up by what happened, with whom and in which scene.

All flows of a time add up to what they changed of what the member has (available, pending and held, less what it
owes): what moves between those accounts is no flow.
"""

import msgspec
from psycopg import AsyncConnection

from ledger.reading.transaction_views import TRANSACTION_KINDS
from ledger.rules.business_day import to_datetime
from ledger.rules.programmes import LEDGER_ITSELF, Programme
from ledger.store.arrays import Bigints, Smallints
from ledger.store.member_selves import read_places
from ledger.store.members import Member

# Postings between an account of the member (kinds 2 to 4) and one of another. A move from lane to lane is no flow.
_READ = """
select t.kind, t.partner, coalesce(t.scene, original.scene) as scene,
       p.credit_kind in (2, 3, 4) as comes_in, sum(p.amount)::bigint as points
from unnest(%(lanes)b, %(members)b) as place(lane, member)
join transactions t on t.lane = place.lane and t.member = place.member
join postings p on p.lane = t.lane and p.sequence = t.sequence
left join transactions original
  on t.kind = 3 and original.lane = t.reverses_lane and original.sequence = t.reverses_sequence
where t.programme = %(programme)b and t.occurred_at >= %(start)b and t.occurred_at < %(end)b and t.kind <> 11
  and (p.debit_kind in (2, 3, 4)) <> (p.credit_kind in (2, 3, 4))
group by 1, 2, 3, 4
order by points desc, 1, 2, 3
"""


class Flow(msgspec.Struct, frozen=True):
    """Points that came in, or went out: by the kind of transaction, the partner's number and the scene.

    The scene of what takes something back is its original's. ``partner`` is None for what the member or the
    ledger itself did.
    """

    kind: str
    partner: int | None
    scene: str | None
    comes_in: bool
    points: int


async def read_flows(
    connection: AsyncConnection, member: Member, programme: Programme, start: int, end: int
) -> list[Flow]:
    """Add up what occurred from ``start`` to before ``end`` (microseconds since 1970 UTC), the largest first."""
    places = await read_places(connection, member)
    parameters = {
        "lanes": Smallints.of([place.lane for place in places]),
        "members": Bigints.of([place.number for place in places]),
        "programme": programme.number,
        "start": to_datetime(start),
        "end": to_datetime(end),
    }
    cursor = await connection.execute(_READ, parameters)
    return [
        Flow(TRANSACTION_KINDS[kind], None if partner == LEDGER_ITSELF else partner, scene, comes_in, points)
        for kind, partner, scene, comes_in, points in await cursor.fetchall()
    ]
