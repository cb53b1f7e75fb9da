"""One sandbox and one live service for all tests of the API that do not need their own."""

from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.api.street import Street
from tests.databases import LedgerDatabase
from tests.service import Service


def _database(postgres: EmbeddedPostgres, template: str, name: str) -> LedgerDatabase:
    postgres.create_database(name, template=template)
    return LedgerDatabase.on(postgres, name)


@pytest.fixture(scope="session")
def street(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[Street]:
    """A sandbox service of two processes; its clock stands still where no test moves it."""
    database = _database(postgres, migrated_template, "api_sandbox")
    with Service.start(database, workers=2, sandbox=True) as service:
        yield Street(service)


@pytest.fixture(scope="session")
def live_street(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[Street]:
    """A live service of one process."""
    database = _database(postgres, migrated_template, "api_live")
    with Service.start(database) as service:
        yield Street(service)
