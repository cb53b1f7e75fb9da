"""Imports of the partner behind a request."""

from uuid import UUID

from api.access import partner_of
from api.requests import CityRequest
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.store.imports import Import, read_import


async def own_import(request: CityRequest, import_id: str) -> Import:
    """Find an import of the calling partner; raises NotFound for an unknown one and for another's."""
    try:
        wanted = UUID(import_id)
    except ValueError:
        wanted = None
    if wanted is not None:
        async with wiring_of(request).engine.pool.connection() as connection:
            this = await read_import(connection, wanted)
        if this is not None and this.partner == partner_of(request).partner:
            return this
    raise NotFound("You have no import of this id.")
