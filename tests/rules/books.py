"""Books kept from the journal alone, in the plainest way: what every other figure must agree with."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.journal import CHAIN_START, JournalEntry, LotOpening, Transaction, TransactionKind, chain_hash
from ledger.rules.programmes import Programme
from ledger.rules.state import NEVER

MEMBERS_OWN = (AccountKind.AVAILABLE, AccountKind.HELD, AccountKind.SHORTFALL)

Account = tuple[int, int, int]
"""Kind, owner, programme."""
LotPlace = tuple[int, int]


class LotBook(msgspec.Struct):
    """A lot as it was opened, with what the postings since have left in it."""

    opening: LotOpening
    member: int
    programme: int
    lapses_at: int
    remaining: int = 0
    redeemed: int = 0
    expired: int = 0


class Books(msgspec.Struct):
    """Credits less debits of every account, the lots, and what was taken back of each transaction."""

    programmes: dict[int, Programme]
    balances: Counter[Account] = msgspec.field(default_factory=Counter)
    lots: dict[LotPlace, LotBook] = msgspec.field(default_factory=dict)
    transactions: dict[tuple[int, int], Transaction] = msgspec.field(default_factory=dict)
    reversed_points: Counter[tuple[int, int]] = msgspec.field(default_factory=Counter)
    reversed_spend: Counter[tuple[int, int]] = msgspec.field(default_factory=Counter)
    owed_to: Counter[tuple[int, int]] = msgspec.field(default_factory=Counter)
    """Open shortfalls by (funding, programme)."""
    heads: dict[int, bytes] = msgspec.field(default_factory=dict)
    times: Counter[int] = msgspec.field(default_factory=Counter)
    entries_read: int = 0

    def read(self, entries: Sequence[JournalEntry]) -> None:
        """Read on in a journal: chained, without gaps, each transaction fit to follow the ones before."""
        for entry in entries[self.entries_read :]:
            transaction = entry.transaction
            lane = transaction.lane
            assert transaction.sequence == 1 + sum(1 for read_lane, _ in self.transactions if read_lane == lane)
            assert transaction.recorded_at >= self.times[lane]
            self.times[lane] = transaction.recorded_at
            self.heads[lane] = chain_hash(self.heads.get(lane, CHAIN_START), transaction)
            assert entry.hash == self.heads[lane]
            if transaction.kind == TransactionKind.REDEEM:
                _check_spend_order(self, transaction)
            self.enter(transaction)
            _check_after(self, transaction)
        self.entries_read = len(entries)

    def enter(self, transaction: Transaction) -> None:
        """Enter one transaction, refusing what no journal may hold."""
        self.transactions[transaction.lane, transaction.sequence] = transaction
        for opening in transaction.lots:
            lapses_at = NEVER
            if opening.expires_on is not None:
                lapses_at = end_of_day(opening.expires_on, self.programmes[transaction.programme].zone)
            place = (transaction.lane, opening.lot)
            assert place not in self.lots, "a lot is opened once"
            self.lots[place] = LotBook(opening, transaction.member, transaction.programme, lapses_at)
            if opening.restored_from is not None:
                self._check_child(transaction, opening)
        for posting in transaction.postings:
            assert posting.amount > 0
            self.balances[posting.debit_kind, posting.debit_owner, transaction.programme] -= posting.amount
            self.balances[posting.credit_kind, posting.credit_owner, transaction.programme] += posting.amount
        self._enter_lots(transaction)
        self._enter_debts(transaction)
        if transaction.reverses_lane is not None and transaction.reverses_sequence is not None:
            original = (transaction.reverses_lane, transaction.reverses_sequence)
            self.reversed_points[original] += transaction.points
            self.reversed_spend[original] += transaction.spend_minor or 0

    def _check_child(self, transaction: Transaction, child: LotOpening) -> None:
        """A child keeps all of its first lot but the expiry, which is the programme's grace from today."""
        root = self.lots[transaction.lane, child.restored_from or 0]
        assert root.opening.restored_from is None
        assert root.lapses_at <= transaction.recorded_at
        for name in ("funding", "terms_version", "earned_at", "available_from"):
            assert getattr(child, name) == getattr(root.opening, name)
        programme = self.programmes[transaction.programme]
        grace = timedelta(days=programme.restore_grace_days)
        assert child.expires_on == programme.business_day(transaction.recorded_at) + grace

    def _enter_lots(self, transaction: Transaction) -> None:
        for posting in transaction.postings:
            if posting.lot is None:
                continue
            lot = self.lots[transaction.lane, posting.lot]
            if posting.debit_kind == AccountKind.AVAILABLE:
                lot.remaining -= posting.amount
            if posting.credit_kind == AccountKind.AVAILABLE:
                lot.remaining += posting.amount
            if posting.credit_kind == AccountKind.REDEEMED:
                lot.redeemed += posting.amount
            if posting.debit_kind == AccountKind.REDEEMED:
                assert lot.lapses_at > transaction.recorded_at, "nothing is given back into a lapsed lot"
                lot.redeemed -= posting.amount
            if posting.credit_kind == AccountKind.EXPIRED:
                lot.expired += posting.amount
            assert 0 <= lot.remaining <= lot.opening.original

    def _enter_debts(self, transaction: Transaction) -> None:
        for posting in transaction.postings:
            if posting.debit_kind == AccountKind.SHORTFALL and posting.lot is not None:
                funding = self.lots[transaction.lane, posting.lot].opening.funding
                self.owed_to[funding, transaction.programme] += posting.amount
            if posting.credit_kind == AccountKind.SHORTFALL and posting.counter_lot is not None:
                funding = self.lots[transaction.lane, posting.counter_lot].opening.funding
                self.owed_to[funding, transaction.programme] -= posting.amount

    def usable(self, member: int, programme: int, now: int) -> int:
        """What the lots say a member can spend."""
        return sum(
            lot.remaining
            for lot in self.lots_of(member, programme)
            if lot.opening.available_from <= now < lot.lapses_at
        )

    def pending(self, member: int, programme: int, now: int) -> int:
        """What the lots say cannot be spent yet."""
        return sum(
            lot.remaining
            for lot in self.lots_of(member, programme)
            if now < min(lot.opening.available_from, lot.lapses_at)
        )

    def family(self, lane: int, root: int) -> list[LotBook]:
        """A lot and the lots restored from it."""
        return [
            lot
            for (lot_lane, number), lot in self.lots.items()
            if lot_lane == lane and root in (number, lot.opening.restored_from)
        ]

    def lots_of(self, member: int, programme: int) -> list[LotBook]:
        """A member's lots in a programme."""
        return [lot for lot in self.lots.values() if (lot.member, lot.programme) == (member, programme)]


def _check_spend_order(books: Books, transaction: Transaction) -> None:
    now = transaction.recorded_at
    usable = [
        lot
        for lot in books.lots_of(transaction.member, transaction.programme)
        if lot.remaining and lot.opening.available_from <= now < lot.lapses_at
    ]
    usable.sort(key=lambda lot: (lot.lapses_at, lot.opening.earned_at, lot.opening.lot))
    rest = transaction.points
    wanted = []
    for lot in usable:
        taken = min(rest, lot.remaining)
        if taken:
            wanted.append((lot.opening.lot, taken))
            rest -= taken
    assert rest == 0
    assert [(posting.lot, posting.amount) for posting in transaction.postings] == wanted


def _check_after(books: Books, transaction: Transaction) -> None:
    member, programme, now = transaction.member, transaction.programme, transaction.recorded_at
    assert transaction.available_after == books.usable(member, programme, now)
    assert transaction.pending_after == books.pending(member, programme, now)
    assert transaction.held_after == 0


def check_books(books: Books) -> None:
    """What must hold of any ledger's books at any time."""
    _check_balances(books)
    for place, points in books.reversed_points.items():
        original = books.transactions[place]
        assert original.kind in (TransactionKind.EARN, TransactionKind.REDEEM)
        assert points <= original.points
        assert books.reversed_spend[place] <= (original.spend_minor or 0)
    still_out: Counter[LotPlace] = Counter()
    for (lane, number), lot in books.lots.items():
        still_out[lane, lot.opening.restored_from or number] += lot.redeemed
    assert all(points >= 0 for points in still_out.values()), "a lot and its children get back what they gave"


def _check_balances(books: Books) -> None:
    by_programme: Counter[int] = Counter()
    for (_, _, programme), balance in books.balances.items():
        by_programme[programme] += balance
    assert not any(by_programme.values()), "units are never created"
    for (kind, owner, programme), balance in books.balances.items():
        if kind == AccountKind.AVAILABLE:
            assert balance == sum(lot.remaining for lot in books.lots_of(owner, programme)) >= 0
        if kind == AccountKind.SHORTFALL:
            assert -balance >= 0
        if kind == AccountKind.REDEEMED:
            assert balance >= 0
        if kind == AccountKind.EXPIRED:
            assert balance == 0
        if kind == AccountKind.ISSUANCE:
            lots = [lot for lot in books.lots.values() if (lot.opening.funding, lot.programme) == (owner, programme)]
            carried = sum(lot.remaining + lot.redeemed for lot in lots)
            assert -balance == carried - books.owed_to[owner, programme]
