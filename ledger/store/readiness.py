"""Whether there is room ahead in the journal's partitions: asked before a service calls itself ready."""

from psycopg import AsyncConnection

from ledger.store.migrate import SEQUENCES_PER_PARTITION

_ROOM = """
select (select count(*) from pg_inherits where inhparent = 'transactions'::regclass),
       (select coalesce(max(next_sequence), 1) from lanes)
"""


async def partitions_ahead(connection: AsyncConnection) -> int:
    """Whole empty partitions of the journal that lie ahead of the furthest lane."""
    cursor = await connection.execute(_ROOM)
    [(partitions, furthest)] = await cursor.fetchall()
    return int(partitions) - 1 - int(furthest) // SEQUENCES_PER_PARTITION
