"""The queue of deliveries between planning and sending: claimed, sent outside, and their outcomes recorded.

Whoever claims or records holds the webhook's row, so that limits per webhook are exact with any number of
workers. A claim ends by itself: what a killed worker had claimed is sent again, under the same id.
"""

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.store.arrays import Booleans, Integers, Smallints, Texts, Uuids

PING = "citypoints.ping.v1"

DeliveryState = Literal["pending", "delivered", "dead"]
Failure = Literal["status", "redirect", "timeout", "connection", "tls", "target-refused", "internal-error"]

# now(), not the clock itself: it stands still in a unit of work, so an index can be searched with it.
_IS_DUE = "d.state = 'pending' and d.next_attempt_at <= now() and coalesce(d.claimed_until, '-infinity') <= now()"

# Some webhooks with something due, in no fixed order, so that none waits for the others for ever.
# A paused one is sent pings alone; a failing one nothing before its next probe.
_LOCK_DUE = f"""
select w.webhook, w.url, w.secret,
       case when w.former_secret_ends_at > now() then w.former_secret end, w.state = 'active', w.failures
from webhooks w
where coalesce(w.next_probe_at, '-infinity') <= now() and exists (
    select from webhook_deliveries d where d.webhook = w.webhook and {_IS_DUE} and (w.state = 'active' or d.type = %s)
)
order by random() limit %s
for no key update of w skip locked
"""

# What is due of each webhook, the longest due first, up to its number in flight.
_CLAIM = f"""
with taken as (
    select due.webhook, due.event
    from unnest(%b, %b, %b) as allowed(webhook, most, is_active)
    cross join lateral (
        select d.webhook, d.event from webhook_deliveries d
        where d.webhook = allowed.webhook and {_IS_DUE} and (allowed.is_active or d.type = %s)
        order by d.next_attempt_at, d.event
        limit greatest(0, allowed.most - (
            select count(*) from webhook_deliveries flying
            where flying.webhook = allowed.webhook and flying.state = 'pending' and flying.claimed_until > now()
        ))
    ) due
    limit %s
)
update webhook_deliveries d
set claimed_until = now() + make_interval(secs => %s), attempts = d.attempts + 1, last_attempt_at = now(),
    first_attempt_at = coalesce(d.first_attempt_at, now())
from taken where d.webhook = taken.webhook and d.event = taken.event
returning d.webhook, d.event, d.type, d.attempts,
          extract(epoch from now() - d.first_attempt_at)::double precision
"""

_LOCK_FAILURES = """
select failures, coalesce(extract(epoch from now() - failing_since), 0)::double precision
from webhooks where webhook = %s for no key update
"""

# What became of attempts. A success counts whoever claimed since; a failure only for the last claim.
_RECORD = """
update webhook_deliveries d
set state = o.state, claimed_until = null, last_status = o.status, last_failure = o.failure,
    next_attempt_at = case when o.state = 'pending' then now() + o.delay * interval '1 millisecond'
                      else d.next_attempt_at end,
    ended_at = case when o.state <> 'pending' then now() end
from unnest(%b, %b, %b, %b, %b, %b) as o(event, attempts, state, status, failure, delay)
where d.webhook = %s and d.event = o.event and d.state = 'pending'
  and (o.state = 'delivered' or d.attempts = o.attempts)
"""
_RECOVERED = "update webhooks set failures = 0, failing_since = null, next_probe_at = null where webhook = %s"
# What waited for a failing receiver is due as soon as it answers again.
_HURRY = """
update webhook_deliveries set next_attempt_at = now()
where webhook = %s and state = 'pending' and claimed_until is null and next_attempt_at > now()
"""
_FAILED = """
update webhooks
set failures = failures + %s, failing_since = coalesce(failing_since, now()),
    next_probe_at = now() + %s * interval '1 millisecond'
where webhook = %s
"""
_PAUSE = "update webhooks set state = 'paused', pause_reason = %s where webhook = %s and state = 'active'"

_BACKLOG = "select count(*) from webhook_deliveries where state = 'pending'"
_PRUNE = """
delete from webhook_deliveries where (webhook, event) in (
    select webhook, event from webhook_deliveries
    where state = %s and ended_at < now() - make_interval(days => %s) limit %s
)
"""


class DueWebhook(msgspec.Struct, frozen=True):
    """A webhook with something to send: where to, and the sealed secrets that sign."""

    id: UUID
    url: str
    sealed_secret: bytes
    former_sealed_secret: bytes | None
    is_active: bool
    failures: int


class ClaimedDelivery(msgspec.Struct, frozen=True):
    """A delivery to attempt now, for the ``attempts``-th time, ``age_seconds`` after the first attempt."""

    webhook: UUID
    event: UUID
    type: str
    attempts: int
    age_seconds: float


class DeliveryOutcome(msgspec.Struct, frozen=True):
    """What became of an attempt.

    Delivered where there is no failure; otherwise it is tried again after ``delay_milliseconds``, or dead
    where that is None. ``status`` is what the receiver answered, if it did.
    """

    event: UUID
    attempts: int
    status: int | None
    failure: Failure | None
    delay_milliseconds: int | None = None

    @property
    def state(self) -> DeliveryState:
        """The delivery's state from now on."""
        if self.failure is None:
            return "delivered"
        return "dead" if self.delay_milliseconds is None else "pending"


async def lock_due_webhooks(connection: AsyncConnection, limit: int) -> list[DueWebhook]:
    """Find webhooks with something to send and hold them; what others hold is left out."""
    cursor = await connection.execute(_LOCK_DUE.encode(), [PING, limit])
    return [DueWebhook(*row) for row in await cursor.fetchall()]


async def claim_deliveries(
    connection: AsyncConnection, most_in_flight: Sequence[tuple[DueWebhook, int]], *, limit: int, lease_seconds: int
) -> list[ClaimedDelivery]:
    """Claim what is due of held webhooks, each up to a number in flight, for as long as the lease."""
    arrays = [
        Uuids.of([webhook.id for webhook, _ in most_in_flight]),
        Integers.of([most for _, most in most_in_flight]),
        Booleans.of([webhook.is_active for webhook, _ in most_in_flight]),
    ]
    cursor = await connection.execute(_CLAIM.encode(), [*arrays, PING, limit, lease_seconds])
    return [ClaimedDelivery(*row) for row in await cursor.fetchall()]


async def lock_failures(connection: AsyncConnection, webhook: UUID) -> tuple[int, float] | None:
    """Hold a webhook, and tell its failures since its last success and for how many seconds it fails.

    None where it was deleted meanwhile.
    """
    cursor = await connection.execute(_LOCK_FAILURES, [webhook])
    return await cursor.fetchone()


async def record_outcomes(connection: AsyncConnection, webhook: UUID, outcomes: Sequence[DeliveryOutcome]) -> None:
    """Record what became of attempts of a webhook that is held."""
    arrays = [
        Uuids.of([outcome.event for outcome in outcomes]),
        Integers.of([outcome.attempts for outcome in outcomes]),
        Texts.of([outcome.state for outcome in outcomes]),
        Smallints.of([outcome.status for outcome in outcomes]),
        Texts.of([outcome.failure for outcome in outcomes]),
        Integers.of([outcome.delay_milliseconds for outcome in outcomes]),
    ]
    await connection.execute(_RECORD, [*arrays, webhook])


async def record_success(connection: AsyncConnection, webhook: UUID, *, was_failing: bool) -> None:
    """Forget a webhook's failures; one that was failing gets at once what has waited for it."""
    await connection.execute(_RECOVERED, [webhook])
    if was_failing:
        await connection.execute(_HURRY, [webhook])


async def record_failures(
    connection: AsyncConnection, webhook: UUID, count: int, *, probe_after_milliseconds: int | None
) -> None:
    """Count a webhook's failures; with a time, nothing is sent to it before that has passed."""
    await connection.execute(_FAILED, [count, probe_after_milliseconds, webhook])


async def pause_by_itself(connection: AsyncConnection, webhook: UUID, reason: Literal["gone", "failing"]) -> None:
    """Pause a webhook whose receiver is gone, or has failed for too long; its place is kept."""
    await connection.execute(_PAUSE, [reason, webhook])


async def count_backlog(connection: AsyncConnection) -> int:
    """Deliveries that wait, of all webhooks."""
    cursor = await connection.execute(_BACKLOG)
    [(count,)] = await cursor.fetchall()
    return int(count)


async def prune_deliveries(
    connection: AsyncConnection, state: Literal["delivered", "dead"], *, older_than_days: int, limit: int
) -> int:
    """Forget up to ``limit`` deliveries that ended so many days ago, and return how many."""
    cursor = await connection.execute(_PRUNE, [state, older_than_days, limit])
    return cursor.rowcount
