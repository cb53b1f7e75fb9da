"""An upgrade of a ledger in use: whoever posts goes on posting."""

import threading
import time

import psycopg

from ledger.ids import LedgerKey
from ledger.store import migrate
from ledger.store.ledger_row import create_ledger
from tests.databases import LedgerDatabase

ROWS = 20_000
LONGEST_WAIT_SECONDS = 5.0

_FILL = """
insert into postings (sequence, amount, debit_owner, credit_owner, lot, lane, line, debit_kind, credit_kind)
select n, 5, 1, 1, 1, 0, 0, 1, 2 from generate_series(1, %s) n
"""
_POST = """
insert into postings (sequence, amount, debit_owner, credit_owner, lot, lane, line, debit_kind, credit_kind)
values (%s, 5, 1, 1, 1, 1, 0, 1, 2)
"""


class Traffic(threading.Thread):
    """The release before, which goes on inserting while the database is upgraded."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.stop = threading.Event()
        self.posted = 0
        self.longest_seconds = 0.0
        self.errors: list[psycopg.Error] = []

    def run(self) -> None:
        """Insert one row after the other."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.stop.is_set():
                started = time.monotonic()
                try:
                    connection.execute(_POST, [self.posted + 1])
                except psycopg.Error as error:
                    self.errors.append(error)
                    return
                self.longest_seconds = max(self.longest_seconds, time.monotonic() - started)
                self.posted += 1


def test_a_ledger_in_use_is_upgraded_and_its_rows_are_checked(bare_database: LedgerDatabase) -> None:
    migrate.upgrade(bare_database.owner_url, "0002")
    with psycopg.connect(bare_database.owner_url) as owner:
        create_ledger(owner, LedgerKey(bytes(32)), lanes=2)
        owner.execute(_FILL, [ROWS])
    traffic = Traffic(bare_database.service_url)
    traffic.start()
    try:
        migrate.upgrade(bare_database.owner_url)
    finally:
        traffic.stop.set()
        traffic.join()
    assert traffic.errors == []
    assert traffic.posted > 0
    assert traffic.longest_seconds < LONGEST_WAIT_SECONDS
    with psycopg.connect(bare_database.owner_url) as owner:
        found = owner.execute("select count(*) from postings").fetchone()
        unchecked = owner.execute("select conname from pg_constraint where not convalidated").fetchall()
    assert found == (ROWS + traffic.posted,)
    assert unchecked == []


def test_an_upgrade_that_was_cut_short_at_its_long_steps_goes_on(bare_database: LedgerDatabase) -> None:
    migrate.upgrade(bare_database.owner_url, "0006")
    with psycopg.connect(bare_database.owner_url, autocommit=True) as owner:
        owner.execute("create index members_into_index on members (into_lane) where into_member is not null")
    migrate.upgrade(bare_database.owner_url)
    migrate.check(bare_database.owner_url)
