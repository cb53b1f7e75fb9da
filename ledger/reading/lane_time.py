"""A lane's time: what decisions of the lane would use as now."""

from psycopg import AsyncConnection

# The later of the clock and the lane's last record, so that readers and decisions agree on what has lapsed.
_READ_LANE_TIME = "select greatest(ledger_now(), recorded_at) from lanes where lane = %b"


async def read_lane_time(connection: AsyncConnection, lane: int) -> int:
    """The time now of a lane, in microseconds since 1970 UTC."""
    cursor = await connection.execute(_READ_LANE_TIME, [lane])
    [(now,)] = await cursor.fetchall()
    return int(now)
