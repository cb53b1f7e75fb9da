"""Who may read which report on a settlement batch, over HTTP as on the pages: a partner its own statement alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date

from api.access import refuse_unless_staff_with
from api.authentication import PartnerCaller
from api.requests import CityRequest
from api.settlement_access import FINANCE
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.rules.programmes import Partner
from settlement.batches import Batch
from settlement.reports.drawing import Drawing, draw
from settlement.reports.texts import Language
from settlement.store.batch_rows import read_batch


@asynccontextmanager
async def drawing_of(
    request: CityRequest, batch: str, language: Language, since: date | None = None
) -> AsyncIterator[Drawing]:
    """What a report on a batch is drawn from.

    Raises NotFound, to partners also for a batch that is not posted yet, and Forbidden for staff without a role in
    finance.
    """
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await read_batch(connection, batch)
        if found is None or not _may_read(request, found):
            raise NotFound("No settlement batch has this name.")
        yield await draw(connection, registry, found, language, since)


def party_of(request: CityRequest, drawing: Drawing, code: str) -> Partner:
    """The party of a statement; raises NotFound, to a partner also for any other than itself."""
    partner = drawing.registry.partner_coded(code)
    caller = request.user
    if partner is None or (isinstance(caller, PartnerCaller) and caller.partner != partner.number):
        raise NotFound("The batch has no statement of such a party.")
    return partner


def _may_read(request: CityRequest, batch: Batch) -> bool:
    """Partners know of a batch once it is posted."""
    if isinstance(request.user, PartnerCaller):
        return batch.sequence is not None
    refuse_unless_staff_with(request.user, frozenset(FINANCE))
    return True
