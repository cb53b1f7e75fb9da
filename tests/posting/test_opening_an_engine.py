"""A start that loses its database says so in the words of the one that never reached it."""

from collections.abc import Awaitable, Callable

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.errors import DatabaseUnavailable
from ledger.ids import LedgerKey
from ledger.posting import engine as opening
from ledger.posting.engine import Engine
from ledger.posting.posters import Posters
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, make_ledger


def cut_before(
    look: Callable[[AsyncConnection], Awaitable[object]], superuser_url: str
) -> Callable[[AsyncConnection], Awaitable[object]]:
    """The same look at a database, through a connection that the server ends first."""

    async def look_too_late(connection: AsyncConnection) -> object:
        with psycopg.connect(superuser_url, autocommit=True) as superuser:
            superuser.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        return await look(connection)

    return look_too_late


@pytest.mark.parametrize("name", ["read_revision", "refuse_unsafe", "read_ledger"])
async def test_a_connection_that_is_cut_while_the_ledger_is_looked_at_is_an_unavailable_database(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make_ledger(database)
    monkeypatch.setattr(opening, name, cut_before(getattr(opening, name), database.superuser_url))
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)):
            pass


async def test_a_connection_that_is_cut_while_the_posters_start_is_an_unavailable_database(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_ledger(database)
    start = Posters.start

    async def start_too_late(posters: Posters, connection: AsyncConnection) -> None:
        async def go(lost: AsyncConnection) -> None:
            await start(posters, lost)

        await cut_before(go, database.superuser_url)(connection)

    monkeypatch.setattr(Posters, "start", start_too_late)
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)):
            pass
