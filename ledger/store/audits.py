"""What audits found: kept after each, read by whoever looks after the service."""

from typing import Literal

import msgspec
from psycopg import AsyncConnection

AuditKind = Literal["full", "since-seal"]

MOST_PLACES = 20
"""How many differences are kept of an audit, by place; all are counted."""

_ADD = """
insert into audits (kind, transactions, seals, difference_count, places) values (%s, %s, %s, %s, %s)
"""
_READ_LATEST = """
select distinct on (kind) kind, finished_at, transactions, seals, difference_count, places
from audits order by kind, audit desc
"""


class Audited(msgspec.Struct, frozen=True):
    """The end of an audit; ``finished_at`` is in microseconds since 1970 UTC, by the real time.

    ``places`` say where the first differences are and what differs; ``difference_count`` counts them all.
    """

    kind: AuditKind
    finished_at: int
    transactions: int
    seals: int
    difference_count: int
    places: list[str]


async def add_audit(
    connection: AsyncConnection,
    kind: AuditKind,
    *,
    transactions: int,
    seals: int,
    difference_count: int,
    places: list[str],
) -> None:
    """Keep what an audit found; runs inside a unit of work."""
    await connection.execute(_ADD, [kind, transactions, seals, difference_count, places[:MOST_PLACES]])


async def read_latest_audits(connection: AsyncConnection) -> dict[AuditKind, Audited]:
    """The latest audit of each kind that was ever run."""
    cursor = await connection.execute(_READ_LATEST)
    return {row[0]: Audited(*row) for row in await cursor.fetchall()}
