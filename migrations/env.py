"""Runs migrations as the owner, one process at a time, with limits on how long a lock is waited for."""

import os
import time

from alembic import context
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from ledger.store.tables import metadata
from settlement.store.tables import SETTLEMENT_TABLES

MIGRATION_LOCK = 0x63697479
LOCK_TIMEOUT_MILLISECONDS = 5_000
STATEMENT_TIMEOUT_MILLISECONDS = 600_000
TURN_TIMEOUT_SECONDS = 900
PAUSE_SECONDS = 0.1


# What settlement declares belongs to the same database.
DECLARED_APART = SETTLEMENT_TABLES


def include_name(name: str | None, kind: str, parents: object) -> bool:  # noqa: ARG001 - Alembic's signature
    """Leave partitions to the migrations that make them."""
    return not (kind == "table" and name is not None and "_part_" in name)


def wait_for_turn(connection: Connection) -> None:
    """Take the advisory lock that lets one process migrate at a time; raises TimeoutError.

    Why by asking again: who waits inside the lock's function holds a snapshot, and an index that the other
    makes concurrently would wait for that in turn.
    """
    deadline = time.monotonic() + TURN_TIMEOUT_SECONDS
    while True:
        has_turn = connection.execute(text(f"select pg_try_advisory_lock({MIGRATION_LOCK})")).scalar()
        connection.commit()
        if has_turn:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"another process has been migrating for over {TURN_TIMEOUT_SECONDS} s")
        time.sleep(PAUSE_SECONDS)


def run(connection: Connection) -> None:
    """Run the wanted migrations on one connection, holding an advisory lock."""
    connection.execute(text(f"set lock_timeout = {LOCK_TIMEOUT_MILLISECONDS}"))
    connection.execute(text(f"set statement_timeout = {STATEMENT_TIMEOUT_MILLISECONDS}"))
    wait_for_turn(connection)
    context.configure(
        connection=connection,
        target_metadata=metadata,
        include_name=include_name,
        compare_type=True,
        compare_server_default=False,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


url = context.config.attributes.get("url") or os.environ.get("MIGRATE_DATABASE_URL")
if context.is_offline_mode():
    context.configure(dialect_name="postgresql", target_metadata=metadata, literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif not url:
    message = "MIGRATE_DATABASE_URL is not set: the owner's postgresql:// address is wanted"
    raise SystemExit(message)
else:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as open_connection:
        run(open_connection)
