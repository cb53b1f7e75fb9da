"""What is delivered to a webhook: listed, tried by a ping, and sent again."""

import secrets
import time
from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import QueryParameter
from psycopg import AsyncConnection

from api.access import feed_owner_of, for_operators_and_partners, key_owner_of
from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
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
from api.routes.webhooks import NoBody, webhook_id
from api.schemas.fields import instant_of, refuse
from api.schemas.webhooks import DeliveryAnswer, DeliveryPage, PingAnswer, ReplayAnswer, ReplayRequest
from api.wiring import wiring_of
from ledger.errors import TransactionNotFound
from ledger.ids import make_id
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.events import EVENT_TYPES
from ledger.store.event_ranges import find_event, read_positions_at
from ledger.store.webhook_planning import (
    Delivery,
    go_back,
    list_deliveries,
    plan_deliveries,
    plan_next,
    revive_dead,
)
from ledger.store.webhook_queue import PING, DeliveryState
from ledger.store.webhooks import find_webhook, lock_webhook, probe_now

PING_TAIL_BITS = 22

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
    engine = wiring_of(request).engine
    identifier, owner = webhook_id(webhook), feed_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await lock_webhook(connection, identifier, owner)
        # No transaction has the number 0.
        event = make_id(time.time_ns() // 1000, 0, 0, secrets.randbits(PING_TAIL_BITS))
        await plan_next(connection, identifier, event, PING)
        await probe_now(connection, identifier)
        return FirstAnswer(201, PingAnswer(str(event)))

    operation = f"ping-webhook:{identifier}"
    return await answer_once(engine, await key_owner_of(request), idempotency_key, operation, NoBody(), work)


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
    if (data.event, data.since, data.state).count(None) != 2:  # noqa: PLR2004 - two of the three
        refuse("$.event, $.since, $.state", "none or several of them", "exactly one of the three")
    since = instant_of(data.since, "$.since")
    engine = wiring_of(request).engine
    identifier, owner = webhook_id(webhook), feed_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await lock_webhook(connection, identifier, owner)
        if data.event is not None:
            await _replay_event(connection, identifier, owner, data.event)
            return FirstAnswer(201, ReplayAnswer(1))
        if since is not None:
            await go_back(connection, identifier, await read_positions_at(connection, since))
            return FirstAnswer(201, ReplayAnswer(None))
        return FirstAnswer(201, ReplayAnswer(await revive_dead(connection, identifier)))

    operation = f"replay-webhook:{identifier}"
    return await answer_once(engine, await key_owner_of(request), idempotency_key, operation, data, work)


async def _replay_event(connection: AsyncConnection, webhook: UUID, owner: int, event: UUID) -> None:
    found = await find_event(connection, owner, event)
    if found is None:
        raise TransactionNotFound("No transaction of yours has this id.")
    await plan_deliveries(connection, webhook, [(event, EVENT_TYPES[found.kind])])


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
