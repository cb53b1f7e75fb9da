"""Settlement: days are closed, batches run, submitted, approved by another person, and followed to their end."""

from datetime import date
from operator import itemgetter

import msgspec
from litestar import Response, get, post, put
from psycopg import AsyncConnection

from api.access import for_roles
from api.idempotent_answers import FirstAnswer, answer_once
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import CREATED, JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    SETTLING_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    ProgrammeQuery,
    answers,
)
from api.schemas.fields import day_within, refuse
from api.schemas.proposals import DecisionSent
from api.schemas.settlement import (
    BankDaysSent,
    BatchAnswer,
    BatchList,
    BatchName,
    DayAnswer,
    DayList,
    RunSent,
    day_answer,
)
from api.settlement_access import FINANCE, person_of, programme_coded
from api.settlement_steps import close_day_once, run_once, shown_batch, take_step
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from settlement import approval
from settlement.store.batch_rows import list_batches, read_batch
from settlement.store.day_rows import list_days, set_bank_days

SETTLING = ("finance-clerk", "manager")
APPROVING = ("finance-approver", "manager")

_STEP_PROBLEMS = (*SETTLING_PROBLEMS, "not-found", "batch-not-in-state")
_encode = msgspec.json.Encoder().encode


@post(
    "/v1/settlement-days/{programme:str}/{day:str}/close",
    before_request=for_roles(*SETTLING),
    operation_id="closeDay",
    summary="Close a business day",
    tags=["Settlement"],
    responses=answers(
        CREATED, DayAnswer, "Closed.", *SETTLING_PROBLEMS, "programme-not-found", "day-not-over", "day-not-next"
    ),
)
async def post_close(
    request: CityRequest, programme: CodePath, day: CodePath, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """From then on nothing can be recorded in the day. Days are closed in order, after their cut-off."""
    return await close_day_once(request, idempotency_key, programme, _day(day))


@get(
    "/v1/settlement-days",
    before_request=for_roles(*FINANCE),
    operation_id="listDays",
    summary="List closed days",
    tags=["Settlement"],
    responses=answers(200, DayList, "A page, the last first.", *LIST_PROBLEMS, "programme-not-found"),
)
async def get_days(
    request: CityRequest, programme: ProgrammeQuery, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Closed days of a programme, with the batches they are settled in."""
    wiring, name = wiring_of(request), f"settlement-days:{programme}"
    after = position_after(wiring.engine.key, name, cursor, limit)
    found = await programme_coded(wiring, programme)
    async with wiring.engine.pool.connection() as connection:
        days = await list_days(connection, found.number, limit + 1, after)
    page, following = cut(wiring.engine.key, name, days, lambda one: one.day.isoformat(), limit)
    answer = DayList([day_answer(programme, one) for one in page], following)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, following))


@put(
    "/v1/bank-days",
    before_request=for_roles("operator", *SETTLING),
    operation_id="setBankDays",
    summary="Name holidays and working weekends",
    tags=["Settlement"],
    responses=answers(200, BankDaysSent, "Kept.", *SETTLING_PROBLEMS),
)
async def put_bank_days(request: CityRequest, data: BankDaysSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Banks settle from Monday to Friday but for holidays, and on weekend days that make up for one."""
    wiring, person = wiring_of(request), person_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        for place, day in enumerate(data.days):
            day_within(day, f"$.days[{place}]")
        await set_bank_days(connection, data.days, data.note, person.name, is_business=data.is_business)
        return FirstAnswer(200, data)

    return await answer_once(wiring.engine, f"p:{person.name}", idempotency_key, "bank-days", data, work)


@post(
    "/v1/settlement-batches",
    before_request=for_roles(*SETTLING),
    operation_id="runSettlement",
    summary="Run a settlement",
    tags=["Settlement"],
    responses=answers(
        CREATED,
        BatchAnswer,
        "The batch of these days.",
        *SETTLING_PROBLEMS,
        "programme-not-found",
        "nothing-to-settle",
        "batch-in-the-way",
        "contract-missing",
        "quote-missing",
    ),
)
async def post_batch(request: CityRequest, data: RunSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Settle all closed days that no batch has, as a draft; the batch of the day where it has one already."""
    return await run_once(request, idempotency_key, data)


@get(
    "/v1/settlement-batches",
    before_request=for_roles(*FINANCE),
    operation_id="listBatches",
    summary="List batches",
    tags=["Settlement"],
    responses=answers(200, BatchList, "A page, the last first.", *LIST_PROBLEMS, "programme-not-found"),
)
async def get_batches(
    request: CityRequest, programme: ProgrammeQuery, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """The batches of a programme and their states."""
    wiring, name = wiring_of(request), f"settlement-batches:{programme}"
    after = position_after(wiring.engine.key, name, cursor, limit)
    found = await programme_coded(wiring, programme)
    async with wiring.engine.pool.connection() as connection:
        batches = await list_batches(connection, found.number, limit + 1, after)
    page, following = cut(wiring.engine.key, name, batches, itemgetter(0), limit)
    answer = BatchList([BatchName(*one) for one in page], following)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, following))


@get(
    "/v1/settlement-batches/{batch:str}",
    before_request=for_roles(*FINANCE),
    operation_id="getBatch",
    summary="Read a batch",
    tags=["Settlement"],
    responses=answers(200, BatchAnswer, "The batch.", *READ_PROBLEMS, "not-found"),
)
async def get_batch(request: CityRequest, batch: CodePath) -> Response[bytes]:
    """A batch with every line, payment and notice, and who brought it where it is."""
    wiring = wiring_of(request)
    await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await read_batch(connection, batch)
    if found is None:
        raise NotFound("No settlement batch has this name.")
    return Response(_encode(await shown_batch(wiring, found)), media_type=JSON)


@post(
    "/v1/settlement-batches/{batch:str}/submit",
    before_request=for_roles(*SETTLING),
    operation_id="submitBatch",
    summary="Submit a batch",
    tags=["Settlement"],
    responses=answers(CREATED, BatchAnswer, "Submitted.", *_STEP_PROBLEMS),
)
async def post_submit(
    request: CityRequest, batch: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Hand a draft to a second person for approval."""
    return await take_step(request, idempotency_key, "submit", batch, data, approval.submit)


@post(
    "/v1/settlement-batches/{batch:str}/approve",
    before_request=for_roles(*APPROVING),
    operation_id="approveBatch",
    summary="Approve a batch",
    tags=["Settlement"],
    responses=answers(
        CREATED,
        BatchAnswer,
        "Approved and posted.",
        *_STEP_PROBLEMS,
        "second-person-required",
        "approval-limit-exceeded",
        "batch-in-the-way",
        "batch-outdated",
    ),
)
async def post_approve(
    request: CityRequest, batch: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Approve what another person submitted: points and money are posted, payments planned, notices made."""
    return await take_step(request, idempotency_key, "approve", batch, data, approval.approve)


@post(
    "/v1/settlement-batches/{batch:str}/cancel",
    before_request=for_roles(*SETTLING, "finance-approver"),
    operation_id="cancelBatch",
    summary="Cancel a batch",
    tags=["Settlement"],
    responses=answers(CREATED, BatchAnswer, "Cancelled.", *_STEP_PROBLEMS),
)
async def post_cancel(
    request: CityRequest, batch: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Cancel a batch that is not approved; its days can be settled again, as the next revision."""
    return await take_step(request, idempotency_key, "cancel", batch, data, approval.cancel)


@post(
    "/v1/settlement-batches/{batch:str}/close",
    before_request=for_roles(*SETTLING),
    operation_id="closeBatch",
    summary="Close a batch",
    tags=["Settlement"],
    responses=answers(CREATED, BatchAnswer, "Closed.", *_STEP_PROBLEMS),
)
async def post_batch_close(
    request: CityRequest, batch: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Close a batch whose payments have all been confirmed."""
    return await take_step(request, idempotency_key, "close", batch, data, approval.close)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        refuse("day", repr(text[:40]), "a date such as 2026-11-23", "path")
    if day.isoformat() != text:
        refuse("day", repr(text), "a date such as 2026-11-23", "path")
    return day_within(day, "day", "path")


settlement_routes = [
    post_close,
    get_days,
    put_bank_days,
    post_batch,
    get_batches,
    get_batch,
    post_submit,
    post_approve,
    post_cancel,
    post_batch_close,
]
