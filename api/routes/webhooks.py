"""Webhooks: made, listed, paused, given a new secret and removed, by the partner whose events they get.

An operator's webhooks get what the ledger does by itself.
"""

from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import msgspec
from litestar import Response, delete, get, post
from psycopg import AsyncConnection

from api.access import feed_owner_of, for_operators_and_partners, key_owner_of
from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
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
from api.schemas.fields import refuse
from api.schemas.webhooks import WebhookAnswer, WebhookPage, WebhookRequest
from api.webhooks.targets import TargetRefused, find_target
from api.wiring import wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from ledger.reading.events import EVENT_TYPES
from ledger.store.event_ranges import read_heads
from ledger.store.unit_of_work import unit_of_work
from ledger.store.webhook_secrets import make_webhook_secret, seal_secret
from ledger.store.webhooks import (
    NewWebhook,
    Webhook,
    add_webhook,
    delete_webhook,
    find_webhook,
    list_webhooks,
    lock_webhook,
    pause_webhook,
    resume_webhook,
    rotate_secret,
)

BOTH_SECRETS_SECONDS = 24 * 60 * 60

_encode = msgspec.json.Encoder().encode


class NoBody(msgspec.Struct, frozen=True):
    """What a request without a body says."""


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
    _refuse_unknown_types(data)
    wiring = wiring_of(request)
    engine = wiring.engine
    # Looked up before the unit of work, which must not wait for a slow name.
    refusal = await _refusal_of(data.url, request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        if refusal is not None:
            raise refusal
        identifier, secret = uuid4(), make_webhook_secret()
        new = NewWebhook(
            id=identifier,
            partner=feed_owner_of(request),
            url=data.url,
            description=data.description,
            types=None if data.types is None else tuple(data.types),
            sealed_secret=seal_secret(engine.key, identifier, secret),
            positions=await read_heads(connection) if data.start == "now" else (0,) * engine.lanes,
        )
        return _with_secret(await add_webhook(connection, new), secret)

    return await answer_once(engine, await key_owner_of(request), idempotency_key, "make-webhook", data, work)


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
    identifier, owner = webhook_id(webhook), feed_owner_of(request)
    async with wiring_of(request).engine.pool.connection() as connection, unit_of_work(connection):
        found = await lock_webhook(connection, identifier, owner)
        await delete_webhook(connection, identifier, owner)
    return Response(_encode(webhook_answer(found)), media_type=JSON)


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
    return await _change(request, webhook, idempotency_key, "pause", pause_webhook)


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
    return await _change(request, webhook, idempotency_key, "resume", resume_webhook)


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
    engine = wiring_of(request).engine
    identifier, owner = webhook_id(webhook), feed_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await lock_webhook(connection, identifier, owner)
        secret = make_webhook_secret()
        sealed = seal_secret(engine.key, identifier, secret)
        await rotate_secret(connection, identifier, sealed, overlap_seconds=BOTH_SECRETS_SECONDS)
        return _with_secret(await find_webhook(connection, identifier, owner), secret)

    operation = f"rotate-webhook-secret:{identifier}"
    return await answer_once(engine, await key_owner_of(request), idempotency_key, operation, NoBody(), work)


async def _change(
    request: CityRequest,
    webhook: str,
    idempotency_key: str,
    operation: str,
    change: Callable[[AsyncConnection, UUID], Awaitable[None]],
) -> Response[bytes]:
    engine = wiring_of(request).engine
    identifier, owner = webhook_id(webhook), feed_owner_of(request)

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await lock_webhook(connection, identifier, owner)
        await change(connection, identifier)
        return FirstAnswer(201, webhook_answer(await find_webhook(connection, identifier, owner)))

    operation = f"{operation}-webhook:{identifier}"
    return await answer_once(engine, await key_owner_of(request), idempotency_key, operation, NoBody(), work)


def webhook_id(text: str) -> UUID:
    """Read the id of a webhook from a path; raises NotFound for what cannot be one."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("No webhook of yours has this id.") from None


def webhook_answer(webhook: Webhook) -> WebhookAnswer:
    """A webhook, without its secret."""
    ends_at = webhook.former_secret_ends_at
    return WebhookAnswer(
        id=str(webhook.id),
        url=webhook.url,
        description=webhook.description,
        types=webhook.types,
        state=webhook.state,
        pause_reason=webhook.pause_reason,
        failures=webhook.failures,
        failing_since=None if webhook.failing_since is None else rfc3339(webhook.failing_since),
        created_at=rfc3339(webhook.created_at),
        former_secret_ends_at=None if ends_at is None else rfc3339(ends_at),
    )


def _with_secret(webhook: Webhook, secret: str) -> FirstAnswer:
    answer = webhook_answer(webhook)
    return FirstAnswer(201, msgspec.structs.replace(answer, secret=secret), kept=answer)


def _refuse_unknown_types(data: WebhookRequest) -> None:
    known = set(EVENT_TYPES.values())
    for number, name in enumerate(data.types or ()):
        if name not in known:
            refuse(f"$.types[{number}]", repr(name), f"one of {', '.join(sorted(known))}")


async def _refusal_of(url: str, request: CityRequest) -> TargetRefused | None:
    try:
        await find_target(url, wiring_of(request).webhook_targets)
    except TargetRefused as refusal:
        return refusal
    return None


webhook_routes = [
    post_webhook,
    get_webhooks,
    get_webhook,
    remove_webhook,
    post_pause,
    post_resume,
    post_new_secret,
]
