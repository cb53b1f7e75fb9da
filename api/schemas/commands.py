"""Earnings, redemptions and reversals as callers send them, and the commands they become.

The same Struct is the body of a single request, an item of a bulk and, with ``operation``, a quote, so
the same request is the same command by each way.
"""

import msgspec

from api.schemas.fields import (
    Channel,
    Code,
    ItemKey,
    MemberName,
    Metadata,
    Moment,
    MoneySent,
    Outlet,
    Points,
    Scene,
    ShortText,
    in_order,
    instant_of,
    refuse,
)
from ledger.rules.commands import Earn, Redeem, Reverse


class EarningRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points for a member: stated in ``points``, or by the programme's rate on ``spend``; exactly one of the two."""

    programme: Code
    member: MemberName
    scene: Scene
    points: Points | None = None
    spend: MoneySent | None = None
    channel: Channel | None = None
    outlet: Outlet | None = None
    occurred_at: Moment | None = None
    available_from: Moment | None = None
    campaign: Code | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def command(self) -> Earn:
        """The command it asks for; raises MalformedRequest."""
        if (self.points is None) == (self.spend is None):
            got = "neither of them" if self.points is None else "both of them"
            refuse("$.points, $.spend", got, "exactly one of the two")
        return Earn(
            programme=self.programme,
            member=self.member,
            scene=self.scene,
            points=self.points,
            spend_minor=None if self.spend is None else self.spend.minor("$.spend"),
            currency=None if self.spend is None else self.spend.currency,
            channel=self.channel,
            outlet=self.outlet,
            occurred_at=instant_of(self.occurred_at, "$.occurred_at"),
            available_from=instant_of(self.available_from, "$.available_from"),
            campaign=self.campaign,
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class RedemptionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points that a member pays with; ``cash`` is a memo of what was paid in money beside them."""

    programme: Code
    member: MemberName
    points: Points
    scene: Scene
    cash: MoneySent | None = None
    channel: Channel | None = None
    outlet: Outlet | None = None
    occurred_at: Moment | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def command(self) -> Redeem:
        """The command it asks for; raises MalformedRequest."""
        return Redeem(
            programme=self.programme,
            member=self.member,
            points=self.points,
            scene=self.scene,
            cash_minor=None if self.cash is None else self.cash.minor("$.cash"),
            currency=None if self.cash is None else self.cash.currency,
            channel=self.channel,
            outlet=self.outlet,
            occurred_at=instant_of(self.occurred_at, "$.occurred_at"),
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class ReversalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Take back a transaction: ``points`` of it, by the ``spend`` given back, or without both all of the rest."""

    reason: ShortText
    points: Points | None = None
    spend: MoneySent | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def reversal_of(self, transaction: str) -> Reverse:
        """The command it asks for, of a transaction by its id; raises MalformedRequest."""
        if self.points is not None and self.spend is not None:
            refuse("$.points, $.spend", "both of them", "at most one of the two")
        spend_minor = None if self.spend is None else self.spend.minor("$.spend")
        if spend_minor == 0:
            refuse("$.spend.amount", "zero", "an amount above zero")
        return Reverse(
            transaction=transaction,
            points=self.points,
            spend_minor=spend_minor,
            currency=None if self.spend is None else self.spend.currency,
            reason=self.reason,
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class EarnQuote(EarningRequest, frozen=True, tag_field="operation", tag="earn", kw_only=True):
    """What an earning would do."""


class RedeemQuote(RedemptionRequest, frozen=True, tag_field="operation", tag="redeem", kw_only=True):
    """What a redemption would do."""


class ReverseQuote(ReversalRequest, frozen=True, tag_field="operation", tag="reverse", kw_only=True):
    """What a reversal would do."""

    transaction: ShortText

    def command(self) -> Reverse:
        """The command it asks for; raises MalformedRequest."""
        return self.reversal_of(self.transaction)


class EarnItem(EarningRequest, frozen=True, tag_field="operation", tag="earn", kw_only=True):
    """An earning in a bulk."""

    key: ItemKey


class RedeemItem(RedemptionRequest, frozen=True, tag_field="operation", tag="redeem", kw_only=True):
    """A redemption in a bulk."""

    key: ItemKey


class ReverseItem(ReversalRequest, frozen=True, tag_field="operation", tag="reverse", kw_only=True):
    """A reversal in a bulk."""

    key: ItemKey
    transaction: ShortText

    def command(self) -> Reverse:
        """The command it asks for; raises MalformedRequest."""
        return self.reversal_of(self.transaction)
