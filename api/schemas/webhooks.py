"""Webhooks and what is delivered to them."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from api.schemas.fields import Moment, ShortText
from ledger.store.webhook_queue import DeliveryState, Failure
from ledger.store.webhooks import PauseReason, WebhookState

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=2000,
        description="https, a host of the public internet, no user or password: others only where the operator allows",
    ),
]
EventTypeName = Annotated[
    str, Meta(min_length=1, max_length=100, description="For instance `citypoints.transaction.earn.v1`")
]


class WebhookRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send events. Without ``types`` all are sent; ``from`` says with which they begin."""

    url: Url
    types: Annotated[list[EventTypeName], Meta(min_length=1, max_length=50)] | None = None
    description: ShortText | None = None
    start: Literal["start", "now"] = msgspec.field(name="from", default="now")


class ReplayRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to send again, by exactly one of these."""

    event: UUID | None = None
    since: Moment | None = None
    state: Literal["dead"] | None = None


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook. ``secret`` is shown once, in the answer that makes it: null everywhere else.

    ``failures`` attempts in a row have failed, from ``failing_since`` on. A paused one says why: it was
    ``asked`` for, its receiver said that it is ``gone``, or it was ``failing`` for three days.
    """

    id: str
    url: str
    description: str | None
    types: tuple[str, ...] | None
    state: WebhookState
    pause_reason: PauseReason | None
    failures: int
    failing_since: str | None
    created_at: str
    former_secret_ends_at: str | None
    secret: str | None = None


class WebhookPage(msgspec.Struct, frozen=True):
    """Webhooks in the order of their ids."""

    items: list[WebhookAnswer]
    next_cursor: str | None


class DeliveryAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What has become of an event; ``last_failure`` says why the last attempt did not deliver it."""

    event: str
    type: str
    state: DeliveryState
    attempts: int
    last_status: int | None
    last_failure: Failure | None
    planned_at: str
    last_attempt_at: str | None
    next_attempt_at: str | None
    ended_at: str | None


class DeliveryPage(msgspec.Struct, frozen=True):
    """Deliveries, the latest events first."""

    items: list[DeliveryAnswer]
    next_cursor: str | None


class PingAnswer(msgspec.Struct, frozen=True):
    """The ping that will be sent; its delivery is listed under this id."""

    event: str


class ReplayAnswer(msgspec.Struct, frozen=True):
    """How many deliveries are tried again; null where they are planned bit by bit."""

    deliveries: int | None
