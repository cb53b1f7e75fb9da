"""Planning: what is new in the journal is put into the queue of each webhook that wants it, once."""

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.reading.events import EVENT_TYPES
from ledger.store.event_ranges import advanced, read_following
from ledger.store.unit_of_work import unit_of_work
from ledger.store.webhook_planning import advance_webhook, lock_behind_webhook, plan_deliveries

EVENTS_PER_UNIT = 500
UNITS_PER_ROUND = 20


async def plan_new_events(pool: AsyncConnectionPool[AsyncConnection]) -> int:
    """Plan what is new for webhooks that are behind, and return how many deliveries; bounded, so ask again.

    A unit of work plans for one webhook: its deliveries and its new place are written together or not at all.
    """
    planned = 0
    for _ in range(UNITS_PER_ROUND):
        async with pool.connection() as connection, unit_of_work(connection):
            count = await _plan_for_one(connection)
        if count is None:
            break
        planned += count
    return planned


async def _plan_for_one(connection: AsyncConnection) -> int | None:
    """Plan for one webhook; None where nothing is behind."""
    webhook = await lock_behind_webhook(connection)
    if webhook is None:
        return None
    events = await read_following(connection, webhook.partner, webhook.positions, EVENTS_PER_UNIT)
    wanted = [
        (event.id, kind)
        for event in events
        if (kind := EVENT_TYPES[event.kind]) and (webhook.types is None or kind in webhook.types)
    ]
    if wanted:
        await plan_deliveries(connection, webhook.id, wanted)
    total = webhook.journal_total if len(events) < EVENTS_PER_UNIT else 0
    await advance_webhook(connection, webhook.id, advanced(webhook.positions, events), total)
    return len(wanted)
