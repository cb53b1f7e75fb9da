"""The courier: claims what is due, sends it, and records what became of it; in every worker, all the time.

A claim is committed before anything is sent, and ends by itself. So a worker may be killed at any moment:
what it had claimed is sent again by another, under the same id. Nothing is sent inside a unit of work, and
posting shares neither locks nor connections with it: a slow receiver costs the courier a waiting task.
"""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg_pool import PoolTimeout

from api.events import event_body, ping_body
from api.webhooks.measurements import ATTEMPTS, DEAD
from api.webhooks.planning import plan_new_events
from api.webhooks.retries import RetryPolicy
from api.webhooks.sending import Attempt, Message, Sender
from ledger.ids import Place, place_of
from ledger.posting.engine import Engine
from ledger.reading.transactions import TransactionView, read_views
from ledger.store.unit_of_work import unit_of_work
from ledger.store.webhook_queue import (
    PING,
    ClaimedDelivery,
    DeliveryOutcome,
    DueWebhook,
    claim_deliveries,
    lock_due_webhooks,
    lock_failures,
    pause_by_itself,
    record_failures,
    record_outcomes,
    record_success,
)
from ledger.store.webhook_secrets import open_secret

POLL_SECONDS = 0.5
# What lands within so short a time is recorded together.
GATHER_SECONDS = 0.02
WEBHOOKS_PER_CLAIM = 16
MOST_FLYING = 400

_log = structlog.get_logger(__name__)
_chance = random.SystemRandom().random

Flying = dict[asyncio.Task[Attempt], ClaimedDelivery]


class Courier:
    """Plans and delivers for all webhooks of a ledger; several couriers share the work."""

    def __init__(self, engine: Engine, sender: Sender, policy: RetryPolicy) -> None:
        self._engine = engine
        self._sender = sender
        self._policy = policy

    async def run(self, stop: asyncio.Event) -> None:
        """Work until told to stop; then let what is on its way land, and record it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._plan(stop))
            group.create_task(self._deliver(stop))

    async def _plan(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await plan_new_events(self._engine.pool)
            except (psycopg.Error, PoolTimeout) as error:
                _log.warning("webhooks_not_planned", error=type(error).__name__)
                await self._replace_lost_connections()
            await _wait(stop, POLL_SECONDS)

    async def _deliver(self, stop: asyncio.Event) -> None:
        flying: Flying = {}
        stopped = asyncio.create_task(stop.wait())
        try:
            while flying or not stop.is_set():
                try:
                    if not stop.is_set():
                        flying |= await self._take_off(MOST_FLYING - len(flying))
                    await self._land(flying, stopped)
                except (psycopg.Error, PoolTimeout) as error:
                    # What was not recorded is sent again when its claim is over.
                    _log.warning("webhooks_not_recorded", error=type(error).__name__)
                    await self._replace_lost_connections()
                    await _wait(stop, POLL_SECONDS)
        finally:
            for task in (stopped, *flying):
                task.cancel()

    async def _replace_lost_connections(self) -> None:
        """Find out now which other connections are lost; else each of them would cost one more failure."""
        with suppress(psycopg.Error, PoolTimeout):
            await self._engine.pool.check()

    async def _take_off(self, limit: int) -> Flying:
        webhooks, claimed = await self._claim(limit)
        views = await self._read(claimed)
        return {
            asyncio.create_task(self._attempt(webhooks[delivery.webhook], delivery, views)): delivery
            for delivery in claimed
        }

    async def _claim(self, limit: int) -> tuple[Mapping[UUID, DueWebhook], Sequence[ClaimedDelivery]]:
        if limit <= 0:
            return {}, []
        async with self._engine.pool.connection() as connection, unit_of_work(connection):
            due = await lock_due_webhooks(connection, WEBHOOKS_PER_CLAIM)
            if not due:
                return {}, []
            most = [(webhook, self._policy.may_fly(webhook.failures)) for webhook in due]
            lease = self._policy.lease_seconds
            claimed = await claim_deliveries(connection, most, limit=limit, lease_seconds=lease)
        return {webhook.id: webhook for webhook in due}, claimed

    async def _read(self, claimed: Sequence[ClaimedDelivery]) -> Mapping[Place, TransactionView]:
        """Read what the deliveries tell. One that cannot be shown does not hold up the others."""
        places = [place for delivery in claimed if delivery.type != PING and (place := place_of(delivery.event))]
        if not places:
            return {}
        try:
            return await self._read_batch(places)
        except (LookupError, TypeError, ValueError) as error:
            _log.error("webhook_events_not_shown", events=len(places), error=type(error).__name__)
        views: dict[Place, TransactionView] = {}
        for place in places:
            # Said above; which ones are left out is said where they would be sent.
            with suppress(LookupError, TypeError, ValueError):
                views |= await self._read_batch([place])
        return views

    async def _read_batch(self, places: Sequence[Place]) -> dict[Place, TransactionView]:
        async with self._engine.pool.connection() as connection:
            return await read_views(connection, self._engine.registry.current, places)

    async def _attempt(
        self, webhook: DueWebhook, delivery: ClaimedDelivery, views: Mapping[Place, TransactionView]
    ) -> Attempt:
        try:
            return await self._sender.send(self._message(webhook, delivery, views))
        except Exception as error:  # noqa: BLE001 - whatever one event or receiver provokes, others get theirs
            where = {"webhook": str(webhook.id), "event": str(delivery.event)}
            _log.error("webhook_event_not_sent", **where, error=type(error).__name__)
            return Attempt(None, "internal-error")

    def _message(
        self, webhook: DueWebhook, delivery: ClaimedDelivery, views: Mapping[Place, TransactionView]
    ) -> Message:
        sealed = [webhook.sealed_secret]
        if webhook.former_sealed_secret is not None:
            sealed.append(webhook.former_sealed_secret)
        event = str(delivery.event)
        if delivery.type == PING:
            body = ping_body(event, str(webhook.id), time.time_ns() // 1000)
        else:
            place = place_of(delivery.event)
            if place is None:
                raise LookupError(f"the event {event} is no transaction")
            body = event_body(views[place])
        secrets = tuple(open_secret(self._engine.key, webhook.id, one) for one in sealed)
        return Message(webhook.url, event, body, secrets)

    async def _land(self, flying: Flying, stopped: asyncio.Task[bool]) -> None:
        """Wait a little for attempts to end, and record those that did."""
        waiting = {*flying} if stopped.done() else {*flying, stopped}
        if not waiting:
            return
        done, _ = await asyncio.wait(waiting, timeout=POLL_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return
        await asyncio.sleep(GATHER_SECONDS)
        landed: dict[UUID, list[tuple[ClaimedDelivery, Attempt]]] = defaultdict(list)
        for task in [task for task in flying if task.done()]:
            delivery = flying.pop(task)
            landed[delivery.webhook].append((delivery, task.result()))
        for webhook, attempts in landed.items():
            await self._record(webhook, attempts)

    async def _record(self, webhook: UUID, attempts: Sequence[tuple[ClaimedDelivery, Attempt]]) -> None:
        outcomes = [self._outcome(delivery, attempt) for delivery, attempt in attempts]
        # A ping is somebody's trial: that it fails says nothing that events would not say.
        failed = sum(attempt.failure is not None for delivery, attempt in attempts if delivery.type != PING)
        async with self._engine.pool.connection() as connection, unit_of_work(connection):
            known = await lock_failures(connection, webhook)
            if known is None:
                return
            failures, failing_seconds = known
            await record_outcomes(connection, webhook, outcomes)
            if any(attempt.failure is None for _, attempt in attempts):
                if failures:
                    await record_success(connection, webhook, was_failing=failures >= self._policy.failing_after)
            elif failed:
                probe = self._policy.probe_after_milliseconds(failures + failed, _chance())
                await record_failures(connection, webhook, failed, probe_after_milliseconds=probe)
            if any(attempt.is_gone for _, attempt in attempts):
                await pause_by_itself(connection, webhook, "gone")
                _log.warning("webhook_paused", webhook=str(webhook), reason="gone")
            elif failing_seconds >= self._policy.give_up_seconds and failed == len(attempts):
                await pause_by_itself(connection, webhook, "failing")
                _log.warning("webhook_paused", webhook=str(webhook), reason="failing")
        _count(outcomes)

    def _outcome(self, delivery: ClaimedDelivery, attempt: Attempt) -> DeliveryOutcome:
        outcome = DeliveryOutcome(delivery.event, delivery.attempts, attempt.status, attempt.failure)
        if attempt.failure is None or delivery.type == PING:
            return outcome
        delay = self._policy.next_attempt_milliseconds(delivery.attempts, delivery.age_seconds, _chance())
        return msgspec.structs.replace(outcome, delay_milliseconds=delay)


def _count(outcomes: Sequence[DeliveryOutcome]) -> None:
    for outcome in outcomes:
        ATTEMPTS.labels(outcome.failure or "delivered").inc()
        if outcome.state == "dead":
            DEAD.inc()


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    """Wait, but not longer than until the stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
