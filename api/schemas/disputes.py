"""Disputes over HTTP."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.answers import Money, rfc3339
from api.schemas.fields import ShortText
from ledger.rules.money import from_minor
from ledger.rules.programmes import Registry
from settlement.store.dispute_rows import Dispute


class DisputeSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A redemption that is disputed, and why."""

    transaction: Annotated[str, Meta(min_length=36, max_length=36, description="The redemption's id")]
    reason: ShortText


class DisputeDecisionSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For whom a dispute is decided, and why."""

    decision: Literal["for-acceptor", "against-acceptor"]
    reason: ShortText


class DisputeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute; `is_held`: its amount is held out of what the acceptor is owed."""

    id: str
    programme: str
    acceptor: str
    points: int
    amount: Money
    is_held: bool
    state: str
    reason: str
    opened_by: str
    opened_at: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None


class DisputeList(msgspec.Struct, frozen=True):
    """The latest disputes, the last first."""

    items: list[DisputeAnswer]
    next_cursor: str | None


def dispute_answer(dispute: Dispute, registry: Registry) -> DisputeAnswer:
    """A dispute as it is shown."""
    programme = registry.programme_numbered(dispute.programme)
    return DisputeAnswer(
        id=str(dispute.dispute),
        programme=programme.code,
        acceptor=registry.partners[dispute.acceptor].code,
        points=dispute.points,
        amount=Money(programme.currency, from_minor(dispute.amount_minor, programme.currency)),
        is_held=dispute.is_held,
        state=dispute.state,
        reason=dispute.reason,
        opened_by=dispute.opened_by,
        opened_at=rfc3339(dispute.opened_at),
        decided_by=dispute.decided_by,
        decided_at=None if dispute.decided_at is None else rfc3339(dispute.decided_at),
        decision_reason=dispute.decision_reason,
    )
