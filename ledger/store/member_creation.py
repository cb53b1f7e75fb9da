"""When a member was created."""

from psycopg import AsyncConnection

from ledger.store.members import Member

_CREATED_AT = "select created_at from members where lane = %s and member = %s"


async def read_created_at(connection: AsyncConnection, member: Member) -> int:
    """Read the ledger's time at a member's creation, in microseconds since 1970 UTC."""
    cursor = await connection.execute(_CREATED_AT, [member.lane, member.number])
    [(created_at,)] = await cursor.fetchall()
    return int(created_at)
