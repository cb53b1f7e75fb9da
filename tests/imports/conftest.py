"""Further ledgers on the same server: one for what must come out alike on two, one for a whole module."""

from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.imports.shops import found_shop


@pytest.fixture
def second_shop(
    postgres: EmbeddedPostgres, migrated_template: str, database_numbers: Iterator[int]
) -> Iterator[LedgerDatabase]:
    """Another ledger with the same shop, dropped at the test's end."""
    database = _create(postgres, migrated_template, f"second_shop_{next(database_numbers)}")
    found_shop(database)
    yield database
    postgres.drop_database(database.name)


@pytest.fixture(scope="module")
def module_database(
    postgres: EmbeddedPostgres, migrated_template: str, database_numbers: Iterator[int]
) -> Iterator[LedgerDatabase]:
    """A migrated, empty database for the tests of a module, dropped at its end."""
    database = _create(postgres, migrated_template, f"module_{next(database_numbers)}")
    yield database
    postgres.drop_database(database.name)


def _create(postgres: EmbeddedPostgres, template: str, name: str) -> LedgerDatabase:
    postgres.create_database(name, template=template)
    return LedgerDatabase.on(postgres, name)
