"""What is delivered to a webhook: listed, tried by a ping, and sent again."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter

from api.access import feed_owner_of, for_operators_and_partners
from api.answers import rfc3339
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.routes.webhooks import webhook_door
from api.schemas.webhooks import DeliveryAnswer, DeliveryPage, PingAnswer, ReplayAnswer, ReplayRequest
from api.webhook_steps import webhook_id
from api.wiring import wiring_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.store.webhook_planning import Delivery, list_deliveries
from ledger.store.webhook_queue import DeliveryState
from ledger.store.webhooks import find_webhook

_encode = msgspec.json.Encoder().encode

StateQuery = Annotated[
    DeliveryState | None, QueryParameter(name="state", required=False, description="Only those in this state.")
]


@get(
    "/v1/webhooks/{webhook:str}/deliveries",
    before_request=for_operators_and_partners,
    operation_id="listDeliveries",
    summary="List what is delivered to a webhook",
    tags=["Events"],
    responses=answers(200, DeliveryPage, "A page.", *LIST_PROBLEMS, "not-found"),
)
async def get_deliveries(
    request: CityRequest,
    webhook: CodePath,
    only: StateQuery = None,
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
) -> Response[bytes]:
    """The latest events first. `state=dead` is the list of dead letters: what was tried for three days.

    Delivered ones are listed for 30 days, dead ones for 90.
    """
    engine = wiring_of(request).engine
    identifier = webhook_id(webhook)
    name = f"deliveries:{identifier}:{only}"
    position = position_after(engine.key, name, cursor, limit)
    before = None if position is None else UUID(position)
    async with engine.pool.connection() as connection:
        await find_webhook(connection, identifier, feed_owner_of(request))
        found = await list_deliveries(connection, identifier, state=only, before=before, limit=limit + 1)
    page, next_cursor = cut(engine.key, name, found, lambda delivery: str(delivery.event), limit)
    answer = DeliveryPage([_answer(delivery) for delivery in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@post(
    "/v1/webhooks/{webhook:str}/ping",
    before_request=for_operators_and_partners,
    operation_id="pingWebhook",
    summary="Try a webhook",
    tags=["Events"],
    responses=answers(201, PingAnswer, "It will be sent at once.", *WRITE_PROBLEMS, "not-found"),
)
async def post_ping(request: CityRequest, webhook: CodePath, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Send one `citypoints.ping.v1` event, once, before everything that waits; also to a paused webhook."""
    return await (await webhook_door(request)).ping(webhook_id(webhook), idempotency_key)


@post(
    "/v1/webhooks/{webhook:str}/replay",
    before_request=for_operators_and_partners,
    operation_id="replayWebhook",
    summary="Have events sent again",
    tags=["Events"],
    responses=answers(201, ReplayAnswer, "They will be sent.", *WRITE_PROBLEMS, "not-found", "transaction-not-found"),
)
async def post_replay(
    request: CityRequest, webhook: CodePath, data: ReplayRequest, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Send one `event` again, or all recorded `since` a time, or all dead ones (`"state": "dead"`).

    They carry the ids that they had, so a receiver can tell what it has seen.
    """
    return await (await webhook_door(request)).replay(webhook_id(webhook), data, idempotency_key)


def _answer(delivery: Delivery) -> DeliveryAnswer:
    return DeliveryAnswer(
        event=str(delivery.event),
        type=delivery.type,
        state=delivery.state,
        attempts=delivery.attempts,
        last_status=delivery.last_status,
        last_failure=delivery.last_failure,
        planned_at=rfc3339(delivery.planned_at),
        last_attempt_at=_moment(delivery.last_attempt_at),
        next_attempt_at=_moment(delivery.next_attempt_at),
        ended_at=_moment(delivery.ended_at),
    )


def _moment(instant: int | None) -> str | None:
    return None if instant is None else rfc3339(instant)


delivery_routes = [get_deliveries, post_ping, post_replay]
