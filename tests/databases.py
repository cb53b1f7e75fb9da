"""What the fixture ``database`` gives to a test."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LedgerDatabase:
    """A migrated, empty database that belongs to one test, by its addresses for the service and for the owner."""

    name: str
    service_url: str
    owner_url: str
    superuser_url: str
    bin_directory: Path
