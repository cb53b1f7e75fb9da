"""What the books keep of members' points: lots, holds, shortfalls, and their sums in one programme."""

import msgspec

from ledger.audit.pages import HoldRow, LotRow, Rest
from ledger.ids import Place
from ledger.rules.journal import LotOpening, Transaction

NEVER = (1 << 63) - 1


class Lot(msgspec.Struct, gc=False):
    """A lot and what postings have left of it; ``row`` is what its row said when it was read."""

    opening: LotOpening
    member: int
    programme: int
    lapses_at: int
    row: Rest
    remaining: int = 0
    held: int = 0
    expired: int = 0
    expiries: int = 0

    @classmethod
    def of(cls, row: LotRow, lapses_at: int) -> "Lot":
        """A lot of which nothing is left yet, or any more."""
        return cls(row.opening, row.member, row.programme, lapses_at, row.rest)

    @property
    def rest(self) -> Rest:
        """What its row must say."""
        is_open = self.remaining + self.held > 0
        return Rest(self.remaining, self.held, self.expired, self.expiries, is_open)

    @property
    def spend_order(self) -> tuple[int, int, int]:
        """Soonest expiry, then earliest earned, then number."""
        return (self.lapses_at, self.opening.earned_at, self.opening.lot)


class Hold(msgspec.Struct):
    """A hold by the transaction that opened it; ``row`` is what its rows said when they were read.

    ``lots`` has, of each lot, the points held at first and those still held; ``moved`` is where a merge or
    move has taken the hold.
    """

    opening: Transaction
    expires_at: int
    row: HoldRow | None
    points: int = 0
    remaining: int = 0
    moved: Place | None = None
    lots: dict[int, tuple[int, int]] = msgspec.field(default_factory=dict)

    @property
    def rest(self) -> HoldRow:
        """What its rows must say."""
        return HoldRow(
            sequence=self.opening.sequence,
            member=self.opening.member,
            points=self.points,
            remaining=self.remaining,
            expires_at=self.expires_at,
            programme=self.opening.programme,
            partner=self.opening.partner,
            moved_lane=None if self.moved is None else self.moved.lane,
            moved_sequence=None if self.moved is None else self.moved.number,
            lots=self.lots,
        )

    def move(self, lot: int, credit: int, *, opens: bool) -> int:
        """Move held points of a lot; returns what is then held of it."""
        first, rest = self.lots.get(lot, (0, 0))
        if opens:
            first += credit
            self.points += credit
        self.lots[lot] = (first, rest + credit)
        self.remaining += credit
        return rest + credit


class Owed(msgspec.Struct):
    """A shortfall: what a member owes of a reversed earn."""

    sequence: int
    member: int
    programme: int
    lot: int
    funding: int
    terms_version: int | None
    original: int
    remaining: int


class Points(msgspec.Struct):
    """A member's points in one programme, with its open lots, holds and shortfalls (oldest first).

    ``lots`` are those with points that are not held. ``next_lapse_at`` is no later than the first lapse
    of one of them.
    """

    posted: int = 0
    held: int = 0
    shortfall: int = 0
    next_lapse_at: int = NEVER
    pending_until: int = 0
    has_postings: bool = False
    lots: dict[int, Lot] = msgspec.field(default_factory=dict)
    holds: dict[int, Hold] = msgspec.field(default_factory=dict)
    owed: list[Owed] = msgspec.field(default_factory=list)

    def after(self, now: int) -> tuple[int, int, int]:
        """Available, held and pending points at an instant."""
        if self.next_lapse_at > now and self.pending_until <= now:
            return (self.posted, self.held, 0)
        lapsed = pending = 0
        for lot in self.lots.values():
            if lot.lapses_at <= now:
                lapsed += lot.remaining
            elif lot.opening.available_from > now:
                pending += lot.remaining
        self.next_lapse_at = self.first_lapse_at()
        return (self.posted - lapsed - pending, self.held, pending)

    def first_lapse_at(self) -> int:
        """When the first open lot lapses."""
        return min((lot.lapses_at for lot in self.lots.values()), default=NEVER)

    def first_hold_end_at(self) -> int:
        """When the first open hold ends."""
        return min((hold.expires_at for hold in self.holds.values()), default=NEVER)

    def usable(self, now: int) -> list[Lot]:
        """Open lots that are neither pending nor lapsed, in the order of use."""
        usable = [lot for lot in self.lots.values() if lot.opening.available_from <= now < lot.lapses_at]
        usable.sort(key=lambda lot: lot.spend_order)
        return usable


class TakenBack(msgspec.Struct):
    """What reversals have taken of one transaction, for the member that it names."""

    points: int = 0
    spend_minor: int = 0
    expired_counted: int = 0
    out_of_lot: int = 0
    """Of the points of an earn: those that were free."""
