"""Statistics repeat values of a column, and keep them when the rows are erased: what people wrote has none."""

import psycopg

from ledger.store import migrate
from tests.databases import LedgerDatabase

FILL = """
insert into details (sequence, lane, salt, document)
select n, 0, decode(lpad(to_hex(n), 32, '0'), 'hex'), convert_to('text ' || n % 7, 'utf8')
from generate_series(1, 200) n
"""
WRITTEN = (
    ("appeals", "grounds"),
    ("appeals", "answer"),
    ("details", "document"),
    ("personal_data", "region"),
    ("personal_data", "birth_year"),
    ("consents", "purpose"),
    ("import_lines", "content"),
    ("import_lines", "detail"),
    ("imports", "file_name"),
    ("imports", "mapping"),
)


def test_an_upgrade_forgets_statistics_of_what_people_wrote_and_no_more_are_made(
    bare_database: LedgerDatabase,
) -> None:
    migrate.upgrade(bare_database.owner_url, "0004")
    with psycopg.connect(bare_database.superuser_url, autocommit=True) as connection:
        connection.execute(FILL)
        connection.execute("analyze")
        assert ("details", "document") in described(connection)
        migrate.upgrade(bare_database.owner_url)
        assert not described(connection) & set(WRITTEN)
        connection.execute(
            "insert into personal_data"
            " select gen_random_uuid(), now(), 1980, 'r' || n % 5 from generate_series(1, 99) n"
        )
        connection.execute(
            "insert into appeals (appeal_id, public_id, appealed_at, about, lane, sequence, grounds, state, answer,"
            " decided_by, decided_at) select gen_random_uuid(), gen_random_uuid(), now(), 'points', 0, n,"
            " 'why ' || n % 5, 'rejected', 'so ' || n % 5, 'somebody', now() from generate_series(1, 99) n"
        )
        connection.execute("analyze")
        assert ("appeals", "appealed_at") in described(connection)
        assert ("personal_data", "created_at") in described(connection)
        assert not described(connection) & set(WRITTEN)


def described(connection: psycopg.Connection) -> set[tuple[str, str]]:
    """The columns of which PostgreSQL keeps statistics."""
    query = "select tablename::text, attname::text from pg_stats where schemaname = 'public'"
    return set(connection.execute(query).fetchall())
