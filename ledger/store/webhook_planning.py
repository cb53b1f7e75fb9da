"""Which events are to be delivered: put into the queue once each, or again when a partner asks for it."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.store.arrays import Bigints, Texts, Uuids
from ledger.store.event_ranges import Positions
from ledger.store.webhook_queue import PING, DeliveryState, Failure

MOST_PENDING = 1000
"""A webhook with so many deliveries waiting gets no more planned; its place in the feed is kept."""

# An active webhook that has not seen all of the journal, with room in its queue; others' are left to them.
_LOCK_BEHIND = f"""
select w.webhook, w.partner, w.types, w.positions, journal.total
from webhooks w cross join (select coalesce(sum(next_sequence), 0)::bigint as total from lanes) journal
where w.state = 'active' and w.planned_to <> journal.total and {MOST_PENDING} > (
    select count(*) from webhook_deliveries d where d.webhook = w.webhook and d.state = 'pending'
)
limit 1 for no key update of w skip locked
"""

_AGAIN = """
state = 'pending', ended_at = null, attempts = 0, first_attempt_at = null, next_attempt_at = clock_timestamp()
"""

# An event that was planned before is delivered again: only a replay comes to it a second time.
_PLAN = f"""
insert into webhook_deliveries (webhook, event, type)
select %s, planned.event, planned.type from unnest(%b, %b) as planned(event, type)
on conflict (webhook, event) do update set {_AGAIN} where webhook_deliveries.state <> 'pending'
"""
# Before everything else that is due.
_PLAN_NEXT = """
insert into webhook_deliveries (webhook, event, type, next_attempt_at) values (%s, %s, %s, '-infinity')
"""
_ADVANCE = "update webhooks set positions = %b, planned_to = %b where webhook = %b"
_REVIVE_DEAD = f"""
update webhook_deliveries set {_AGAIN} where webhook = %s and state = 'dead' and type <> %s
"""
_GO_BACK = """
update webhooks set planned_to = 0, positions = (
    select array_agg(least(old.sequence, new.sequence) order by ordinal)
    from unnest(positions) with ordinality as old(sequence, ordinal)
    join unnest(%b) with ordinality as new(sequence, ordinal) using (ordinal)
)
where webhook = %b
"""
_DELIVERIES = """
select event, type, state, attempts, last_status, last_failure, planned_at, last_attempt_at,
       case when state = 'pending' then greatest(next_attempt_at, claimed_until, planned_at) end, ended_at
from webhook_deliveries
where webhook = %(webhook)s and (%(state)s::text is null or state = %(state)s)
  and (%(before)s::uuid is null or event < %(before)s)
order by event desc limit %(limit)s
"""


class BehindWebhook(msgspec.Struct, frozen=True):
    """A webhook that has not seen all of the journal; ``journal_total`` tells how far that went just now."""

    id: UUID
    partner: int
    types: tuple[str, ...] | None
    positions: Positions
    journal_total: int


class Delivery(msgspec.Struct, frozen=True):
    """What has become of an event for one webhook; instants are microseconds since 1970 UTC."""

    event: UUID
    type: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_failure: Failure | None
    planned_at: int
    last_attempt_at: int | None
    next_attempt_at: int | None
    ended_at: int | None


async def lock_behind_webhook(connection: AsyncConnection) -> BehindWebhook | None:
    """Find a webhook to plan for, and hold it; None where all that nobody else holds are up to date or full."""
    cursor = await connection.execute(_LOCK_BEHIND.encode())
    row = await cursor.fetchone()
    if row is None:
        return None
    webhook, partner, types, positions, total = row
    return BehindWebhook(webhook, partner, None if types is None else tuple(types), tuple(positions), total)


async def plan_deliveries(connection: AsyncConnection, webhook: UUID, events: Sequence[tuple[UUID, str]]) -> None:
    """Have events (id and type) delivered to a webhook that is held, also those that were delivered before."""
    parameters = [webhook, Uuids.of([event for event, _ in events]), Texts.of([kind for _, kind in events])]
    await connection.execute(_PLAN.encode(), parameters)


async def plan_next(connection: AsyncConnection, webhook: UUID, event: UUID, kind: str) -> None:
    """Have an event delivered before all others."""
    await connection.execute(_PLAN_NEXT, [webhook, event, kind])


async def advance_webhook(connection: AsyncConnection, webhook: UUID, positions: Positions, journal_total: int) -> None:
    """Note how far a webhook's events are planned; a total of 0 says that there may be more."""
    await connection.execute(_ADVANCE, [Bigints.of(positions), journal_total, webhook])


async def revive_dead(connection: AsyncConnection, webhook: UUID) -> int:
    """Have all dead deliveries but pings tried anew, and return how many."""
    cursor = await connection.execute(_REVIVE_DEAD.encode(), [webhook, PING])
    return cursor.rowcount


async def go_back(connection: AsyncConnection, webhook: UUID, positions: Positions) -> None:
    """Plan a held webhook's events anew from earlier positions on; later ones change nothing."""
    await connection.execute(_GO_BACK, [Bigints.of(positions), webhook])


async def list_deliveries(
    connection: AsyncConnection, webhook: UUID, *, state: DeliveryState | None, before: UUID | None, limit: int
) -> list[Delivery]:
    """Read a webhook's deliveries, the latest events first, before one of them."""
    cursor = await connection.execute(
        _DELIVERIES, {"webhook": webhook, "state": state, "before": before, "limit": limit}
    )
    return [Delivery(*row) for row in await cursor.fetchall()]
