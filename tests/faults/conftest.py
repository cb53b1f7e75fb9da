"""Servers of a test's own, since they are going to be broken."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import upgrade
from tests.databases import LedgerDatabase

DATABASE = "citypoints"


@dataclass
class OwnServer:
    """A server and its migrated database; ``folder`` is where it was started."""

    server: EmbeddedPostgres
    database: LedgerDatabase
    folder: Path

    def set(self, name: str, value: str) -> None:
        """Change a setting of the whole server, at once."""
        with psycopg.connect(self.database.superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL("alter system set {} = {}").format(sql.Identifier(name), sql.Literal(value)))
            connection.execute("select pg_reload_conf()")

    def kill(self) -> None:
        """End the server as a power cut would."""
        [pid_file] = self.folder.rglob("postmaster.pid")
        os.kill(int(pid_file.read_text().split()[0]), signal.SIGKILL)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnServer]:
    """A server that nobody else stands on."""
    with EmbeddedPostgres.start(tmp_path) as server:
        upgrade(server.owner_url())
        yield OwnServer(server, LedgerDatabase.on(server, DATABASE), tmp_path)
