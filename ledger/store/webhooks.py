"""Webhooks as partners set them up: where their events go, and since when; by the real time, also on a sandbox."""

from typing import Literal
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.errors import LedgerError, NotFound
from ledger.store.arrays import Bigints
from ledger.store.event_ranges import Positions

MAXIMUM_OF_A_PARTNER = 10

WebhookState = Literal["active", "paused"]
PauseReason = Literal["asked", "gone", "failing"]

_COLUMNS = """
webhook, partner, url, description, types, state, pause_reason, failures, failing_since, created_at,
former_secret_ends_at
"""
# Two requests of one partner come one after the other, so neither overlooks the other's webhook.
_LOCK_PARTNER = "select pg_advisory_xact_lock(hashtextextended('webhooks', %s))"
_COUNT = "select count(*) from webhooks where partner = %s"
_ADD = f"""
insert into webhooks (webhook, partner, url, description, types, secret, positions)
values (%s, %s, %s, %s, %s, %s, %b)
returning {_COLUMNS}
"""
_FIND = f"select {_COLUMNS} from webhooks where webhook = %s and partner = %s"
# Whatever changes a webhook or its deliveries holds the webhook's row.
_LOCK = f"{_FIND} for no key update"
_LIST = f"""
select {_COLUMNS} from webhooks
where partner = %(partner)s and (%(after)s::uuid is null or webhook > %(after)s)
order by webhook limit %(limit)s
"""
_PAUSE = "update webhooks set state = 'paused', pause_reason = 'asked' where webhook = %s and state = 'active'"
_RESUME = """
update webhooks set state = 'active', pause_reason = null, failures = 0, failing_since = null, next_probe_at = null
where webhook = %s
"""
_ROTATE = """
update webhooks set secret = %(secret)s, former_secret = secret,
       former_secret_ends_at = clock_timestamp() + make_interval(secs => %(overlap)s)
where webhook = %(webhook)s
"""
_PROBE_NOW = "update webhooks set next_probe_at = clock_timestamp() where webhook = %s and next_probe_at is not null"
_DELETE = "delete from webhooks where webhook = %s and partner = %s returning webhook"


class WebhookLimitReached(LedgerError):
    """A partner has as many webhooks as it may have."""

    code = "conflict"


class Webhook(msgspec.Struct, frozen=True):
    """Where a partner's events go; 0 is the ledger itself.

    ``types`` are the types of events wanted, None for all. ``failures`` attempts have failed since the last
    success, from ``failing_since`` on. Instants are microseconds since 1970 UTC.
    """

    id: UUID
    partner: int
    url: str
    description: str | None
    types: tuple[str, ...] | None
    state: WebhookState
    pause_reason: PauseReason | None
    failures: int
    failing_since: int | None
    created_at: int
    former_secret_ends_at: int | None


class NewWebhook(msgspec.Struct, frozen=True):
    """A webhook to add, with its sealed secret and the positions after which its events begin."""

    id: UUID
    partner: int
    url: str
    description: str | None
    types: tuple[str, ...] | None
    sealed_secret: bytes
    positions: Positions


async def add_webhook(connection: AsyncConnection, new: NewWebhook) -> Webhook:
    """Add a webhook inside a unit of work; raises WebhookLimitReached."""
    await connection.execute(_LOCK_PARTNER, [new.partner])
    cursor = await connection.execute(_COUNT, [new.partner])
    [(count,)] = await cursor.fetchall()
    if count >= MAXIMUM_OF_A_PARTNER:
        raise WebhookLimitReached(f"There are {count} webhooks; at most {MAXIMUM_OF_A_PARTNER} are possible.")
    types = None if new.types is None else list(new.types)
    cursor = await connection.execute(
        _ADD.encode(),
        [new.id, new.partner, new.url, new.description, types, new.sealed_secret, Bigints.of(new.positions)],
    )
    [row] = await cursor.fetchall()
    return _webhook(row)


async def find_webhook(connection: AsyncConnection, webhook: UUID, partner: int) -> Webhook:
    """Find a partner's webhook; raises NotFound, for another partner's, too."""
    return await _one(connection, _FIND, webhook, partner)


async def lock_webhook(connection: AsyncConnection, webhook: UUID, partner: int) -> Webhook:
    """Find a partner's webhook and hold it to the end of the unit of work; raises NotFound."""
    return await _one(connection, _LOCK, webhook, partner)


async def list_webhooks(connection: AsyncConnection, partner: int, *, after: UUID | None, limit: int) -> list[Webhook]:
    """Read a partner's webhooks in the order of their ids, after one of them."""
    cursor = await connection.execute(_LIST.encode(), {"partner": partner, "after": after, "limit": limit})
    return [_webhook(row) for row in await cursor.fetchall()]


async def pause_webhook(connection: AsyncConnection, webhook: UUID) -> None:
    """Send nothing any more; the place in the feed is kept. A paused one stays as it is."""
    await connection.execute(_PAUSE, [webhook])


async def resume_webhook(connection: AsyncConnection, webhook: UUID) -> None:
    """Go on where the webhook was paused, with failures forgotten."""
    await connection.execute(_RESUME, [webhook])


async def rotate_secret(
    connection: AsyncConnection, webhook: UUID, sealed_secret: bytes, *, overlap_seconds: int
) -> None:
    """Sign with a new secret from now on, and with the one before it, too, until the overlap is over."""
    await connection.execute(_ROTATE, {"webhook": webhook, "secret": sealed_secret, "overlap": overlap_seconds})


async def probe_now(connection: AsyncConnection, webhook: UUID) -> None:
    """Let a failing webhook be tried at once."""
    await connection.execute(_PROBE_NOW, [webhook])


async def delete_webhook(connection: AsyncConnection, webhook: UUID, partner: int) -> None:
    """Remove a partner's webhook with all its deliveries; raises NotFound."""
    cursor = await connection.execute(_DELETE, [webhook, partner])
    if await cursor.fetchone() is None:
        raise _not_found()


async def _one(connection: AsyncConnection, query: str, webhook: UUID, partner: int) -> Webhook:
    cursor = await connection.execute(query.encode(), [webhook, partner])
    row = await cursor.fetchone()
    if row is None:
        raise _not_found()
    return _webhook(row)


def _webhook(row: TupleRow) -> Webhook:
    identifier, partner, url, description, types, *rest = row
    return Webhook(identifier, partner, url, description, None if types is None else tuple(types), *rest)


def _not_found() -> NotFound:
    return NotFound("No webhook of yours has this id.")
