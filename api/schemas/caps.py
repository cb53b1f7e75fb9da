"""Caps: hard limits on the points that may be given."""

import msgspec

from api.schemas.fields import Code, Points, Scene, ShortText
from ledger.rules.programmes import CapMeasure


class CapRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A cap to add and its first points: on one ``partner`` or all, in one ``scene`` or all. Its code is for ever."""

    code: Code
    programme: Code
    points: Points
    partner: Code | None = None
    scene: Scene | None = None


class CapGrantRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """More points for a cap."""

    points: Points
    reason: ShortText


class CapGrantAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Points that a cap was authorised for, by ``transaction``."""

    cap: str
    programme: str
    points: int
    transaction: str
    recorded_at: str


class CapAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A cap: what is ``authorised`` is ``used`` or ``left``.

    Its ``measure`` is ``points``, or of a prefunding ``cover`` 1/10,000 of the programme's currency.
    """

    code: str
    programme: str
    partner: str | None
    scene: str | None
    authorised: int
    used: int
    left: int
    measure: CapMeasure


class CapPage(msgspec.Struct, frozen=True):
    """Caps in the order of their codes."""

    items: list[CapAnswer]
    next_cursor: str | None
