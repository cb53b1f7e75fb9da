"""Whether a database is what this release wants (its migrations, room ahead in the partitions), and its log stored.

Asked before a service calls itself ready, and by every command, so without Alembic: it and what it brings take as
long to load as all the rest.
"""

from functools import cache
from pathlib import Path

from psycopg import AsyncConnection

SEQUENCES_PER_PARTITION = 1 << 20
_MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"

_ROOM = """
select (select count(*) from pg_inherits where inhparent = 'transactions'::regclass),
       (select coalesce(max(next_sequence), 1) from lanes)
"""
_STORING_FAILS = """
select current_setting('archive_mode') <> 'off' and coalesce(last_failed_time > last_archived_time, last_failed_time
       is not null)
from pg_stat_archiver
"""


async def storing_the_log_fails(connection: AsyncConnection) -> bool:
    """Whether the server was told to store its log somewhere and could not, the last time it tried."""
    cursor = await connection.execute(_STORING_FAILS)
    [(fails,)] = await cursor.fetchall()
    return bool(fails)


def head_revision() -> str:
    """The revision that this release wants: the number that begins the name of its latest migration."""
    return max(path.name.partition("_")[0] for path in _MIGRATIONS.glob("[0-9]*_*.py"))


@cache
def wanted_revision() -> str:
    """The same, looked up once: the release does not change while it runs."""
    return head_revision()


async def partitions_ahead(connection: AsyncConnection) -> int:
    """Whole empty partitions of the journal that lie ahead of the furthest lane."""
    cursor = await connection.execute(_ROOM)
    [(partitions, furthest)] = await cursor.fetchall()
    return int(partitions) - 1 - int(furthest) // SEQUENCES_PER_PARTITION
