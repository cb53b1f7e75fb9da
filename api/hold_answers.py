"""What the HTTP interface answers of holds: what became of one, and which are open."""

import msgspec

from api.answers import rfc3339
from ledger.reading.holds import HoldsPage, HoldStanding, HoldView


class CaptureAnswer(msgspec.Struct, frozen=True):
    """A capture of a hold."""

    id: str
    points: int
    recorded_at: str


class HoldAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A hold at ``as_of``: ``points`` = ``captured`` + ``released`` + ``remaining``; ``captures``, earliest first."""

    id: str
    state: HoldStanding
    programme: str
    member: str
    partner: str
    points: int
    captured: int
    released: int
    remaining: int
    scene: str | None
    channel: str | None
    outlet: str | None
    placed_at: str
    expires_at: str
    captures: tuple[CaptureAnswer, ...]
    as_of: str


class HoldsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Open holds, the one that ends first, and the cursor of the next page where there is one."""

    holds: tuple[HoldAnswer, ...]
    next_cursor: str | None


def hold_answer(view: HoldView) -> HoldAnswer:
    """A hold and what became of it."""
    return HoldAnswer(
        id=view.id,
        state=view.state,
        programme=view.programme,
        member=view.member,
        partner=view.partner,
        points=view.points,
        captured=view.captured,
        released=view.released,
        remaining=view.remaining,
        scene=view.scene,
        channel=view.channel,
        outlet=view.outlet,
        placed_at=rfc3339(view.placed_at),
        expires_at=rfc3339(view.expires_at),
        captures=tuple(
            CaptureAnswer(capture.id, capture.points, rfc3339(capture.recorded_at)) for capture in view.captures
        ),
        as_of=rfc3339(view.as_of),
    )


def holds_answer(page: HoldsPage) -> HoldsAnswer:
    """A page of open holds."""
    return HoldsAnswer(holds=tuple(hold_answer(hold) for hold in page.holds), next_cursor=page.next_cursor)
