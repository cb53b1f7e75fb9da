"""Steps with a batch over HTTP: taken by the person behind the request, answered with the batch as it is then."""

from collections.abc import Awaitable, Callable
from datetime import date

import msgspec
from litestar import Response

from api.idempotent_answers import answer_step
from api.requests import CityRequest
from api.schemas.proposals import DecisionSent
from api.schemas.settlement import BatchAnswer, DayAnswer, RunSent, batch_answer, day_answer
from api.settlement_access import person_of, programme_coded
from api.wiring import Wiring, wiring_of
from ledger.errors import NotFound
from ledger.posting.engine import Engine
from settlement.batches import Batch
from settlement.days import close_day
from settlement.people import Person
from settlement.run import run
from settlement.store.money_rows import read_files, read_notices, read_payments

XML = "application/xml"

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


async def close_day_once(request: CityRequest, idempotency_key: str, programme: str, day: date) -> Response[bytes]:
    """Close a business day once per idempotency key; raises as ``answer_step``."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> DayAnswer:
        found = await programme_coded(wiring, programme)
        return day_answer(programme, await close_day(wiring.engine, person, found, day))

    operation = f"close-day:{programme}:{day}"
    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, NothingSent(), step)


async def run_once(request: CityRequest, idempotency_key: str, data: RunSent) -> Response[bytes]:
    """Run a settlement once per idempotency key; raises as ``answer_step``."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> BatchAnswer:
        programme = await programme_coded(wiring, data.programme)
        return await shown_batch(wiring, await run(wiring.engine, person, programme, data.through))

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, "run", data, step)


async def shown_batch(wiring: Wiring, batch: Batch) -> BatchAnswer:
    """A batch with its payments and notices."""
    async with wiring.engine.pool.connection() as connection:
        payments = await read_payments(connection, batch.id)
        notices = await read_notices(connection, batch.id)
    return batch_answer(batch, wiring.engine.registry.current, payments, notices)


async def payment_file_of(wiring: Wiring, batch: str) -> Response[bytes]:
    """The latest payment file of a batch, as it was written; raises NotFound where none was."""
    async with wiring.engine.pool.connection() as connection:
        files = await read_files(connection, batch)
    if not files:
        raise NotFound("No payment file was made of a batch with this name.")
    latest = files[-1]
    headers = {"Content-Disposition": f'attachment; filename="{latest.message_id}.xml"'}
    return Response(latest.content, media_type=XML, headers=headers)
