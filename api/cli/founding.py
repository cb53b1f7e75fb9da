"""Founding a ledger: migrations, key, the ledger's own row and the programme that every new ledger has."""

import asyncio
from typing import TYPE_CHECKING

import msgspec

from api.cli.installation import Database, open_checked_pool
from api.seal_key_file import create_seal_key
from api.settings import Settings, create_ledger_key

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.ids import LedgerKey
    from ledger.store.ledger_row import LedgerRow

FIRST_PROGRAMME = "CITY"
FIRST_CURRENCY = "CNY"
FIRST_ZONE = "Asia/Shanghai"
FIRST_VALIDITY_MONTHS = 24
FEN_PER_YUAN = 100


class Founded(msgspec.Struct, frozen=True):
    """A ledger that exists now; ``created`` says whether it did not before."""

    created: bool
    is_sandbox: bool
    lanes: int


def found_ledger(
    settings: Settings, database: Database, *, is_sandbox: bool = False, lanes: int | None = None
) -> Founded:
    """Migrate, and make the ledger where there is none; an existing one stays as it is.

    A founding that was cut short is completed. Without a number of lanes it is the ledger's default.
    """
    from ledger.store.migrate import upgrade

    upgrade(database.owner())
    row = asyncio.run(_read_row(database.service_url))
    created = row is None
    # Also for a ledger of before there were seals. A lost key is noticed: the old one's seals are not trusted.
    create_seal_key(settings.seal_key_file)
    if created:
        _create(settings, database.owner(), is_sandbox=is_sandbox, lanes=lanes)
    row = asyncio.run(_complete(database.service_url, settings.read_ledger_key()))
    return Founded(created, row.is_sandbox, row.lanes)


def _create(settings: Settings, owner_url: str, *, is_sandbox: bool, lanes: int | None) -> None:
    import psycopg

    from ledger.store.ledger_row import DEFAULT_LANES, create_ledger

    # The key comes first: a ledger without its key could never be used again.
    if settings.ledger_key is None:
        create_ledger_key(settings.data_directory)
    key = settings.read_ledger_key()
    with psycopg.connect(owner_url) as owner:
        create_ledger(owner, key, lanes=DEFAULT_LANES if lanes is None else lanes, is_sandbox=is_sandbox)


async def _read_row(url: str) -> "LedgerRow | None":
    from psycopg import AsyncConnection

    from ledger.store.ledger_row import read_ledger

    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        return await read_ledger(connection)


async def _complete(url: str, key: "LedgerKey") -> "LedgerRow":
    from ledger.store.ledger_row import read_ledger
    from ledger.store.unit_of_work import unit_of_work

    async with open_checked_pool(url, key) as pool, pool.connection() as connection:
        async with unit_of_work(connection):
            await _add_first_programme(connection)
        row = await read_ledger(connection)
    if row is None:
        msg = "the ledger's row is gone"
        raise RuntimeError(msg)
    return row


async def _add_first_programme(connection: "AsyncConnection") -> None:
    from ledger.rules.programmes import DEFAULT_MAXIMUM_AGE_DAYS, EarnRate
    from ledger.store.registry import read_registry
    from ledger.store.registry_writes import NewProgramme, NewRules, add_programme

    if FIRST_PROGRAMME in (await read_registry(connection)).programmes:
        return
    rules = NewRules(EarnRate(1, FEN_PER_YUAN), validity_months=FIRST_VALIDITY_MONTHS)
    programme = NewProgramme(
        code=FIRST_PROGRAMME,
        currency=FIRST_CURRENCY,
        zone=FIRST_ZONE,
        rules=rules,
        maximum_age_days=DEFAULT_MAXIMUM_AGE_DAYS,
    )
    await add_programme(connection, programme)
