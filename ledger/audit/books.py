"""The books of one lane, kept from its journal alone: what every projection must say.

In memory is the state of one lane: its members' points, its open lots and party balances, and what is
rarer: lots that have expired, shortfalls, what was taken back of which transaction. A lot that was spent
whole is forgotten as soon as its row agrees, and read again should a return bring it back; so memory grows
with the lane's open points and not with its journal.
"""

from collections import defaultdict
from datetime import date

import msgspec

from ledger.audit.pages import LotRow, Rest
from ledger.audit.report import Findings
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.journal import LotOpening, Posting, Transaction

NEVER = (1 << 63) - 1

AVAILABLE, HELD, SHORTFALL = int(AccountKind.AVAILABLE), int(AccountKind.HELD), int(AccountKind.SHORTFALL)
ISSUANCE, REDEEMED, EXPIRED = int(AccountKind.ISSUANCE), int(AccountKind.REDEEMED), int(AccountKind.EXPIRED)
IN_TRANSIT = int(AccountKind.IN_TRANSIT)


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

    @property
    def rest(self) -> Rest:
        """What its row must say."""
        is_open = self.remaining + self.held > 0
        return Rest(self.remaining, self.held, self.expired, self.expiries, is_open)

    @property
    def root(self) -> int:
        """The lot that was earned: itself, or the one it was restored from."""
        return self.opening.lot if self.opening.restored_from is None else self.opening.restored_from

    @property
    def spend_order(self) -> tuple[int, int, int]:
        """Soonest expiry, then earliest earned, then number."""
        return (self.lapses_at, self.opening.earned_at, self.opening.lot)


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
    """A member's points in one programme, with its open lots and open shortfalls (oldest first).

    ``next_lapse_at`` is no later than the first lapse of an open lot.
    """

    posted: int = 0
    held: int = 0
    shortfall: int = 0
    next_lapse_at: int = NEVER
    pending_until: int = 0
    has_postings: bool = False
    lots: dict[int, Lot] = msgspec.field(default_factory=dict)
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

    def usable(self, now: int) -> list[Lot]:
        """Open lots that are neither pending nor lapsed, in the order of use."""
        usable = [lot for lot in self.lots.values() if lot.opening.available_from <= now < lot.lapses_at]
        usable.sort(key=lambda lot: lot.spend_order)
        return usable


class TakenBack(msgspec.Struct):
    """What reversals have taken of one transaction."""

    points: int = 0
    spend_minor: int = 0
    expired_counted: int = 0


class Books:
    """One lane's accounts, lots, shortfalls and reversals, moved along by its transactions."""

    def __init__(self, lane: int, findings: Findings) -> None:
        self.lane = lane
        self._findings = findings
        self.points: defaultdict[tuple[int, int], Points] = defaultdict(Points)
        self.lots: dict[int, Lot] = {}
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        self.shortfalls: dict[int, Owed] = {}
        self.parties: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self.taken_back: defaultdict[int, TakenBack] = defaultdict(TakenBack)
        self._closed: set[int] = set()

    def keep(self, row: LotRow, zone: str) -> Lot:
        """Take a lot into memory: newly opened, or once closed and forgotten. Nothing is left of either."""
        opening = row.opening
        lot = Lot(opening, row.member, row.programme, lapse_of(opening.expires_on, zone), row.rest)
        self.lots[opening.lot] = lot
        self._closed.add(opening.lot)
        if opening.restored_from is not None:
            self.children[opening.restored_from].add(opening.lot)
        return lot

    def family(self, root: int) -> list[Lot]:
        """A lot and the lots restored from it, as far as points are left or have expired in them."""
        return [self.lots[lot] for lot in (root, *self.children.get(root, ())) if lot in self.lots]

    def apply(self, transaction: Transaction) -> None:
        """Move the accounts by a transaction's postings, and compare the balances it says it left."""
        points = self.points[transaction.member, transaction.programme]
        for posting in transaction.postings:
            points.has_postings = True
            lot = self._lot_of(posting, transaction)
            self._move(points, lot, posting.debit_kind, posting.debit_owner, -posting.amount, posting, transaction)
            self._move(points, lot, posting.credit_kind, posting.credit_owner, posting.amount, posting, transaction)
            if posting.credit_kind == EXPIRED and lot is not None:
                lot.expired += posting.amount
                lot.expiries += 1
        after = points.after(transaction.recorded_at)
        found = (transaction.available_after, transaction.held_after, transaction.pending_after)
        if found != after:
            self._differ(transaction, "available, held and pending after", found, after)
        if points.shortfall < 0 or points.held < 0:
            self._differ(transaction, "shortfall and held points", (points.shortfall, points.held), "0 or more")

    def _differ(self, transaction: Transaction, what: str, found: object, expected: object) -> None:
        self._findings.differ(self.lane, f"transaction {transaction.sequence}", what, found, expected)

    def _lot_of(self, posting: Posting, transaction: Transaction) -> Lot | None:
        if posting.lot is None:
            return None
        lot = self.lots.get(posting.lot)
        if lot is None:
            self._differ(transaction, "lot of a posting", posting.lot, "a lot opened by now")
        elif lot.member != transaction.member or lot.programme != transaction.programme:
            found = f"lot {posting.lot} of member {lot.member}, programme {lot.programme}"
            expected = f"a lot of member {transaction.member}, programme {transaction.programme}"
            self._differ(transaction, "lot of a posting", found, expected)
        return lot

    def _move(
        self,
        points: Points,
        lot: Lot | None,
        kind: int,
        owner: int,
        credit: int,
        posting: Posting,
        transaction: Transaction,
    ) -> None:
        if kind == AVAILABLE:
            points.posted += credit
            if lot is None:
                self._differ(transaction, "posting on a member's points", "no lot", "a lot")
            else:
                self._move_lot(points, lot, credit, transaction)
        elif kind == SHORTFALL:
            points.shortfall -= credit
            if credit < 0:
                self._owe(points, lot, posting, transaction)
            else:
                self._repay(points, posting, transaction)
        elif kind == HELD:
            points.held += credit
        else:
            self._move_party(kind, owner, credit, transaction)

    def _move_lot(self, points: Points, lot: Lot, credit: int, transaction: Transaction) -> None:
        lot.remaining += credit
        number = lot.opening.lot
        if lot.remaining > 0:
            points.lots[number] = lot
        else:
            points.lots.pop(number, None)
            self._closed.add(number)
            if lot.remaining < 0:
                self._differ(transaction, f"rest of lot {number}", lot.remaining, "0 or more")
        if credit > 0:
            points.next_lapse_at = min(points.next_lapse_at, lot.lapses_at)
            points.pending_until = max(points.pending_until, lot.opening.available_from)

    def _owe(self, points: Points, lot: Lot | None, posting: Posting, transaction: Transaction) -> None:
        owed = Owed(
            sequence=transaction.sequence,
            member=transaction.member,
            programme=transaction.programme,
            lot=posting.lot or 0,
            funding=posting.credit_owner,
            terms_version=None if lot is None else lot.opening.terms_version,
            original=posting.amount,
            remaining=posting.amount,
        )
        if transaction.sequence in self.shortfalls:
            self._differ(transaction, "shortfalls of one transaction", "two", "one")
        self.shortfalls[owed.sequence] = owed
        points.owed.append(owed)

    def _repay(self, points: Points, posting: Posting, transaction: Transaction) -> None:
        found = f"{posting.amount} points towards lot {posting.counter_lot}"
        if not points.owed:
            self._differ(transaction, "repayment", found, "none, since nothing is owed")
            return
        oldest = points.owed[0]
        if oldest.lot != posting.counter_lot or oldest.remaining < posting.amount:
            expected = f"at most {oldest.remaining} points towards lot {oldest.lot}, the oldest shortfall"
            self._differ(transaction, "repayment", found, expected)
        oldest.remaining -= posting.amount
        if oldest.remaining <= 0:
            del points.owed[0]

    def _move_party(self, kind: int, owner: int, credit: int, transaction: Transaction) -> None:
        rule = _RULES.get(kind)
        if rule is None:
            self._differ(transaction, "kind of account", kind, "a kind of the chart")
            return
        place = (kind, owner, transaction.programme)
        self.parties[place] += credit if rule.normal_side == "credit" else -credit
        if self.parties[place] < 0 and not rule.either_side:
            account = f"balance of {AccountKind(kind).name.lower()} {owner}"
            self._differ(transaction, account, self.parties[place], "0 or more")

    def forget_closed(self) -> None:
        """Forget lots that are spent whole and whose rows agree; the others are compared at the end."""
        for number in self._closed:
            lot = self.lots.get(number)
            if lot is None or lot.remaining or lot.held or lot.expired or lot.row != lot.rest:
                continue
            del self.lots[number]
            if lot.opening.restored_from is not None:
                self.children[lot.opening.restored_from].discard(number)
        self._closed.clear()


_RULES = {int(kind): rule for kind, rule in CHART.items()}


def lapse_of(expires_on: date | None, zone: str) -> int:
    """The first instant at which a lot cannot be used any more."""
    return NEVER if expires_on is None else end_of_day(expires_on, zone)
