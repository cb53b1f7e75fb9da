"""What staff, or the member itself, change of a membership."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from api.schemas.fields import MemberName, ShortText

MemberChange = Literal["freeze", "unfreeze", "close", "merge", "move"]


class ReasonRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is done."""

    reason: ShortText


class CloseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Why a membership ends; ``give_up_points`` lets the points that are left go back to their issuers."""

    reason: ShortText
    give_up_points: bool = False


class MergeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The member that the one of the address turns out to be."""

    into: MemberName
    reason: ShortText


class LaneRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The lane to which a member goes."""

    lane: Annotated[int, Meta(ge=0, le=4095, description="A lane of this ledger, from 0")]
    reason: ShortText


class MemberChangeAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of a member, by ``transaction``.

    ``status`` is the one after it. ``into`` is the member that a merged one has become, ``lane`` where a
    moved one is now.
    """

    id: str
    change: MemberChange
    transaction: str
    recorded_at: str
    status: Literal["frozen", "active", "closed", "merged"] | None = None
    into: str | None = None
    lane: int | None = None
