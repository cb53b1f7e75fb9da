"""The set-up as the auditor needs it: dated rules, fundings and partners, read again only when it has changed."""

from psycopg import AsyncConnection

from ledger.rules.programmes import Cap, Programme, ProgrammeVersion, Registry
from ledger.store.registry import read_registry

_VERSION = "select version from registry"
_UNREAD = Registry(-1, {}, {}, {})

NO_PROGRAMME = Programme(
    number=0,
    code="",
    currency="",
    zone="UTC",
    cut_off_minutes=0,
    is_open=False,
    maximum_age_days=None,
    restore_grace_days=0,
    shortfall_policy="member",
    versions=(),
    issuers=frozenset(),
    acceptors=frozenset(),
)
"""In place of a programme for what concerns a member as a whole."""


class SetUp:
    """Programmes by number, their versions, who issues, and caps."""

    def __init__(self) -> None:
        self.registry = _UNREAD
        self.programmes: dict[int, Programme] = {}
        self.versions: dict[tuple[int, int], ProgrammeVersion] = {}
        self.caps: dict[int, Cap] = {}

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

        self.caps = {cap.number: cap for cap in self.registry.caps}

    def zone_of(self, programme: int) -> str:
        """The time zone of a programme; an unknown one is named elsewhere, so it counts in UTC here."""
        found = self.programmes.get(programme)
        return "UTC" if found is None else found.zone
