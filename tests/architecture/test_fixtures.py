"""The fixtures that other tests stand on."""

from pathlib import Path

import psycopg
import pytest

from tests.databases import LedgerDatabase
from tests.shared_input import find_shared


@pytest.mark.parametrize("round_number", [1, 2])
def test_each_test_gets_an_empty_migrated_database_of_its_own(database: LedgerDatabase, round_number: int) -> None:
    with psycopg.connect(database.owner_url) as connection:
        assert connection.execute("SELECT to_regclass('leftover')").fetchone() == (None,)
        assert connection.execute("SELECT to_regclass('lanes') IS NOT NULL").fetchone() == (True,)
        connection.execute("CREATE TABLE leftover (round int)")
    with psycopg.connect(database.service_url) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (
            "citypoints_app",
            database.name,
        )


def test_a_bare_database_has_no_tables(bare_database: LedgerDatabase) -> None:
    with psycopg.connect(bare_database.owner_url) as connection:
        count = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
    assert count == (0,)


async def test_asynchronous_tests_run_by_themselves(anyio_backend_name: str) -> None:
    assert anyio_backend_name == "asyncio"


def test_shared_input_is_found_and_what_is_missing_is_named(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    with pytest.raises(pytest.skip.Exception, match=r"no some\.csv"):
        find_shared(shared / "data", "some.csv")
    shared.mkdir()
    with pytest.raises(pytest.fail.Exception, match=r"data/some\.csv is missing"):
        find_shared(shared / "data", "some.csv")
    (shared / "data").mkdir()
    (shared / "data" / "some.csv").write_text("a\n")
    assert find_shared(shared / "data", "some.csv") == shared / "data" / "some.csv"
