"""Caps as they stand: what each was authorised for, and what of it is used, in all lanes together."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.rules.programmes import Cap
from ledger.store.arrays import Integers

# Authorised (13) and used (11) points of caps, summed over lanes.
_READ = """
select wanted.cap,
       coalesce(sum(b.balance) filter (where b.kind = 13), 0)::bigint,
       coalesce(sum(b.balance) filter (where b.kind = 11), 0)::bigint
from unnest(%b) as wanted(cap)
join lanes l on true
left join party_balances b on b.lane = l.lane and b.kind in (11, 13) and b.owner = wanted.cap
group by wanted.cap
"""


class CapStanding(msgspec.Struct, frozen=True):
    """Points of a cap."""

    authorised: int
    used: int

    @property
    def left(self) -> int:
        """What may still be given, in the pool and in allotments."""
        return self.authorised - self.used


async def read_caps(connection: AsyncConnection, caps: Sequence[Cap]) -> dict[int, CapStanding]:
    """Read how caps stand, by their numbers."""
    cursor = await connection.execute(_READ, [Integers.of([cap.number for cap in caps])])
    return {cap: CapStanding(authorised, used) for cap, authorised, used in await cursor.fetchall()}
