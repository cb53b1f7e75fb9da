"""What partners do with their webhooks: the steps that their keys take over HTTP, and their people on the pages.

``owner`` is whose idempotency keys are meant, ``partner`` whose webhooks: the ledger itself for operators.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from uuid import UUID, uuid4

import msgspec
from litestar import Response
from psycopg import AsyncConnection

from api.answers import rfc3339
from api.idempotent_answers import FirstAnswer, answer_once
from api.schemas.fields import NoBody, instant_of, refuse
from api.schemas.webhooks import PingAnswer, ReplayAnswer, ReplayRequest, WebhookAnswer, WebhookRequest
from api.webhooks.targets import TargetRefused, find_target
from api.wiring import Wiring
from ledger.errors import NotFound, TransactionNotFound
from ledger.ids import make_id
from ledger.reading.events import EVENT_TYPES
from ledger.store.event_ranges import find_event, read_heads, read_positions_at
from ledger.store.unit_of_work import unit_of_work
from ledger.store.webhook_planning import go_back, plan_deliveries, plan_next, revive_dead
from ledger.store.webhook_queue import PING
from ledger.store.webhook_secrets import make_webhook_secret, seal_secret
from ledger.store.webhooks import (
    NewWebhook,
    Webhook,
    add_webhook,
    delete_webhook,
    find_webhook,
    lock_webhook,
    pause_webhook,
    probe_now,
    resume_webhook,
    rotate_secret,
)

BOTH_SECRETS_SECONDS = 24 * 60 * 60
PING_TAIL_BITS = 22

Change = Callable[[AsyncConnection, UUID], Awaitable[None]]
CHANGES: dict[str, Change] = {"pause": pause_webhook, "resume": resume_webhook}
"""What changes a webhook's state, by its name."""


class WebhookDoor(msgspec.Struct, frozen=True):
    """Somebody with webhooks, whichever way they came in."""

    wiring: Wiring
    owner: str
    partner: int

    async def make(self, data: WebhookRequest, idempotency_key: str) -> Response[bytes]:
        """Add a webhook; a replay answers it with ``secret: null``. Raises MalformedRequest for unknown types."""
        _refuse_unknown_types(data)
        engine = self.wiring.engine
        # Looked up before the unit of work, which must not wait for a slow name.
        refusal = await _refusal_of(data.url, self.wiring)

        async def work(connection: AsyncConnection) -> FirstAnswer:
            if refusal is not None:
                raise refusal
            identifier, secret = uuid4(), make_webhook_secret()
            new = NewWebhook(
                id=identifier,
                partner=self.partner,
                url=data.url,
                description=data.description,
                types=None if data.types is None else tuple(data.types),
                sealed_secret=seal_secret(engine.key, identifier, secret),
                positions=await read_heads(connection) if data.start == "now" else (0,) * engine.lanes,
            )
            return _with_secret(await add_webhook(connection, new), secret)

        return await answer_once(engine, self.owner, idempotency_key, "make-webhook", data, work)

    async def remove(self, identifier: UUID) -> Webhook:
        """Remove a webhook with all its deliveries, and return it as it was; raises NotFound."""
        async with self.wiring.engine.pool.connection() as connection, unit_of_work(connection):
            found = await lock_webhook(connection, identifier, self.partner)
            await delete_webhook(connection, identifier, self.partner)
        return found

    async def change(self, identifier: UUID, name: str, idempotency_key: str) -> Response[bytes]:
        """Make one of CHANGES."""

        async def work(connection: AsyncConnection) -> FirstAnswer:
            await lock_webhook(connection, identifier, self.partner)
            await CHANGES[name](connection, identifier)
            return FirstAnswer(201, webhook_answer(await find_webhook(connection, identifier, self.partner)))

        return await self._once(f"{name}-webhook:{identifier}", idempotency_key, NoBody(), work)

    async def renew_secret(self, identifier: UUID, idempotency_key: str) -> Response[bytes]:
        """Give a webhook a new secret; a replay answers with ``secret: null``."""

        async def work(connection: AsyncConnection) -> FirstAnswer:
            await lock_webhook(connection, identifier, self.partner)
            secret = make_webhook_secret()
            sealed = seal_secret(self.wiring.engine.key, identifier, secret)
            await rotate_secret(connection, identifier, sealed, overlap_seconds=BOTH_SECRETS_SECONDS)
            return _with_secret(await find_webhook(connection, identifier, self.partner), secret)

        return await self._once(f"rotate-webhook-secret:{identifier}", idempotency_key, NoBody(), work)

    async def ping(self, identifier: UUID, idempotency_key: str) -> Response[bytes]:
        """Have a ping sent before everything that waits."""

        async def work(connection: AsyncConnection) -> FirstAnswer:
            await lock_webhook(connection, identifier, self.partner)
            # No transaction has the number 0.
            event = make_id(time.time_ns() // 1000, 0, 0, secrets.randbits(PING_TAIL_BITS))
            await plan_next(connection, identifier, event, PING)
            await probe_now(connection, identifier)
            return FirstAnswer(201, PingAnswer(str(event)))

        return await self._once(f"ping-webhook:{identifier}", idempotency_key, NoBody(), work)

    async def replay(self, identifier: UUID, data: ReplayRequest, idempotency_key: str) -> Response[bytes]:
        """Have one event, those since a time, or all dead ones sent again; raises MalformedRequest."""
        if (data.event, data.since, data.state).count(None) != 2:  # noqa: PLR2004 - two of the three
            refuse("$.event, $.since, $.state", "none or several of them", "exactly one of the three")
        since = instant_of(data.since, "$.since")

        async def work(connection: AsyncConnection) -> FirstAnswer:
            await lock_webhook(connection, identifier, self.partner)
            if data.event is not None:
                await _replay_event(connection, identifier, self.partner, data.event)
                return FirstAnswer(201, ReplayAnswer(1))
            if since is not None:
                await go_back(connection, identifier, await read_positions_at(connection, since))
                return FirstAnswer(201, ReplayAnswer(None))
            return FirstAnswer(201, ReplayAnswer(await revive_dead(connection, identifier)))

        return await self._once(f"replay-webhook:{identifier}", idempotency_key, data, work)

    async def _once(
        self,
        operation: str,
        idempotency_key: str,
        data: msgspec.Struct,
        work: Callable[[AsyncConnection], Awaitable[FirstAnswer]],
    ) -> Response[bytes]:
        return await answer_once(self.wiring.engine, self.owner, idempotency_key, operation, data, work)


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


async def _refusal_of(url: str, wiring: Wiring) -> TargetRefused | None:
    try:
        await find_target(url, wiring.webhook_targets)
    except TargetRefused as refusal:
        return refusal
    return None


async def _replay_event(connection: AsyncConnection, webhook: UUID, owner: int, event: UUID) -> None:
    found = await find_event(connection, owner, event)
    if found is None:
        raise TransactionNotFound("No transaction of yours has this id.")
    await plan_deliveries(connection, webhook, [(event, EVENT_TYPES[found.kind])])
