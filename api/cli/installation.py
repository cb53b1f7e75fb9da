"""The installation a command works on: database and key as the settings say, opened for one command."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, TypeVar

import msgspec

from api.cli.output import fail
from api.settings import Settings, SettingsError

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from ledger.embedded import EmbeddedPostgres
    from ledger.ids import LedgerKey
    from ledger.posting.engine import Engine

    Pool = AsyncConnectionPool[AsyncConnection]

EMBEDDED_DIRECTORY = "postgres"

T = TypeVar("T")


class Database(msgspec.Struct, frozen=True):
    """Addresses of the ledger's database; without ``owner_url`` it can be neither migrated nor made."""

    service_url: str
    owner_url: str | None
    is_embedded: bool

    def owner(self) -> str:
        """The owner's address; raises SettingsError where it is not known."""
        if self.owner_url is None:
            raise SettingsError(
                "MIGRATE_DATABASE_URL is not set: this command works as the database's owner, "
                "wanted postgresql://… of the owner's role"
            )
        return self.owner_url


@contextmanager
def open_database(settings: Settings, *, create: bool = False) -> Iterator[Database]:
    """Find the database, for as long as the context lasts; an embedded one is started or shared.

    Fails where there is no embedded database yet, unless ``create`` is set; raises EmbeddedPostgresError
    where it cannot be started.
    """
    if settings.database_url is not None:
        yield Database(settings.database_url, settings.migrate_database_url, is_embedded=False)
        return
    with open_embedded(settings, create=create) as server:
        yield Database(server.service_url(), server.owner_url(), is_embedded=True)


@contextmanager
def open_embedded(settings: Settings, *, create: bool = False) -> "Iterator[EmbeddedPostgres]":
    """Start or share the embedded server, as ``open_database`` does where no address is given."""
    from ledger.embedded import EmbeddedPostgres
    from ledger.embedded.restoring import refuse_half_restored

    directory = settings.data_directory / EMBEDDED_DIRECTORY
    refuse_half_restored(directory)
    if not create and not directory.exists():
        fail(
            f"there is no ledger in {settings.data_directory} yet: `citypoints init` makes one "
            "(CITYPOINTS_DATA names another folder, DATABASE_URL another database)"
        )
    with EmbeddedPostgres.start(directory, settings.backup_directory) as server:
        yield server


def run_with_engine(work: "Callable[[Engine], Awaitable[T]]") -> T:
    """Run work that posts, with the settings of the environment."""
    import uvloop

    settings = Settings.from_environment()
    with open_database(settings) as database:
        key = settings.read_ledger_key()
        return uvloop.run(_with_engine(database.service_url, key, settings.lane_groups, work))


def run_with_pool(work: "Callable[[Pool], Awaitable[T]]") -> T:
    """Run work that reads over several connections of the service's role."""
    settings = Settings.from_environment()
    with open_database(settings) as database:
        return asyncio.run(_with_pool(database.service_url, settings.read_ledger_key(), work))


def run_with_connection(work: "Callable[[AsyncConnection], Awaitable[T]]") -> T:
    """Run work that reads, or changes the set-up, over one connection of the service's role."""

    async def with_connection(pool: "Pool") -> T:
        async with pool.connection() as connection:
            return await work(connection)

    return run_with_pool(with_connection)


async def _with_engine(url: str, key: "LedgerKey", groups: int, work: "Callable[[Engine], Awaitable[T]]") -> T:
    from ledger.posting.engine import Engine

    async with Engine.open(url, key, groups) as engine:
        return await work(engine)


async def _with_pool(url: str, key: "LedgerKey", work: "Callable[[Pool], Awaitable[T]]") -> T:
    async with open_checked_pool(url, key) as pool:
        return await work(pool)


@asynccontextmanager
async def open_checked_pool(url: str, key: "LedgerKey") -> "AsyncIterator[Pool]":
    """Open a pool to a ledger that is safe to use; raises as ``Engine.open``."""
    from ledger.posting.engine import inspect_ledger
    from ledger.store.unit_of_work import open_pool

    await inspect_ledger(url, key)
    async with open_pool(url) as pool:
        yield pool
