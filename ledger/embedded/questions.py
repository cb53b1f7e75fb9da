"""What backups and restores ask the server, as its superuser."""

import psycopg

# What the server has sent of a copy and what there is, in bytes; it counts the whole before it sends anything.
_COPIED = "SELECT backup_streamed, coalesce(backup_total, backup_streamed) FROM pg_stat_progress_basebackup"
_REACHED = """
SELECT (extract(epoch FROM pg_last_xact_replay_timestamp()) * 1000000)::bigint,
       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
"""
_ARCHIVE_COMMAND = "SELECT current_setting('archive_command')"


def read_copied(connection: psycopg.Connection) -> tuple[int, int] | None:
    """How many bytes of a base backup have been copied, and of how many; None while none is under way."""
    row = connection.execute(_COPIED).fetchone()
    return None if row is None else (int(row[0]), int(row[1]))


def read_reached(connection: psycopg.Connection) -> tuple[int | None, int]:
    """When the last replayed unit of work ended, in microseconds since 1970 UTC, None without one; and the timeline."""
    [(ended_at, timeline)] = connection.execute(_REACHED).fetchall()
    return (None if ended_at is None else int(ended_at)), int(timeline)


def read_archive_command(connection: psycopg.Connection) -> str:
    """The command that stores the log."""
    [(command,)] = connection.execute(_ARCHIVE_COMMAND).fetchall()
    return str(command)
