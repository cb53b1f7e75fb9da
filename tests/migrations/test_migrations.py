"""Migrations lead to the tables that the code knows, and back; the service's role cannot alter history."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from ledger.ids import LedgerKey
from ledger.store import migrate
from ledger.store.ledger_row import create_ledger
from ledger.store.tables import metadata
from tests.databases import LedgerDatabase

HISTORY = ("transactions", "postings", "lots", "idempotency_keys", "details", "members", "member_names", "ledger")
PROJECTED = {
    "lots": {"remaining", "held", "expired", "expiries", "is_open"},
    "members": {"status"},
    "member_names": {"blocked_at"},
}
UNTOUCHABLE = [
    (table, column.name)
    for table in HISTORY
    for column in metadata.tables[table].columns
    if column.name not in PROJECTED.get(table, set())
]


def tables_of(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        rows = connection.execute("select tablename from pg_tables where schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


@pytest.fixture
def service(database: LedgerDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LedgerKey(b"a key that only these tests know!"), lanes=2)
    with psycopg.connect(database.service_url, autocommit=True) as connection:
        yield connection


def test_migrations_lead_from_nothing_to_head_and_back_and_to_head_again(bare_database: LedgerDatabase) -> None:
    migrate.upgrade(bare_database.owner_url)
    first = tables_of(bare_database.owner_url)
    assert {"transactions", "postings", "transactions_part_0", "idempotency_keys_part_7"} <= first

    migrate.downgrade(bare_database.owner_url, "base")
    assert tables_of(bare_database.owner_url) == {"alembic_version"}

    migrate.upgrade(bare_database.owner_url)
    assert tables_of(bare_database.owner_url) == first


def test_head_is_what_the_code_knows(database: LedgerDatabase) -> None:
    migrate.check(database.owner_url)


def test_partitions_are_made_ahead_of_the_furthest_lane(database: LedgerDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LedgerKey(b"a key that only these tests know!"), lanes=2)
        owner.execute("update lanes set next_sequence = %s where lane = 1", [5 << 20])
    made = migrate.extend_partitions(database.owner_url)
    assert made > 0
    assert "transactions_part_8" in tables_of(database.owner_url)
    assert migrate.extend_partitions(database.owner_url) == 0
    with psycopg.connect(database.service_url) as service:
        assert service.execute("select count(*) from transactions_part_8").fetchone() == (0,)


@pytest.mark.parametrize(("table", "column"), UNTOUCHABLE)
def test_the_service_cannot_update_a_column_of_history(service: psycopg.Connection, table: str, column: str) -> None:
    statement = sql.SQL("update {} set {} = {}").format(
        sql.Identifier(table), sql.Identifier(column), sql.Identifier(column)
    )
    with pytest.raises(errors.InsufficientPrivilege):
        service.execute(statement)


@pytest.mark.parametrize("table", [table for table in HISTORY if table != "details"])
def test_the_service_cannot_delete_history(service: psycopg.Connection, table: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        service.execute(sql.SQL("delete from {}").format(sql.Identifier(table)))


@pytest.mark.parametrize("table", [*HISTORY, "transactions_part_0", "postings_part_0"])
def test_the_service_cannot_truncate_or_drop_or_alter_history(service: psycopg.Connection, table: str) -> None:
    name = sql.Identifier(table)
    for statement in ("truncate {}", "drop table {}", "alter table {} add column more int"):
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute(sql.SQL(statement).format(name))


@pytest.mark.parametrize("table", ["transactions_part_0", "postings_part_1", "idempotency_keys_part_3"])
def test_the_service_cannot_reach_history_through_its_partitions(service: psycopg.Connection, table: str) -> None:
    name = sql.Identifier(table)
    for statement in ("update {} set lane = lane", "delete from {}"):
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute(sql.SQL(statement).format(name))


def test_the_service_cannot_make_itself_more(service: psycopg.Connection) -> None:
    for statement in (
        "set role citypoints_owner",
        "create table mine (id int)",
        "insert into lanes (lane, recorded_at, head) values (99, now(), decode(repeat('00', 32), 'hex'))",
        "update ledger set is_sandbox = true",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            service.execute(statement)
