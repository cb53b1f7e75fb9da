"""The set-up in memory, read again whenever a unit of work finds it changed."""

from psycopg import AsyncConnection

from ledger.rules.programmes import Registry
from ledger.store.registry import read_registry


class RegistryCache:
    """Holds the newest set-up that this process has read."""

    def __init__(self) -> None:
        self.current = Registry(0, {}, {}, {})

    async def refresh(self, connection: AsyncConnection) -> Registry:
        """Read the set-up again; an older reading never replaces a newer one."""
        read = await read_registry(connection)
        if read.version >= self.current.version:
            self.current = read
        return self.current
