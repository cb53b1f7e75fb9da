"""What was delivered to a webhook, as its page lists it."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from api.pages.merchant.merchant_view import MerchantView
from api.pages_of_lists import cut, position_after
from ledger.reading.events import EVENT_TYPES
from ledger.reading.transaction_views import TRANSACTION_KINDS
from ledger.store.webhook_planning import Delivery, list_deliveries
from ledger.store.webhook_queue import PING, DeliveryState
from ledger.store.webhooks import Webhook

ROWS_PER_PAGE = 20
STATES: Mapping[str, DeliveryState | None] = {
    "all": None,
    "pending": "pending",
    "delivered": "delivered",
    "dead": "dead",
}
"""What can be chosen, in this order."""

TONES = {"pending": "warn", "delivered": "good", "dead": "bad"}

_NAMES = {EVENT_TYPES[kind]: f"kind_{name}" for kind, name in TRANSACTION_KINDS.items()} | {PING: "kind_ping"}


class DeliveryRow(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery; ``what`` is the key of its name, ``failure`` that of what went wrong at last."""

    event: str
    what: str
    is_ping: bool
    state: DeliveryState
    attempts: int
    last_attempt: str | None
    status: int | None
    failure: str | None


class DeliveryRows(msgspec.Struct, frozen=True):
    """Deliveries, the latest events first, and the cursor of the next page where there is one."""

    rows: list[DeliveryRow]
    next_cursor: str | None


async def delivery_rows(
    view: MerchantView, webhook: Webhook, state: DeliveryState | None, cursor: str | None
) -> DeliveryRows:
    """Read a page of a webhook's deliveries, all or those in a state; raises MalformedCursor."""
    engine = view.wiring.engine
    name = f"own-deliveries:{webhook.id}:{state}"
    position = position_after(engine.key, name, cursor, ROWS_PER_PAGE)
    before = None if position is None else UUID(position)
    async with engine.pool.connection() as connection:
        found = await list_deliveries(connection, webhook.id, state=state, before=before, limit=ROWS_PER_PAGE + 1)
    page, following = cut(engine.key, name, found, lambda one: str(one.event), ROWS_PER_PAGE)
    return DeliveryRows([_row(view, one) for one in page], following)


def _row(view: MerchantView, delivery: Delivery) -> DeliveryRow:
    return DeliveryRow(
        event=str(delivery.event),
        what=_NAMES[delivery.type],
        is_ping=delivery.type == PING,
        state=delivery.state,
        attempts=delivery.attempts,
        last_attempt=None if delivery.last_attempt_at is None else view.moment(delivery.last_attempt_at),
        status=delivery.last_status,
        failure=None if delivery.last_failure is None else f"failure_{delivery.last_failure}",
    )
