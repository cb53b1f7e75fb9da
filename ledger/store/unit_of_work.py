"""The only begin, commit and rollback, and which database errors mean "again".

A unit of work is READ COMMITTED: lock and read are separate statements, so what is read after the lock
is what the last holder of the lock committed.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool

from ledger.store.arrays import register_arrays
from ledger.store.constraint_errors import is_key_race

BEGIN = "begin isolation level read committed"
COMMIT = "commit"
ROLLBACK = "rollback"
DISCARD_PLANS = "discard plans"

LOCK_TIMEOUT_MILLISECONDS = 10_000
IDLE_IN_TRANSACTION_TIMEOUT_MILLISECONDS = 15_000
STATEMENT_TIMEOUT_MILLISECONDS = 30_000
# Why beside the limit on idling: psycopg ends a pipeline by a message after the one that arms that limit, so a process
# that stands still between reading and writing would hold its lanes for ever. PostgreSQL 16 knows no such limit.
UNIT_OF_WORK_TIMEOUT_MILLISECONDS = 20_000
FIRST_WITH_TRANSACTION_TIMEOUT = 170_000
POOL_TIMEOUT_SECONDS = 5.0
RETRIES = 5

T = TypeVar("T")


def may_succeed_again(error: BaseException) -> bool:
    """Whether the same work may succeed when it is done again: another was first."""
    if isinstance(error, errors.UniqueViolation):
        return is_key_race(error)
    return isinstance(error, errors.SerializationFailure | errors.DeadlockDetected | errors.LockNotAvailable)


_LIMIT_WAITING = """
select set_config('lock_timeout', %s, true), set_config('idle_in_transaction_session_timeout', %s, true)
"""
_LIMIT_UNITS = "select set_config('transaction_timeout', %s, %s)"

_CONNECTION: dict[str, Any] = {
    # A standby may be behind, and takes nothing: of several hosts the primary is chosen, and one alone is refused.
    "target_session_attrs": "primary",
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}

_POSTER_SETTINGS = {
    "lock_timeout": f"{LOCK_TIMEOUT_MILLISECONDS}",
    "statement_timeout": f"{STATEMENT_TIMEOUT_MILLISECONDS}",
    "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_TIMEOUT_MILLISECONDS}",
    # Plans chosen while tables are empty would stay and cut throughput to a third; the poster always
    # wants an index walk for each of its few hundred rows.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


async def connect_poster(url: str) -> AsyncConnection:
    """Open a connection for a poster: timeouts, keepalive and pinned plans are set."""
    options = " ".join(f"-c {name}={value}" for name, value in _POSTER_SETTINGS.items())
    connection = await AsyncConnection.connect(
        url, autocommit=True, options=options, application_name="citypoints-poster", **_CONNECTION
    )
    connection.prepare_threshold = 0
    register_arrays(connection)
    await _limit_units(connection, only_this=False)
    return connection


def open_pool(url: str, maximum_size: int = 4) -> AsyncConnectionPool[AsyncConnection]:
    """Make the pool for reading and set-up; the caller opens and closes it."""

    async def configure(connection: AsyncConnection) -> None:
        connection.prepare_threshold = 2
        register_arrays(connection)

    return AsyncConnectionPool(
        url,
        min_size=1,
        max_size=maximum_size,
        open=False,
        timeout=POOL_TIMEOUT_SECONDS,
        kwargs={
            "autocommit": True,
            "application_name": "citypoints",
            "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MILLISECONDS} -c jit=off",
            **_CONNECTION,
        },
        configure=configure,
    )


@asynccontextmanager
async def unit_of_work(connection: AsyncConnection) -> AsyncIterator[AsyncConnection]:
    """Run statements as one unit: committed at the end, rolled back when an error leaves it."""
    await connection.execute(BEGIN)
    try:
        yield connection
    except BaseException:
        await roll_back(connection)
        raise
    await connection.execute(COMMIT)


async def limit_waiting(connection: AsyncConnection) -> None:
    """Let the open unit of work wait for locks, idle, and last no longer than a poster's may."""
    await connection.execute(
        _LIMIT_WAITING, [f"{LOCK_TIMEOUT_MILLISECONDS}", f"{IDLE_IN_TRANSACTION_TIMEOUT_MILLISECONDS}"]
    )
    await _limit_units(connection, only_this=True)


async def _limit_units(connection: AsyncConnection, *, only_this: bool) -> None:
    """Let units of work of a connection, or the open one, last no longer than they may, where the server can."""
    if connection.info.server_version >= FIRST_WITH_TRANSACTION_TIMEOUT:
        await connection.execute(_LIMIT_UNITS, [f"{UNIT_OF_WORK_TIMEOUT_MILLISECONDS}", only_this])


async def roll_back(connection: AsyncConnection) -> None:
    """End a unit of work without effect; a lost connection has already ended it."""
    if not connection.closed and connection.info.transaction_status != (psycopg.pq.TransactionStatus.IDLE):
        await connection.execute(ROLLBACK)


async def again_when_raced(work: Callable[[], Awaitable[T]]) -> T:
    """Run work, and again a limited number of times when another was first."""
    for _ in range(RETRIES - 1):
        try:
            return await work()
        except psycopg.Error as error:
            if not may_succeed_again(error):
                raise
    return await work()
