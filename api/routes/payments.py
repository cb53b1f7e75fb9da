"""Payments of a batch, what banks say of them, and money that came in."""

import hashlib
from http import HTTPStatus

import msgspec
from litestar import Response, get, post

from api.access import for_roles
from api.idempotent_answers import answer_step
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
    answers,
)
from api.schemas.payments import BankFileOutcome, MatchSent, SuspenseAnswer, SuspenseList, suspense_answer
from api.schemas.proposals import DecisionSent, proposal_id
from api.schemas.settlement import BatchAnswer
from api.settlement_access import FINANCE, person_of
from api.settlement_steps import XML, NothingSent, payment_file_of, take_step
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from settlement.payments import instruct, retry
from settlement.receipts import match
from settlement.reconciliation import LARGEST_BYTES, import_bank_file
from settlement.store.bank_rows import list_items

SETTLING = ("finance-clerk", "manager")

_PAYING_PROBLEMS = (
    *SETTLING_PROBLEMS,
    "not-found",
    "batch-not-in-state",
    "account-missing",
    "beneficiary-missing",
    "bank-file-invalid",
)
_encode = msgspec.json.Encoder().encode


@post(
    "/v1/settlement-batches/{batch:str}/instruct",
    before_request=for_roles(*SETTLING),
    operation_id="instructBatch",
    summary="Instruct a batch's payments",
    tags=["Payments"],
    responses=answers(CREATED, BatchAnswer, "Instructed.", *_PAYING_PROBLEMS),
)
async def post_instruct(
    request: CityRequest, batch: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Write the payment file of an approved batch, once, and book its payments."""
    return await take_step(request, idempotency_key, "instruct", batch, data, instruct)


@get(
    "/v1/settlement-batches/{batch:str}/payment-file",
    media_type=XML,
    before_request=for_roles("finance-clerk", "finance-approver", "manager", "auditor"),
    operation_id="getPaymentFile",
    summary="Download a batch's payment file",
    tags=["Payments"],
    responses=answers(200, str, "The latest pain.001.001.09 of the batch.", *READ_PROBLEMS, "not-found"),
)
async def get_payment_file(request: CityRequest, batch: CodePath) -> Response[bytes]:
    """The payment file as it was written, the same bytes every time; of retried payments the latest."""
    return await payment_file_of(wiring_of(request), batch)


@post(
    "/v1/payments/{payment:str}/retry",
    before_request=for_roles(*SETTLING),
    operation_id="retryPayment",
    summary="Pay again what came back",
    tags=["Payments"],
    responses=answers(CREATED, BatchAnswer, "Ordered again.", *_PAYING_PROBLEMS),
)
async def post_retry(
    request: CityRequest, payment: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Order a rejected or returned payment again, as a new attempt, to where its party is paid by now."""
    return await take_step(request, idempotency_key, "retry", payment, data, retry)


@post(
    "/v1/bank-files",
    before_request=for_roles(*SETTLING),
    request_max_body_size=LARGEST_BYTES,
    operation_id="postBankFile",
    summary="Import a bank's file",
    tags=["Payments"],
    responses=answers(CREATED, BankFileOutcome, "Taken over.", *SETTLING_PROBLEMS, "bank-file-invalid"),
)
async def post_bank_file(request: CityRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Send a pain.002, camt.053, camt.054 or pacs.004 as the body. The same file again changes nothing."""
    wiring, person = wiring_of(request), person_of(request)
    content = await request.body()

    async def step() -> BankFileOutcome:
        await wiring.fresh_registry()
        return await import_bank_file(wiring.engine, person, content)

    operation = f"bank-file:{hashlib.sha256(content).hexdigest()}"
    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, NothingSent(), step)


@get(
    "/v1/suspense",
    before_request=for_roles(*FINANCE),
    operation_id="listSuspense",
    summary="List money that could not be placed",
    tags=["Payments"],
    responses=answers(200, SuspenseList, "A page, the oldest first.", *LIST_PROBLEMS),
)
async def get_suspense(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """The work list: receipts that no notice explains, and debits that no payment does."""
    wiring = wiring_of(request)
    after = position_after(wiring.engine.key, "suspense", cursor, limit)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        items = await list_items(connection, limit + 1, after)
    page, following = cut(wiring.engine.key, "suspense", items, lambda one: str(one.item), limit)
    answer = SuspenseList([suspense_answer(item, registry) for item in page], following)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, following))


@post(
    "/v1/suspense/{item:str}/match",
    status_code=HTTPStatus.CREATED,
    before_request=for_roles(*SETTLING),
    operation_id="matchSuspense",
    summary="Place money with a notice",
    tags=["Payments"],
    responses=answers(CREATED, SuspenseAnswer, "Placed.", *SETTLING_PROBLEMS, "not-found"),
)
async def post_match(
    request: CityRequest, item: CodePath, data: MatchSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Say which notice a receipt pays; what is over pays the party's other notices, and then stands to its credit."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> SuspenseAnswer:
        registry = await wiring.fresh_registry()
        identifier = proposal_id(item)
        if identifier is None:
            raise NotFound("Nothing on the work list has this id.")
        return suspense_answer(await match(wiring.engine, person, identifier, data.reference), registry)

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, f"match:{item}", data, step)


payment_routes = [post_instruct, get_payment_file, post_retry, post_bank_file, get_suspense, post_match]
