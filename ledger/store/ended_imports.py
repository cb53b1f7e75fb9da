"""Imports that ended long ago: what they still hold of callers' files, and removing it."""

from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

# Imports that are done or failed and of which nothing has been heard for some days, and that still hold something.
_ENDED = """
select i.import_id from imports i
where i.state in ('done', 'failed')
  and coalesce(i.finished_at, i.created_at) < clock_timestamp() - make_interval(days => %s)
  and (i.file_name <> '' or exists (select from import_lines l where l.import_id = i.import_id))
order by i.import_id limit %s
"""
_FORGET_LINES = """
delete from import_lines l using (
    select line from import_lines where import_id = %(import)s order by line limit %(limit)s
) first
where l.import_id = %(import)s and l.line = first.line
"""

# A failed import keeps its mapping: with the same file sent again, it goes on.
_FORGET_FILES = """
update imports set file_name = '', mapping = case when state = 'done' then '' else mapping end
where import_id = any(%s)
"""
_UNFINISHED = "select import_id from imports where import_id = any(%s) and state in ('waiting', 'running')"


async def find_ended_imports(connection: AsyncConnection, *, days: int, limit: int) -> list[UUID]:
    """Find up to ``limit`` imports that ended more than some days ago and still hold what callers wrote."""
    cursor = await connection.execute(_ENDED, [days, limit])
    return [row[0] for row in await cursor.fetchall()]


async def forget_lines(connection: AsyncConnection, import_id: UUID, *, limit: int) -> int:
    """Remove up to ``limit`` of an import's reported lines; returns how many there were."""
    cursor = await connection.execute(_FORGET_LINES, {"import": import_id, "limit": limit})
    return cursor.rowcount


async def forget_files(connection: AsyncConnection, import_ids: Sequence[UUID]) -> None:
    """Remove the names of callers' files and the mappings that are done with; the imports' counts stay."""
    await connection.execute(_FORGET_FILES, [list(import_ids)])


async def unfinished_imports(connection: AsyncConnection, import_ids: Sequence[UUID]) -> set[UUID]:
    """Which of some ids are imports that still need their file."""
    cursor = await connection.execute(_UNFINISHED, [list(import_ids)])
    return {row[0] for row in await cursor.fetchall()}
