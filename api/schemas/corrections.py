"""Adjustments and write-offs: asked for by one person of staff, decided by another."""

from typing import Literal

import msgspec

from api.schemas.fields import Code, MemberName, Points, ShortText
from ledger.rules.commands import Adjust, WriteOff
from ledger.store.approvals import ApprovalState


class AdjustmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Points to give at the cost of ``partner``, or to take of those that it funds."""

    programme: Code
    member: MemberName
    partner: Code
    points: Points
    direction: Literal["give", "take"]
    reason: ShortText

    def adjustment(self, member: str, approval: str) -> Adjust:
        """The command it asks for, of a member by its id, under an approval."""
        return Adjust(
            programme=self.programme,
            member=member,
            partner=self.partner,
            points=self.points,
            takes=self.direction == "take",
            approval=approval,
            reason=self.reason,
        )


class WriteOffRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What a member owes, to be forgiven: ``points`` of it, or all of it without them."""

    programme: Code
    member: MemberName
    points: Points | None = None
    reason: ShortText

    def write_off(self, member: str, approval: str) -> WriteOff:
        """The command it asks for, of a member by its id, under an approval."""
        return WriteOff(
            programme=self.programme, member=member, points=self.points, approval=approval, reason=self.reason
        )


class AdjustQuote(AdjustmentRequest, frozen=True, tag_field="operation", tag="adjust", kw_only=True):
    """What an adjustment would do."""


class WriteOffQuote(WriteOffRequest, frozen=True, tag_field="operation", tag="write-off", kw_only=True):
    """What a write-off would do."""


class ApprovalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked for beside the approval itself."""


class RejectionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is rejected."""

    reason: ShortText


class CorrectionAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for.

    The reasons are shown to those who read the approval; once it is posted its reason lies with the
    transaction alone.
    """

    programme: str
    member: str
    partner: str | None
    points: int | None
    direction: Literal["give", "take"] | None
    reason: str | None = None
    rejection_reason: str | None = None


class ApprovalAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A correction that waits for a second person, or what became of it.

    ``correction`` is null once it was erased with the member's data.
    """

    id: str
    operation: Literal["adjust", "write-off"]
    state: ApprovalState
    correction: CorrectionAnswer | None
    requested_by: str
    requested_at: str
    decided_by: str | None
    decided_at: str | None
    transaction: str | None


class ApprovalPage(msgspec.Struct, frozen=True):
    """Approvals, the oldest first."""

    items: list[ApprovalAnswer]
    next_cursor: str | None
