"""Where transactions are: by place, by key."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.ids import Place
from ledger.store.arrays import Bigints, Smallints

_READ_HEADS = """
select t.lane, t.sequence, t.recorded_at, t.hash, t.partner, t.member, t.programme
from unnest(%b, %b) as wanted(lane, sequence)
join transactions t on t.lane = wanted.lane and t.sequence = wanted.sequence
"""


class TransactionHead(msgspec.Struct, frozen=True):
    """What identifies a transaction and whose it is."""

    lane: int
    sequence: int
    recorded_at: int
    hash: bytes
    partner: int
    member: int
    programme: int


async def read_transaction_heads(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, TransactionHead]:
    """Read the heads of transactions by their places."""
    cursor = await connection.execute(
        _READ_HEADS,
        [
            Smallints.of([place.lane for place in places]),
            Bigints.of([place.number for place in places]),
        ],
    )
    heads = [TransactionHead(*row) for row in await cursor.fetchall()]
    return {Place(head.lane, head.sequence): head for head in heads}
