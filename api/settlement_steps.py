"""Steps with a batch over HTTP: taken by the person behind the request, answered with the batch as it is then."""

from collections.abc import Awaitable, Callable

import msgspec
from litestar import Response

from api.idempotent_answers import answer_step
from api.requests import CityRequest
from api.schemas.proposals import DecisionSent
from api.schemas.settlement import BatchAnswer, batch_answer
from api.settlement_access import person_of
from api.wiring import Wiring, wiring_of
from ledger.posting.engine import Engine
from settlement.batches import Batch
from settlement.people import Person
from settlement.store.money_rows import read_notices, read_payments

BatchStep = Callable[[Engine, Person, str, str], Awaitable[Batch]]
"""A step that is named by a batch, or by something of one, and a reason."""


class NothingSent(msgspec.Struct, frozen=True):
    """A request without a body."""


async def take_step(
    request: CityRequest, idempotency_key: str, operation: str, name: str, data: DecisionSent, take: BatchStep
) -> Response[bytes]:
    """Take a step once per idempotency key; raises as ``answer_step``."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> BatchAnswer:
        await wiring.fresh_registry()
        return await shown_batch(wiring, await take(wiring.engine, person, name, data.reason))

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, f"{operation}:{name}", data, step)


async def shown_batch(wiring: Wiring, batch: Batch) -> BatchAnswer:
    """A batch with its payments and notices."""
    async with wiring.engine.pool.connection() as connection:
        payments = await read_payments(connection, batch.id)
        notices = await read_notices(connection, batch.id)
    return batch_answer(batch, wiring.engine.registry.current, payments, notices)
