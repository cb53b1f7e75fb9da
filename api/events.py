"""Transactions as events: CloudEvents 1.0, in the feed and in webhooks alike.

An event tells what ``GET /v1/transactions/{id}`` tells but for the member's balance: no reference, no
metadata, no card, nothing that anybody wrote freely. Its id is the transaction's, so it never changes, and
a receiver can tell a repeat.
"""

from typing import Literal

import msgspec

from api.answers import JournalAnswer, journal_answer, rfc3339
from ledger.reading.events import event_type
from ledger.reading.transaction_views import TransactionView
from ledger.store.webhook_queue import PING

EVENT_MEDIA_TYPE = "application/cloudevents+json"

_SOURCE = "/v1/transactions"
_JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A transaction as an event. ``subject`` is the member's id, where it is about a member."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = _SOURCE
    type: str
    subject: str | msgspec.UnsetType = msgspec.UNSET
    time: str
    datacontenttype: str = _JSON
    data: JournalAnswer


class PingData(msgspec.Struct, frozen=True):
    """The webhook that is tried."""

    webhook: str


class PingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event that says nothing but that a webhook works."""

    specversion: Literal["1.0"] = "1.0"
    id: str
    source: str = "/v1/webhooks"
    type: str = PING
    time: str
    datacontenttype: str = _JSON
    data: PingData


def event_of(view: TransactionView) -> Event:
    """The event that a transaction is."""
    return Event(
        id=view.id,
        type=event_type(view.kind),
        subject=view.member or msgspec.UNSET,
        time=rfc3339(view.recorded_at),
        data=msgspec.structs.replace(journal_answer(view), balance=None),
    )


def event_body(view: TransactionView) -> bytes:
    """The body of a webhook's request about a transaction."""
    return _encode(event_of(view))


def ping_body(event: str, webhook: str, sent_at: int) -> bytes:
    """The body of a ping; ``sent_at`` is in microseconds since 1970 UTC."""
    return _encode(PingEvent(id=event, time=rfc3339(sent_at), data=PingData(webhook)))
