"""What the fixture ``database`` gives to a test."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ledger.embedded import EmbeddedPostgres


@dataclass(frozen=True, slots=True)
class LedgerDatabase:
    """A migrated, empty database that belongs to one test, by its addresses for the service and for the owner."""

    name: str
    service_url: str
    owner_url: str
    superuser_url: str
    bin_directory: Path

    @classmethod
    def on(cls, postgres: EmbeddedPostgres, name: str) -> Self:
        """The database of that name on an embedded server."""
        return cls(
            name=name,
            service_url=postgres.service_url(name),
            owner_url=postgres.owner_url(name),
            superuser_url=postgres.superuser_url(name),
            bin_directory=postgres.bin_directory,
        )
