"""Finance offices for tests of settlement over HTTP."""

from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.service import Service
from tests.settlement.finance_office import FinanceOffice


@pytest.fixture(scope="module")
def shared_office(
    postgres: EmbeddedPostgres, migrated_template: str, request: pytest.FixtureRequest
) -> Iterator[FinanceOffice]:
    """An office of this file's tests; each brings partners of its own."""
    name = request.module.__name__.rpartition(".")[2][:40]
    postgres.create_database(name, template=migrated_template)
    database = LedgerDatabase(
        name=name,
        service_url=postgres.service_url(name),
        owner_url=postgres.owner_url(name),
        superuser_url=postgres.superuser_url(name),
        bin_directory=postgres.bin_directory,
    )
    with Service.start(database, workers=2, sandbox=True) as service:
        yield FinanceOffice(service)


@pytest.fixture
def own_office(database: LedgerDatabase) -> Iterator[FinanceOffice]:
    """An office of one test."""
    with Service.start(database, sandbox=True) as service:
        yield FinanceOffice(service)
