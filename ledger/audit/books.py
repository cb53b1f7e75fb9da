"""The books of one lane, kept from its journal alone: what every projection must say.

In memory is the state of one lane: its members' points, its open lots, open holds and party balances, and
what is rarer: lots that have expired, shortfalls, what was taken back of which transaction, gifts of a month,
members that were frozen, closed or have become others. A lot that was spent whole and a hold that has ended
are forgotten as soon as their rows agree, and a lot is read again should a return bring it back; so memory
grows with the lane's open points and not with its journal.
"""

from collections import defaultdict
from datetime import date

from ledger.audit.membership import Memberships
from ledger.audit.pages import HoldRow, LotRow
from ledger.audit.points import NEVER, Hold, Lot, Owed, Points, TakenBack
from ledger.audit.report import Findings
from ledger.rules.accounts import CHART, AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.journal import Particulars, ParticularTransaction, Posting, Transaction

AVAILABLE, HELD, SHORTFALL = int(AccountKind.AVAILABLE), int(AccountKind.HELD), int(AccountKind.SHORTFALL)
ISSUANCE, REDEEMED, EXPIRED = int(AccountKind.ISSUANCE), int(AccountKind.REDEEMED), int(AccountKind.EXPIRED)
IN_TRANSIT, AUTHORISED, POOL = int(AccountKind.IN_TRANSIT), int(AccountKind.AUTHORISED), int(AccountKind.POOL)
EXCHANGE, ALLOTMENT = int(AccountKind.EXCHANGE), int(AccountKind.ALLOTMENT)
USED, CAP_TRANSIT = int(AccountKind.USED), int(AccountKind.CAP_TRANSIT)

_RULES = {int(kind): rule for kind, rule in CHART.items()}
_NONE = Particulars()


class Books:
    """One lane's accounts, lots, holds, shortfalls, reversals and members, moved along by its transactions.

    ``taken_back`` counts reversals for the member that the original names. ``caps_seen`` are the caps that
    earns of the lane have met, ``swept`` what the lane says of those at home in it. ``giving_up`` is the last
    expiry that came before its time, until its member closes. ``leaving`` and ``arriving`` are, of the last
    heads of a merge or move, the key and who goes and who receives.
    """

    def __init__(self, lane: int, findings: Findings) -> None:
        self.lane = lane
        self._findings = findings
        self.points: defaultdict[tuple[int, int], Points] = defaultdict(Points)
        self.lots: dict[int, Lot] = {}
        self.children: defaultdict[int, set[int]] = defaultdict(set)
        self.shortfalls: dict[int, Owed] = {}
        self.parties: defaultdict[tuple[int, int, int], int] = defaultdict(int)
        self.taken_back: defaultdict[int, TakenBack] = defaultdict(TakenBack)
        self.holds: dict[int, Hold] = {}
        self.gift_months: defaultdict[tuple[int, int, date], list[int]] = defaultdict(lambda: [0, 0])
        self.members = Memberships()
        self.caps_seen: set[int] = set()
        self.swept: dict[int, bool] = {}
        self.epoch = 0
        self.giving_up: Transaction | None = None
        self.leaving: tuple[bytes, int] | None = None
        self.arriving: tuple[bytes, int] | None = None
        self._closed: set[int] = set()
        self._ended: set[int] = set()

    def keep(self, row: LotRow, zone: str) -> Lot:
        """Take a lot into memory: newly opened, or once closed and forgotten. Nothing is left of either."""
        opening = row.opening
        lot = Lot.of(row, lapse_of(opening.expires_on, zone))
        self.lots[opening.lot] = lot
        self._closed.add(opening.lot)
        if opening.restored_from is not None:
            self.children[opening.restored_from].add(opening.lot)
        return lot

    def open_hold(self, opening: Transaction, row: HoldRow | None) -> None:
        """Take the hold that a transaction opens, if any, into memory, before the postings that fill it."""
        expires_at = particulars_of(opening).expires_at
        if expires_at is not None:
            self.holds[opening.sequence] = Hold(opening, expires_at, row)

    def hold_of(self, transaction: Transaction) -> Hold | None:
        """The hold that a transaction opens or changes; None where it names none that is known."""
        named = particulars_of(transaction).hold
        return self.holds.get(transaction.sequence if named is None else named)

    def family(self, root: int) -> list[Lot]:
        """A lot and the lots restored from it, as far as points are left or have expired in them."""
        return [self.lots[lot] for lot in (root, *self.children.get(root, ())) if lot in self.lots]

    def apply(self, transaction: Transaction, points: Points) -> None:
        """Move the accounts by a transaction's postings, and compare the balances it says it left."""
        for posting in transaction.postings:
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
            points.has_postings = True
            points.posted += credit
            if lot is None:
                self._differ(transaction, "posting on a member's points", "no lot", "a lot")
            else:
                self._move_lot(points, lot, credit, transaction)
        elif kind == SHORTFALL:
            points.has_postings = True
            points.shortfall -= credit
            if credit < 0:
                self._owe(points, lot, posting, transaction)
            else:
                self._repay(points, posting, transaction)
        elif kind == HELD:
            points.has_postings = True
            points.held += credit
            self._move_held(points, lot, credit, transaction)
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

    def _move_held(self, points: Points, lot: Lot | None, credit: int, transaction: Transaction) -> None:
        hold = self.hold_of(transaction)
        if lot is None or hold is None:
            self._differ(transaction, "posting on held points", "no lot or no hold", "a lot of a hold")
            return
        lot.held += credit
        self._closed.add(lot.opening.lot)
        rest = hold.move(lot.opening.lot, credit, opens=hold.opening.sequence == transaction.sequence)
        if rest < 0:
            what = f"held points of lot {lot.opening.lot}"
            self._differ(transaction, what, rest, f"0 or more, in hold {hold.opening.sequence}")
        if hold.remaining > 0:
            points.holds[hold.opening.sequence] = hold
        else:
            points.holds.pop(hold.opening.sequence, None)
            self._ended.add(hold.opening.sequence)

    def _owe(self, points: Points, lot: Lot | None, posting: Posting, transaction: Transaction) -> None:
        owed = Owed(
            sequence=transaction.sequence,
            member=transaction.member,
            programme=transaction.programme,
            lot=posting.lot or 0,
            funding=posting.credit_owner if lot is None else lot.opening.funding,
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
        """Forget lots spent whole and holds ended whose rows agree; the others are compared at the end."""
        for number in self._closed:
            lot = self.lots.get(number)
            if lot is None or lot.remaining or lot.held or lot.expired or lot.row != lot.rest:
                continue
            del self.lots[number]
            if lot.opening.restored_from is not None:
                self.children[lot.opening.restored_from].discard(number)
        self._closed.clear()
        for number in self._ended:
            hold = self.holds.get(number)
            if hold is not None and hold.row == hold.rest:
                del self.holds[number]
        self._ended.clear()


def particulars_of(transaction: Transaction) -> Particulars:
    """The particulars of a transaction; of a kind that has none, empty ones."""
    return transaction.particulars if isinstance(transaction, ParticularTransaction) else _NONE


def lapse_of(expires_on: date | None, zone: str) -> int:
    """The first instant at which a lot cannot be used any more."""
    return NEVER if expires_on is None else end_of_day(expires_on, zone)
