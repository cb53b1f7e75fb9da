"""Holds, captures and voids as callers send them, and the commands they become."""

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
)
from ledger.rules.commands import Capture, PlaceHold, VoidHold


class HoldRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points to reserve until ``expires_at``, within a year; without it for seven days.

    ``cash`` is a memo of what is paid in money beside them.
    """

    programme: Code
    member: MemberName
    points: Points
    scene: Scene
    expires_at: Moment | None = None
    cash: MoneySent | None = None
    channel: Channel | None = None
    outlet: Outlet | None = None
    occurred_at: Moment | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def command(self) -> PlaceHold:
        """The command it asks for; raises MalformedRequest."""
        return PlaceHold(
            programme=self.programme,
            member=self.member,
            points=self.points,
            scene=self.scene,
            expires_at=instant_of(self.expires_at, "$.expires_at"),
            cash_minor=None if self.cash is None else self.cash.minor("$.cash"),
            currency=None if self.cash is None else self.cash.currency,
            channel=self.channel,
            outlet=self.outlet,
            occurred_at=instant_of(self.occurred_at, "$.occurred_at"),
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class CaptureRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Take ``points`` of a hold, or all of the rest without them; ``final`` lets go what is left then."""

    points: Points | None = None
    final: bool = False
    cash: MoneySent | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def capture_of(self, hold: str) -> Capture:
        """The command it asks for, of a hold by its id; raises MalformedRequest."""
        return Capture(
            hold=hold,
            points=self.points,
            final=self.final,
            cash_minor=None if self.cash is None else self.cash.minor("$.cash"),
            currency=None if self.cash is None else self.cash.currency,
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class VoidRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Let go all that is still held."""

    reason: ShortText | None = None
    reference: ShortText | None = None
    evidence: ShortText | None = None
    metadata: Metadata | None = None

    def void_of(self, hold: str) -> VoidHold:
        """The command it asks for, of a hold by its id."""
        return VoidHold(
            hold=hold,
            reason=self.reason,
            reference=self.reference,
            evidence=self.evidence,
            metadata=in_order(self.metadata),
        )


class HoldQuote(HoldRequest, frozen=True, tag_field="operation", tag="hold", kw_only=True):
    """What a hold would do."""


class CaptureQuote(CaptureRequest, frozen=True, tag_field="operation", tag="capture", kw_only=True):
    """What a capture would do."""

    hold: ShortText

    def command(self) -> Capture:
        """The command it asks for; raises MalformedRequest."""
        return self.capture_of(self.hold)


class VoidQuote(VoidRequest, frozen=True, tag_field="operation", tag="void", kw_only=True):
    """What a void would do."""

    hold: ShortText

    def command(self) -> VoidHold:
        """The command it asks for."""
        return self.void_of(self.hold)


class HoldItem(HoldRequest, frozen=True, tag_field="operation", tag="hold", kw_only=True):
    """A hold in a bulk."""

    key: ItemKey


class CaptureItem(CaptureRequest, frozen=True, tag_field="operation", tag="capture", kw_only=True):
    """A capture in a bulk."""

    key: ItemKey
    hold: ShortText

    def command(self) -> Capture:
        """The command it asks for; raises MalformedRequest."""
        return self.capture_of(self.hold)


class VoidItem(VoidRequest, frozen=True, tag_field="operation", tag="void", kw_only=True):
    """A void in a bulk."""

    key: ItemKey
    hold: ShortText

    def command(self) -> VoidHold:
        """The command it asks for."""
        return self.void_of(self.hold)
