"""The state that decisions see: what was read of the lanes, and what earlier decisions changed.

A ``LedgerState`` belongs to one unit of work. Decisions only read it; ``recording.append`` alone moves
it along, so that the next command of the batch sees the last one's effect.
"""

from collections.abc import Iterable
from datetime import date

import msgspec

from ledger.ids import Place
from ledger.rules.journal import JournalEntry, LotOrigin
from ledger.rules.money_postings import MoneyPosting
from ledger.rules.programmes import Registry

NEVER = (1 << 63) - 1
"""The lapse instant of a lot without expiry."""


class LaneState(msgspec.Struct, gc=False):
    """A lane's row. ``now`` is the instant that this unit of work records."""

    lane: int
    next_sequence: int
    next_lot: int
    head: bytes
    now: int


class LotState(msgspec.Struct, gc=False):
    """A lot and what is left of it; ``lapses_at`` is the first instant it cannot be used."""

    lane: int
    lot: int
    sequence: int
    member: int
    programme: int
    funding: int
    terms_version: int | None
    earned_at: int
    available_from: int
    expires_on: date | None
    original: int
    restored_from: int | None
    remaining: int
    held: int = 0
    expired: int = 0
    expiries: int = 0
    lapses_at: int = NEVER
    is_new: bool = False


class HoldState(msgspec.Struct, gc=False):
    """A hold, by the transaction that opened it, and what is still held, in all and of each of its ``lots``.

    ``opened`` is what a new hold took of each lot; ``moved_to`` where a merge or move has taken it.
    """

    lane: int
    sequence: int
    member: int
    programme: int
    partner: int
    points: int
    remaining: int
    expires_at: int
    scene: str | None
    channel: str | None
    outlet: str | None
    moved_to: Place | None = None
    lots: dict[int, int] = msgspec.field(default_factory=dict)
    opened: dict[int, int] = msgspec.field(default_factory=dict)
    is_new: bool = False

    @property
    def place(self) -> Place:
        """The place of the transaction that opened it."""
        return Place(self.lane, self.sequence)


class GiftMonth(msgspec.Struct, gc=False):
    """What a member has given and received as gifts in a calendar month of the programme's zone.

    Apart from it, what it gave and received ``before`` it was merged or moved: the month's limit is for the person.
    """

    lane: int
    member: int
    programme: int
    month: date
    given: int = 0
    received: int = 0
    given_before: int = 0
    received_before: int = 0
    is_new: bool = True


class ShortfallState(msgspec.Struct, gc=False):
    """What a member owes of a reversed earn, by the transaction that recorded it."""

    lane: int
    sequence: int
    member: int
    programme: int
    lot: int
    funding: int
    terms_version: int | None
    original: int
    remaining: int
    is_new: bool = False


class PointsState(msgspec.Struct):
    """A member's points in one programme.

    ``posted`` is the balance of the available account; of it ``pending`` cannot be used yet and
    ``lapsed`` no more. ``lots`` has every open lot when ``lots_complete``; else those up to
    ``lots_read_to`` in the order of use, and new ones.
    """

    lane: int
    member: int
    programme: int
    posted: int = 0
    held: int = 0
    shortfall: int = 0
    pending: int = 0
    lapsed: int = 0
    next_lapse_at: int = NEVER
    pending_until: int = 0
    lots: list[LotState] = msgspec.field(default_factory=list)
    lots_complete: bool = True
    lots_read_to: tuple[int, int, int] = (0, 0, 0)
    shortfalls: list[ShortfallState] = msgspec.field(default_factory=list)
    holds: list[HoldState] = msgspec.field(default_factory=list)
    is_new: bool = True
    is_changed: bool = False

    @property
    def available(self) -> int:
        """What can be spent now."""
        return self.posted - self.pending - self.lapsed


class MemberState(msgspec.Struct):
    """A member in its lane, with its points by programme number.

    ``into`` is the member, as (lane, number), that a merged or moved one has become.
    """

    lane: int
    number: int
    public_id: str
    status: str
    into: tuple[int, int] | None = None
    points: dict[int, PointsState] = msgspec.field(default_factory=dict)
    is_new: bool = False
    is_changed: bool = False

    def points_in(self, programme: int) -> PointsState:
        """The member's points in a programme, to be looked at; a new member has nothing."""
        return self.points.get(programme) or PointsState(self.lane, self.number, programme)

    def open_points(self, programme: int) -> PointsState:
        """The member's points in a programme, to be changed; a new member starts from nothing."""
        return self.points.setdefault(programme, self.points_in(programme))

    def all_points(self) -> list[PointsState]:
        """The member's points in every programme, in the order of their numbers."""
        return [self.points[programme] for programme in sorted(self.points)]


class OriginalState(msgspec.Struct, gc=False):
    """A transaction that a reversal names, with what was taken back of it so far.

    ``uses`` are its postings' lots with amounts, in order; ``cap_uses`` what it used of caps. Of an earn that used
    some, ``taken_out`` is what earlier reversals took out of its lot and not from what its member comes to owe.
    ``expired_counted`` is the part of earlier reversals that fell on points which had already expired.
    """

    lane: int
    sequence: int
    kind: int
    programme: int
    partner: int
    member: int
    points: int
    occurred_at: int
    recorded_at: int
    spend_minor: int | None
    programme_version: int | None
    reversed_points: int = 0
    reversed_spend_minor: int = 0
    expired_counted: int = 0
    uses: list[tuple[int, int]] = msgspec.field(default_factory=list)
    cap_uses: list[tuple[int, int]] = msgspec.field(default_factory=list)
    taken_out: int = 0
    is_changed: bool = False

    @property
    def rest_points(self) -> int:
        """Points not yet taken back."""
        return self.points - self.reversed_points

    @property
    def rest_spend_minor(self) -> int:
        """Spend not yet taken back, in minor units; 0 where the earn rests on no spend."""
        return (self.spend_minor or 0) - self.reversed_spend_minor


class KeyRecord(msgspec.Struct, gc=False):
    """An idempotency key in use: where its transactions are, or the recorded answer."""

    digest: bytes
    request_digest: bytes
    lane: int | None
    sequence: int | None
    transactions: int
    answer: bytes | None


class CodeState(msgspec.Struct, gc=False):
    """A member's code, by which a command names the member; ``used`` is the transaction that has spent it."""

    lane: int
    member: int
    is_expired: bool
    used: Place | None = None
    is_changed: bool = False


class LedgerState(msgspec.Struct):
    """Everything a unit of work has read, and what its decisions added."""

    registry: Registry
    lanes: dict[int, LaneState]
    members: dict[int, MemberState]
    successors: dict[tuple[int, int], tuple[int, int]] = msgspec.field(default_factory=dict)
    """What members that are not in ``members`` have become, as (lane, number), in lanes that may not be locked."""

    keys: dict[bytes, KeyRecord] = msgspec.field(default_factory=dict)
    lots: dict[tuple[int, int], LotState] = msgspec.field(default_factory=dict)
    children: dict[tuple[int, int], list[LotState]] = msgspec.field(default_factory=dict)
    originals: dict[Place, OriginalState] = msgspec.field(default_factory=dict)
    earns: dict[tuple[int, int, int], list[OriginalState]] = msgspec.field(default_factory=dict)
    """Earns that a take-back may reach, by (member, programme, partner); kept only where read."""
    entries: list[JournalEntry] = msgspec.field(default_factory=list)
    new_keys: list[KeyRecord] = msgspec.field(default_factory=list)
    details: list[tuple[int, int, bytes, bytes, bytes | None]] = msgspec.field(default_factory=list)
    changed_lots: dict[tuple[int, int], LotState] = msgspec.field(default_factory=dict)
    changed_shortfalls: dict[Place, ShortfallState] = msgspec.field(default_factory=dict)
    party_changes: dict[tuple[int, int, int, int], int] = msgspec.field(default_factory=dict)
    """(lane, kind, owner, programme) to the change on the account's normal side."""

    codes: dict[bytes, CodeState] = msgspec.field(default_factory=dict)
    """By their digests; kept only where read."""

    holds: dict[Place, HoldState] = msgspec.field(default_factory=dict)
    changed_holds: dict[Place, HoldState] = msgspec.field(default_factory=dict)
    gift_months: dict[tuple[int, int, date], GiftMonth] = msgspec.field(default_factory=dict)
    changed_gift_months: dict[tuple[int, int, date], GiftMonth] = msgspec.field(default_factory=dict)
    cap_balances: dict[tuple[int, int, int], int] = msgspec.field(default_factory=dict)
    """(lane, kind, cap) to the balance of a pool or allotment; kept only where read."""

    swept: dict[int, bool] = msgspec.field(default_factory=dict)
    """Caps whose allotments this unit of work has brought home, or lets go out again."""

    origins: list[tuple[int, int, LotOrigin]] = msgspec.field(default_factory=list)
    """(lane, sequence) of the openings of lots that come from other lots."""

    money: list[tuple[Place, int, MoneyPosting]] = msgspec.field(default_factory=list)
    """(transaction, programme) of new money postings, in order."""

    @property
    def sets_up(self) -> bool:
        """Whether every other poster must hear of a change: a member's new place, a cap's sweep."""
        return bool(self.swept) or any(member.is_changed and member.into for member in self.members.values())

    def present(self, place: tuple[int, int]) -> tuple[int, int]:
        """The member, as (lane, number), that a merged or moved one is by now."""
        while True:
            member = self.members.get(place[1])
            further = self.successors.get(place) if member is None else member.into
            if further is None:
                return place
            place = further

    def family(self, root: LotState) -> Iterable[LotState]:
        """A lot and the lots restored or moved from it, oldest first, in whatever order they were read."""
        yield root
        for child in sorted(self.children.get((root.lane, root.lot), ()), key=_by_age):
            yield from self.family(child)


def _by_age(lot: LotState) -> tuple[int, int, int]:
    return (lot.earned_at, lot.lane, lot.lot)
