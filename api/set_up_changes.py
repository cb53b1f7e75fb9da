"""Changes of the set-up that the API's routes and the operator's pages share: partners and permissions.

Each is done once per idempotency key of its owner, and answered the same for ever.
"""

from litestar import Response
from psycopg import AsyncConnection

from api.idempotent_answers import FirstAnswer, answer_once
from api.schemas.partners import PartnerAnswer, PartnerRequest
from api.schemas.programmes import PermissionAnswer, PermissionRequest
from api.wiring import Wiring
from ledger.errors import NotFound, ProgrammeNotFound
from ledger.store.registry_writes import add_partner, permit
from ledger.store.unit_of_work import unit_of_work


async def add_partner_once(wiring: Wiring, owner: str, idempotency_key: str, data: PartnerRequest) -> Response[bytes]:
    """Add a partner that may take part in programmes; a code in use is answered 409. Raises as ``answer_once``."""

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_partner(connection, data.code, data.name, data.kind)
        return FirstAnswer(201, PartnerAnswer(data.code, data.kind, data.name))

    return await answer_once(wiring.engine, owner, idempotency_key, "add-partner", data, work)


async def permit_partner(wiring: Wiring, code: str, partner: str, data: PermissionRequest) -> PermissionAnswer:
    """Say what a partner may do in a programme; raises ProgrammeNotFound and NotFound."""
    registry = await wiring.fresh_registry()
    programme = registry.programmes.get(code)
    if programme is None:
        raise ProgrammeNotFound("No programme has this code.", programme=code)
    permitted = registry.partner_coded(partner)
    if permitted is None:
        raise NotFound("No partner has this code.")
    async with wiring.engine.pool.connection() as connection, unit_of_work(connection):
        await permit(
            connection, programme.number, permitted.number, may_issue=data.may_issue, may_accept=data.may_accept
        )
    return PermissionAnswer(permitted.code, data.may_issue, data.may_accept)
