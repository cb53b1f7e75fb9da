"""A lively ledger, filled once for each worker; every test tampers with a copy of its own."""

import asyncio
from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.audit.lively_ledger import fill_ledger
from tests.databases import LedgerDatabase

FILLED = "lively_template"


@pytest.fixture(scope="session")
def lively_template(postgres: EmbeddedPostgres, migrated_template: str) -> str:
    """The name of a database with a lively ledger."""
    postgres.create_database(FILLED, template=migrated_template)
    asyncio.run(fill_ledger(postgres.owner_url(FILLED), postgres.service_url(FILLED)))
    return FILLED


@pytest.fixture
def lively(
    postgres: EmbeddedPostgres, lively_template: str, database_numbers: Iterator[int]
) -> Iterator[LedgerDatabase]:
    """A lively ledger of this test's own."""
    name = f"lively_{next(database_numbers)}"
    postgres.create_database(name, template=lively_template)
    yield LedgerDatabase.on(postgres, name)
    postgres.drop_database(name)
