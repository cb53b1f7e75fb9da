"""A sandbox ledger with a few partners and one member, driven through the real posters."""

from collections.abc import AsyncIterator

import psycopg
import pytest

from ledger.posting.engine import Engine
from ledger.store.ledger_row import create_ledger
from tests.databases import LedgerDatabase
from tests.reading.town import KEY, Town


@pytest.fixture
async def town(database: LedgerDatabase) -> AsyncIterator[Town]:
    """A town at its opening hour; its clock moves only when a test moves it."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    async with Engine.open(database.service_url, KEY, groups=2) as engine:
        yield await Town.found(engine)
