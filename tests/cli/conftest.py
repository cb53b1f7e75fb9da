"""Installations for the command: an empty one, a live ledger and a sandbox, each with a database of its own."""

from pathlib import Path

import pytest

from tests.command_line import CommandLine
from tests.databases import LedgerDatabase


@pytest.fixture
def nowhere(tmp_path: Path) -> CommandLine:
    """An installation of which nothing exists."""
    return CommandLine(tmp_path / "nothing", {})


@pytest.fixture
def bare(database: LedgerDatabase, tmp_path: Path) -> CommandLine:
    """An installation with a migrated database and no ledger yet."""
    urls = {"DATABASE_URL": database.service_url, "MIGRATE_DATABASE_URL": database.owner_url}
    return CommandLine(tmp_path / "data", urls)


@pytest.fixture
def live(bare: CommandLine) -> CommandLine:
    """A live ledger with the programme CITY."""
    bare.done("init", "--lanes", "4")
    return bare


@pytest.fixture
def sandbox(bare: CommandLine) -> CommandLine:
    """A sandbox whose clock stands at the evening of 31 March 2026 in Shanghai."""
    bare.done("init", "--sandbox", "--lanes", "4")
    bare.done("clock", "set", "2026-03-31T20:00:00+08:00")
    return bare
