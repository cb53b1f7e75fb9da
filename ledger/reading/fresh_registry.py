"""The set-up for reading: a reader meets transactions of programmes and partners that were just added."""

from psycopg import AsyncConnection

from ledger.rules.programmes import Registry
from ledger.store.registry import read_registry


async def fresh_registry(connection: AsyncConnection, registry: Registry, version: int) -> Registry:
    """Return the set-up given, or read it again where the database is at a newer version."""
    return registry if registry.version >= version else await read_registry(connection)
