"""The engine: everything that one process needs to post, opened and closed in one place.

The service, the command line, imports and the demo city all open one of these, so that each refuses the
same unsafe databases and finishes its queue in the same way.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Self

import psycopg
from psycopg import AsyncConnection, errors
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ledger.errors import DatabaseUnavailable, LedgerError, UnsafeDatabase
from ledger.ids import LedgerKey
from ledger.posting.intake import Intake
from ledger.posting.posters import DEFAULT_GROUPS, Posters
from ledger.posting.registry_cache import RegistryCache
from ledger.store.ledger_row import LedgerRow, read_ledger, read_revision, refuse_other_key, refuse_unsafe
from ledger.store.readiness import head_revision
from ledger.store.unit_of_work import open_pool

CONNECT_LIMIT_SECONDS = 5
GARBAGE_THRESHOLDS = (50_000, 20, 50)
RETRY_AFTER_SECONDS = 1


class NoLedger(LedgerError):
    """The database holds no ledger, or one of another release."""


class Engine:
    """A process's pool, set-up, intake and posters over one ledger."""

    def __init__(
        self, pool: AsyncConnectionPool[AsyncConnection], ledger: LedgerRow, key: LedgerKey, posters: Posters
    ) -> None:
        self.pool = pool
        self.ledger = ledger
        self.key = key
        self.posters = posters
        self.registry: RegistryCache = posters.registry
        self.lanes: int = ledger.lanes
        self.intake = Intake(pool, key, self.registry, self.lanes)

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, key: LedgerKey, groups: int = DEFAULT_GROUPS) -> AsyncIterator[Self]:
        """Connect, check and start ``groups`` posters; at the end finish what is queued and leave.

        Raises DatabaseUnavailable where nobody answers at ``url`` (the service role's), NoLedger where it
        is not migrated or has no ledger, and UnsafeDatabase for unsafe settings, a standby, a role that could
        alter history, or another ledger's key.
        """
        ledger = await inspect_ledger(url, key)
        _calm_garbage_collection()
        async with open_pool(url) as pool:
            posters = Posters(url, RegistryCache(), groups=groups)
            with _lost_database_is_unavailable():
                async with pool.connection() as connection:
                    await posters.start(connection)
            try:
                yield cls(pool, ledger, key, posters)
            finally:
                await posters.stop()


def _calm_garbage_collection() -> None:
    """Look for garbage in cycles less often.

    Why: a batch makes tens of thousands of objects that reference counting frees, and hardly a cycle;
    the default looks after every 700 and took a quarter of the posting time.
    """
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)


async def inspect_ledger(url: str, key: LedgerKey) -> LedgerRow:
    """Read the ledger's row and refuse a database that must not be posted to; raises as ``Engine.open``."""
    with _lost_database_is_unavailable():
        async with await _connect_to_primary(url) as connection:
            await _refuse_other_release(connection)
            await refuse_unsafe(connection)
            ledger = await read_ledger(connection)
    if ledger is None:
        msg = "The database holds no ledger yet: `citypoints init` makes one."
        raise NoLedger(msg)
    refuse_other_key(ledger, key)
    return ledger


async def _connect_to_primary(url: str) -> AsyncConnection:
    """Connect to the primary among the hosts of ``url``; raises UnsafeDatabase where only a standby answers."""

    async def connect(wanted: str) -> AsyncConnection:
        return await AsyncConnection.connect(
            url, autocommit=True, connect_timeout=CONNECT_LIMIT_SECONDS, target_session_attrs=wanted
        )

    try:
        return await connect("primary")
    except psycopg.OperationalError as error:
        with suppress(psycopg.OperationalError):
            async with await connect("standby"):
                raise UnsafeDatabase(
                    "the server is a standby, which takes no postings and may be behind; wanted is the primary: name "
                    "it in DATABASE_URL (several hosts may stand there, with commas), or promote this one"
                ) from error
        raise


@contextmanager
def _lost_database_is_unavailable() -> Iterator[None]:
    """Say the same of a database that nobody answers at and of one that is lost while a start looks at it."""
    try:
        yield
    except (psycopg.OperationalError, PoolTimeout) as error:
        msg = f"The database cannot be reached: {error}"
        raise DatabaseUnavailable(msg, retry_after_seconds=RETRY_AFTER_SECONDS) from error


async def _refuse_other_release(connection: AsyncConnection) -> None:
    try:
        revision = await read_revision(connection) or "none"
    except errors.InsufficientPrivilege:
        # The service's role may read nothing before the migration that grants it.
        revision = "an unreadable one"
    wanted = head_revision()
    if revision != wanted:
        raise NoLedger(
            f"The database is at migration {revision}, this release wants {wanted}: run `citypoints migrate`."
        )
