"""Finance offices for tests of settlement, over HTTP and in process."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.service import Service
from tests.settlement.finance_office import FinanceOffice
from tests.settlement.mock_bank import MockBank
from tests.settlement.office_with_bank import HOUSE, OPENING_MINOR, Office, open_office


@pytest.fixture(scope="module")
def shared_office(
    postgres: EmbeddedPostgres, migrated_template: str, request: pytest.FixtureRequest
) -> Iterator[FinanceOffice]:
    """An office of this file's tests; each brings partners of its own."""
    name = request.module.__name__.rpartition(".")[2][:40]
    postgres.create_database(name, template=migrated_template)
    database = LedgerDatabase.on(postgres, name)
    with Service.start(database, workers=2, sandbox=True) as service:
        yield FinanceOffice(service)


@pytest.fixture
def own_office(database: LedgerDatabase) -> Iterator[FinanceOffice]:
    """An office of one test."""
    with Service.start(database, sandbox=True) as service:
        yield FinanceOffice(service)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[MockBank]:
    """A bank that answers, where the office has its account."""
    with MockBank.start(tmp_path, clock="2026-11-24T09:00") as running:
        assert running.add_account("HOUSE", HOUSE.name, balance_minor=OPENING_MINOR) == HOUSE.account
        yield running


@pytest.fixture
async def office(database: LedgerDatabase, bank: MockBank) -> AsyncIterator[Office]:
    """An office in process, whose day of 23 November is closed."""
    async with open_office(database, bank) as opened:
        yield opened
