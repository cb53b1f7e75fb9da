"""A member's points in one programme: lots, holds, debts, and what has been done with them."""

from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.stateful.model.terms import Cap, Lot, Programme

if TYPE_CHECKING:
    from tests.stateful.model.people import Person

Label = tuple[str, str]
"""Who asks, and its idempotency key: the name of a transaction in the model."""


@dataclass(eq=False)
class Debt:
    """What a member owes of a reversed earning; ``lot`` says to whom."""

    lot: Lot
    left: int


@dataclass(eq=False)
class Hold:
    """Points reserved, lot by lot. ``end`` is how it ended, where it did otherwise than by time."""

    label: Label
    account: "Account"
    points: int
    expires_at: datetime
    parts: list[tuple[Lot, int]]
    captures: list["Deal"] = field(default_factory=list)
    end: str | None = None

    @property
    def remaining(self) -> int:
        return sum(points for _, points in self.parts)

    @property
    def captured(self) -> int:
        return sum(capture.points for capture in self.captures)

    def standing(self, now: datetime) -> str:
        if self.remaining:
            return "open" if now < self.expires_at else "expired"
        return self.end or "expired"

    def take(self, points: int) -> list[tuple[Lot, int]]:
        """The first points, in the order of use; lots that have lapsed since are this hold's all the same."""
        taken, left = [], []
        for lot, held in sorted(self.parts, key=lambda part: part[0].order):
            piece = min(held, points)
            points -= piece
            if piece:
                taken.append((lot, piece))
            if held > piece:
                left.append((lot, held - piece))
        self.parts = left
        return taken


@dataclass(eq=False)
class Deal:
    """A transaction: what it moved in each lot, the member's change, and what was taken back of it since.

    ``hold`` is the one that it opens, captures or ends; ``released`` what a final capture lets go.
    """

    label: Label | None
    kind: str
    points: int
    spend_minor: int | None = None
    uses: list[tuple[Lot, int]] = field(default_factory=list)
    hold: Hold | None = None
    released: int = 0
    caps: list[Cap] = field(default_factory=list)
    account: "Account | None" = None
    change: int = 0
    held_change: int = 0
    available: int = 0
    pending: int = 0
    held: int = 0
    balance: int = 0
    reversed_points: int = 0
    reversed_minor: int = 0
    expired_counted: int = 0


@dataclass(eq=False)
class Account:
    """Debts are what is left to repay, oldest first; holds are those that hold something, oldest first."""

    person: "Person"
    code: str
    programme: Programme
    lots: list[Lot] = field(default_factory=list)
    debts: list[Debt] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    deals: list[Deal] = field(default_factory=list)

    def usable(self, now: datetime) -> list[Lot]:
        return sorted((x for x in self.lots if x.left and x.available_from <= now < x.lapses_at), key=lambda x: x.order)

    def available(self, now: datetime) -> int:
        return sum(lot.left for lot in self.usable(now))

    def pending(self, now: datetime) -> int:
        return sum(lot.left for lot in self.lots if now < lot.available_from and now < lot.lapses_at)

    def lapsing(self, now: datetime) -> int:
        return sum(lot.left for lot in self.lots if lot.lapses_at <= now)

    def balance(self) -> int:
        return sum(lot.left for lot in self.lots)

    def held(self) -> int:
        return sum(hold.remaining for hold in self.holds)

    def held_of(self, lot: Lot) -> int:
        return sum(points for hold in self.holds for part, points in hold.parts if part is lot)

    def owed(self) -> int:
        return sum(debt.left for debt in self.debts)

    def due(self, now: datetime) -> list[Hold]:
        """Holds whose time is over, the one that ended first at the front."""
        return sorted((hold for hold in self.holds if hold.expires_at <= now), key=lambda hold: hold.expires_at)

    def seen(self, now: datetime) -> "Account":
        """The account as everyone sees it: what is due is released, whether or not that is posted."""
        if not self.due(now):
            return self
        copied = deepcopy(self)
        for hold in copied.due(now):
            for lot, points in hold.take(hold.remaining):
                copied.credit(lot, points)
        return copied

    def open_lot(self, issuer: str, points: int, earned_at: datetime, **terms: Any) -> Lot:
        lot = Lot(len(self.lots), issuer, points, earned_at, **terms)
        self.lots.append(lot)
        return lot

    def continue_lot(self, lot: Lot, points: int, **others: Any) -> Lot:
        """A new lot under the terms of another one."""
        terms = {"available_from": lot.available_from, "expires_on": lot.expires_on, **others}
        return self.open_lot(lot.issuer, points, lot.earned_at, **terms)

    def credit(self, lot: Lot, points: int) -> int:
        """Every credit repays the debts first, oldest first; what is left of it is the lot's."""
        for debt in self.debts:
            paid = min(debt.left, points)
            debt.left -= paid
            points -= paid
        lot.left += points
        return points

    def take(self, lots: list[Lot], points: int) -> list[tuple[Lot, int]]:
        """Take points from lots, one after the other."""
        uses = []
        for lot in lots:
            taken = min(lot.left, points)
            if taken:
                uses.append((lot, taken))
            lot.left -= taken
            points -= taken
        return uses

    def release(self, hold: Hold, now: datetime) -> list[tuple[Lot, int]]:
        """What a hold still holds comes back; where its lot has lapsed it expires at once."""
        released = hold.take(hold.remaining)
        for lot, points in released:
            kept = self.credit(lot, points)
            if lot.lapses_at <= now:
                lot.left, lot.expired = lot.left - kept, lot.expired + kept
        return released

    def post(self, deal: Deal, before: tuple[int, int], now: datetime) -> Deal:
        self.holds = [hold for hold in self.holds if hold.remaining]
        deal.account = self
        deal.balance, deal.held = self.totals()
        deal.change, deal.held_change = deal.balance - before[0], deal.held - before[1]
        deal.available, deal.pending = self.available(now), self.pending(now)
        self.deals.append(deal)
        return deal

    def totals(self) -> tuple[int, int]:
        return self.balance(), self.held()

    def post_due(self, now: datetime) -> None:
        """Post what time has ended: first holds, then lots."""
        for hold in self.due(now):
            before, points = self.totals(), hold.remaining
            uses = self.release(hold, now)
            self.post(Deal(None, "hold-expire", points, uses=uses, hold=hold), before, now)
        self.expire([lot for lot in self.lots if lot.lapses_at <= now], now)

    def expire(self, lots: list[Lot], now: datetime) -> None:
        for lot in sorted((x for x in lots if x.left), key=lambda x: x.order):
            before, points = self.totals(), lot.left
            lot.left, lot.expired = 0, lot.expired + points
            self.post(Deal(None, "expire", points, uses=[(lot, points)]), before, now)
