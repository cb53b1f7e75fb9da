"""One embedded server for each worker of the suite, a fresh migrated database for each test, the shared input."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

from ledger.embedded import EmbeddedPostgres
from tests.databases import LedgerDatabase
from tests.shared_input import find_shared

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

TEMPLATE = "citypoints_template"

pytest_plugins = ["tests.audit.lively_fixtures"]

# Other processes share the machine's cores, so how long one example takes says nothing.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run as the service does."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A server of this worker's own, as durable as in earnest."""
    with EmbeddedPostgres.start(tmp_path_factory.mktemp("pg")) as server:
        yield server


@pytest.fixture(scope="session")
def database_numbers() -> Iterator[int]:
    """Numbers for the names of databases, none twice on a server."""
    return count(1)


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated, empty database, of which every test gets a copy."""
    from ledger.store.migrate import upgrade

    postgres.create_database(TEMPLATE)
    upgrade(postgres.owner_url(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def database(
    postgres: EmbeddedPostgres, migrated_template: str, database_numbers: Iterator[int]
) -> Iterator[LedgerDatabase]:
    """A migrated, empty database of this test's own, dropped at its end."""
    name = f"ledger_{next(database_numbers)}"
    postgres.create_database(name, template=migrated_template)
    yield _addresses(postgres, name)
    postgres.drop_database(name)


@pytest.fixture
def bare_database(postgres: EmbeddedPostgres, database_numbers: Iterator[int]) -> Iterator[LedgerDatabase]:
    """A database of this test's own in which no migration has run, dropped at its end."""
    name = f"bare_{next(database_numbers)}"
    postgres.create_database(name)
    yield _addresses(postgres, name)
    postgres.drop_database(name)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a file of real input by its name, as find_shared does."""
    return partial(find_shared, SHARED / "data")


def _addresses(postgres: EmbeddedPostgres, name: str) -> LedgerDatabase:
    return LedgerDatabase.on(postgres, name)
