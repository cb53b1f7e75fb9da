"""The set-up as the auditor needs it: dated rules, fundings and partners, read again only when it has changed."""

from psycopg import AsyncConnection

from ledger.rules.programmes import Programme, ProgrammeVersion, Registry
from ledger.store.registry import read_registry

_VERSION = "select version from registry"
_UNREAD = Registry(-1, {}, {}, {})


class SetUp:
    """Programmes by number, their versions, and who issues."""

    def __init__(self) -> None:
        self.registry = _UNREAD
        self.programmes: dict[int, Programme] = {}
        self.versions: dict[tuple[int, int], ProgrammeVersion] = {}

    async def refresh(self, connection: AsyncConnection) -> None:
        """Read what has changed; what a transaction needs was there before the transaction."""
        cursor = await connection.execute(_VERSION)
        [(version,)] = await cursor.fetchall()
        if version == self.registry.version:
            return
        self.registry = await read_registry(connection)
        self.programmes = {programme.number: programme for programme in self.registry.programmes.values()}
        self.versions = {
            (programme.number, version.version): version
            for programme in self.programmes.values()
            for version in programme.versions
        }

    def zone_of(self, programme: int) -> str:
        """The time zone of a programme; an unknown one is named elsewhere, so it counts in UTC here."""
        found = self.programmes.get(programme)
        return "UTC" if found is None else found.zone
