"""Webhooks: made, listed, paused, given a new secret and removed, by the partner whose events they get.

An operator's webhooks get what the ledger does by itself.
"""

from uuid import UUID

import msgspec
from litestar import Response, delete, get, post

from api.access import feed_owner_of, for_operators_and_partners, key_owner_of
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    answers,
)
from api.schemas.webhooks import WebhookAnswer, WebhookPage, WebhookRequest
from api.webhook_steps import WebhookDoor, webhook_answer, webhook_id
from api.wiring import wiring_of
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.store.webhooks import find_webhook, list_webhooks

_encode = msgspec.json.Encoder().encode


@post(
    "/v1/webhooks",
    before_request=for_operators_and_partners,
    operation_id="postWebhook",
    summary="Have events sent to you",
    tags=["Events"],
    responses=answers(
        201, WebhookAnswer, "Made; `secret` is shown once.", *WRITE_PROBLEMS, "webhook-target-refused", "conflict"
    ),
)
async def post_webhook(request: CityRequest, data: WebhookRequest, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Send your events, all or of some `types`, to an address of yours, signed by Standard Webhooks.

    A replay answers the same with `secret: null`: it is stored only sealed, and never told again.
    """
    return await (await webhook_door(request)).make(data, idempotency_key)


@get(
    "/v1/webhooks",
    before_request=for_operators_and_partners,
    operation_id="listWebhooks",
    summary="List webhooks",
    tags=["Events"],
    responses=answers(200, WebhookPage, "A page.", *LIST_PROBLEMS),
)
async def get_webhooks(
    request: CityRequest, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """Your webhooks in the order of their ids; no secrets."""
    engine = wiring_of(request).engine
    owner = feed_owner_of(request)
    name = f"webhooks:{owner}"
    position = position_after(engine.key, name, cursor, limit)
    after = None if position is None else UUID(position)
    async with engine.pool.connection() as connection:
        found = await list_webhooks(connection, owner, after=after, limit=limit + 1)
    page, next_cursor = cut(engine.key, name, found, lambda webhook: str(webhook.id), limit)
    answer = WebhookPage([webhook_answer(webhook) for webhook in page], next_cursor)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, next_cursor))


@get(
    "/v1/webhooks/{webhook:str}",
    before_request=for_operators_and_partners,
    operation_id="getWebhook",
    summary="Read a webhook",
    tags=["Events"],
    responses=answers(200, WebhookAnswer, "The webhook.", *READ_PROBLEMS, "not-found"),
)
async def get_webhook(request: CityRequest, webhook: CodePath) -> Response[bytes]:
    """Say whether a webhook is active, and since when it fails."""
    async with wiring_of(request).engine.pool.connection() as connection:
        found = await find_webhook(connection, webhook_id(webhook), feed_owner_of(request))
    return Response(_encode(webhook_answer(found)), media_type=JSON)


@delete(
    "/v1/webhooks/{webhook:str}",
    status_code=200,
    before_request=for_operators_and_partners,
    operation_id="deleteWebhook",
    summary="Remove a webhook",
    tags=["Events"],
    responses=answers(200, WebhookAnswer, "As it was.", *READ_PROBLEMS, "not-found"),
)
async def remove_webhook(request: CityRequest, webhook: CodePath) -> Response[bytes]:
    """Remove a webhook with its secret and all its deliveries; what is on its way may still arrive."""
    removed = await (await webhook_door(request)).remove(webhook_id(webhook))
    return Response(_encode(webhook_answer(removed)), media_type=JSON)


@post(
    "/v1/webhooks/{webhook:str}/pause",
    before_request=for_operators_and_partners,
    operation_id="pauseWebhook",
    summary="Pause a webhook",
    tags=["Events"],
    responses=answers(201, WebhookAnswer, "Paused.", *WRITE_PROBLEMS, "not-found"),
)
async def post_pause(request: CityRequest, webhook: CodePath, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Send nothing until it is resumed; its place in the feed is kept, so nothing is missed."""
    return await (await webhook_door(request)).change(webhook_id(webhook), "pause", idempotency_key)


@post(
    "/v1/webhooks/{webhook:str}/resume",
    before_request=for_operators_and_partners,
    operation_id="resumeWebhook",
    summary="Resume a webhook",
    tags=["Events"],
    responses=answers(201, WebhookAnswer, "Active.", *WRITE_PROBLEMS, "not-found"),
)
async def post_resume(request: CityRequest, webhook: CodePath, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Go on where it was paused, by whomever; failures so far are forgotten."""
    return await (await webhook_door(request)).change(webhook_id(webhook), "resume", idempotency_key)


@post(
    "/v1/webhooks/{webhook:str}/rotate-secret",
    before_request=for_operators_and_partners,
    operation_id="rotateWebhookSecret",
    summary="Give a webhook a new secret",
    tags=["Events"],
    responses=answers(201, WebhookAnswer, "The new `secret`, shown once.", *WRITE_PROBLEMS, "not-found"),
)
async def post_new_secret(request: CityRequest, webhook: CodePath, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Sign with a new secret from now on. For 24 hours the former one signs, too, so no event fails to verify.

    Rotated again within that time, the oldest one ends at once.
    """
    return await (await webhook_door(request)).renew_secret(webhook_id(webhook), idempotency_key)


async def webhook_door(request: CityRequest) -> WebhookDoor:
    """What the partner or operator behind a request may do with its webhooks."""
    return WebhookDoor(wiring_of(request), await key_owner_of(request), feed_owner_of(request))


webhook_routes = [
    post_webhook,
    get_webhooks,
    get_webhook,
    remove_webhook,
    post_pause,
    post_resume,
    post_new_secret,
]
