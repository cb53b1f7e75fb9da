"""Disputes: a redemption's money is held out until a second person decides."""

import msgspec
from litestar import Response, get, post

from api.access import for_roles
from api.idempotent_answers import answer_step
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import CREATED, JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    SETTLING_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.disputes import DisputeAnswer, DisputeDecisionSent, DisputeList, DisputeSent, dispute_answer
from api.schemas.proposals import proposal_id
from api.settlement_access import FINANCE, person_of
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from settlement.disputes import decide_against_acceptor, decide_for_acceptor, dispute_of, open_dispute
from settlement.store.dispute_rows import list_disputes

_PROBLEMS = (*SETTLING_PROBLEMS, "not-found", "not-disputable", "contract-missing")
_encode = msgspec.json.Encoder().encode


@post(
    "/v1/disputes",
    before_request=for_roles("finance-clerk", "manager"),
    operation_id="postDispute",
    summary="Dispute a redemption",
    tags=["Disputes"],
    responses=answers(CREATED, DisputeAnswer, "Opened.", *_PROBLEMS),
)
async def post_dispute(request: CityRequest, data: DisputeSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Hold a redemption's money out of what its acceptor is owed, until it is decided."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> DisputeAnswer:
        registry = await wiring.fresh_registry()
        transaction = proposal_id(data.transaction)
        if transaction is None:
            raise NotFound("No transaction has this id.")
        opened = await open_dispute(wiring.engine, person, transaction, data.reason, dispute_of(transaction))
        return dispute_answer(opened, registry)

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, "dispute", data, step)


@get(
    "/v1/disputes",
    before_request=for_roles(*FINANCE),
    operation_id="listDisputes",
    summary="List disputes",
    tags=["Disputes"],
    responses=answers(200, DisputeList, "A page, the last first.", *LIST_PROBLEMS),
)
async def get_disputes(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """What is disputed, by whom, and how it was decided."""
    wiring = wiring_of(request)
    after = position_after(wiring.engine.key, "disputes", cursor, limit)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await list_disputes(connection, limit + 1, after)
    page, following = cut(wiring.engine.key, "disputes", found, lambda one: str(one.dispute), limit)
    answer = DisputeList([dispute_answer(one, registry) for one in page], following)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, following))


@post(
    "/v1/disputes/{dispute:str}/decision",
    before_request=for_roles("finance-approver", "manager"),
    operation_id="decideDispute",
    summary="Decide a dispute",
    tags=["Disputes"],
    responses=answers(CREATED, DisputeAnswer, "Decided.", *_PROBLEMS, "second-person-required", "dispute-decided"),
)
async def post_decision(
    request: CityRequest, dispute: CodePath, data: DisputeDecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """For the acceptor: it is paid with the next batch. Against it: the redemption is reversed at once."""
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> DisputeAnswer:
        registry = await wiring.fresh_registry()
        identifier = proposal_id(dispute)
        if identifier is None:
            raise NotFound("No dispute has this id.")
        decide = decide_for_acceptor if data.decision == "for-acceptor" else decide_against_acceptor
        return dispute_answer(await decide(wiring.engine, person, identifier, data.reason), registry)

    operation = f"decide-dispute:{dispute}"
    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, data, step)


dispute_routes = [post_dispute, get_disputes, post_decision]
