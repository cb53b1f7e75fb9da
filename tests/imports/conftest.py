"""A second ledger on the same server, for what must come out alike on both."""

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
    name = f"second_shop_{next(database_numbers)}"
    postgres.create_database(name, template=migrated_template)
    database = LedgerDatabase(
        name=name,
        service_url=postgres.service_url(name),
        owner_url=postgres.owner_url(name),
        superuser_url=postgres.superuser_url(name),
        bin_directory=postgres.bin_directory,
    )
    found_shop(database)
    yield database
    postgres.drop_database(name)
