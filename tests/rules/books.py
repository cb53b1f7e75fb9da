"""Books kept from the journal alone, in the plainest way: what every other figure must agree with."""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.journal import (
    CHAIN_START,
    JournalEntry,
    LotOpening,
    ParticularTransaction,
    Transaction,
    TransactionKind,
    chain_hash,
)
from ledger.rules.programmes import Programme
from ledger.rules.state import NEVER
from tests.rules.books_of_holds import HoldBooks

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
    held: int = 0
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
    holds: HoldBooks = msgspec.field(default_factory=HoldBooks)
    origins: dict[LotPlace, LotPlace] = msgspec.field(default_factory=dict)
    """Lots that came with a merge, a move or a late return, to the lots they came from."""
    in_transit: Counter[tuple[bytes, int, int]] = msgspec.field(default_factory=Counter)
    """By (key, kind, owner): what is under way between members, or of a cap between lanes."""
    by_lane: Counter[tuple[int, int, int]] = msgspec.field(default_factory=Counter)
    """Pools and allotments of caps, by (lane, kind, cap)."""
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
            if transaction.kind in (TransactionKind.REDEEM, TransactionKind.HOLD) or _is_given_up(transaction):
                _check_spend_order(self, transaction)
            self.enter(transaction)
            self.holds.enter(transaction)
            _check_after(self, transaction)
        self.entries_read = len(entries)
        assert not any(self.in_transit.values()), "what leaves with a command arrives with it"

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
            for kind, owner, credit in (
                (posting.debit_kind, posting.debit_owner, -posting.amount),
                (posting.credit_kind, posting.credit_owner, posting.amount),
            ):
                if kind in (AccountKind.IN_TRANSIT, AccountKind.CAP_TRANSIT):
                    self.in_transit[transaction.key_digest, kind, owner] += credit
                if kind in (AccountKind.POOL, AccountKind.ALLOTMENT):
                    self.by_lane[transaction.lane, kind, owner] += credit
        self._enter_origins(transaction)
        self._enter_lots(transaction)
        self._enter_debts(transaction)
        if transaction.reverses_lane is not None and transaction.reverses_sequence is not None:
            original = (transaction.reverses_lane, transaction.reverses_sequence)
            self.reversed_points[original] += transaction.points
            self.reversed_spend[original] += transaction.spend_minor or 0

    def _enter_origins(self, transaction: Transaction) -> None:
        """A lot that comes from another keeps all of it, but a late return from a lapsed one has a new expiry."""
        if not isinstance(transaction, ParticularTransaction):
            return
        opened = {opening.lot: opening for opening in transaction.lots}
        for origin in transaction.particulars.origins:
            place = (origin.origin_lane, origin.origin_lot)
            self.origins[transaction.lane, origin.lot] = place
            new, old = opened[origin.lot], self.lots[place]
            for name in ("funding", "terms_version", "earned_at", "available_from"):
                assert getattr(new, name) == getattr(old.opening, name)
            programme = self.programmes[transaction.programme]
            returned = [p for p in transaction.postings if p.lot == new.lot and p.debit_kind == AccountKind.REDEEMED]
            if returned and old.lapses_at <= transaction.recorded_at:
                grace = timedelta(days=programme.restore_grace_days)
                assert new.expires_on == programme.business_day(transaction.recorded_at) + grace
            else:
                assert new.expires_on == old.opening.expires_on

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
            if posting.debit_kind == AccountKind.HELD:
                lot.held -= posting.amount
            if posting.credit_kind == AccountKind.HELD:
                lot.held += posting.amount
            if posting.credit_kind == AccountKind.REDEEMED:
                lot.redeemed += posting.amount
            if posting.debit_kind == AccountKind.REDEEMED:
                assert lot.lapses_at > transaction.recorded_at, "nothing is given back into a lapsed lot"
                lot.redeemed -= posting.amount
            if posting.credit_kind == AccountKind.EXPIRED:
                lot.expired += posting.amount
            assert min(lot.remaining, lot.held) >= 0
            assert lot.remaining + lot.held <= lot.opening.original

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

    def held(self, member: int, programme: int) -> int:
        """What the lots say is held."""
        return sum(lot.held for lot in self.lots_of(member, programme))

    def root(self, place: LotPlace) -> LotPlace:
        """The first lot that a lot comes from."""
        while True:
            restored_from = self.lots[place].opening.restored_from
            before = self.origins.get(place) if restored_from is None else (place[0], restored_from)
            if before is None:
                return place
            place = before

    def family(self, lane: int, lot: int) -> list[LotBook]:
        """A lot and all that come from it."""
        return [book for place, book in self.lots.items() if self._comes_from(place, (lane, lot))]

    def _comes_from(self, place: LotPlace, ancestor: LotPlace) -> bool:
        while place != ancestor:
            restored_from = self.lots[place].opening.restored_from
            before = self.origins.get(place) if restored_from is None else (place[0], restored_from)
            if before is None:
                return False
            place = before
        return True

    def lots_of(self, member: int, programme: int) -> list[LotBook]:
        """A member's lots in a programme."""
        return [lot for lot in self.lots.values() if (lot.member, lot.programme) == (member, programme)]


def _is_given_up(transaction: Transaction) -> bool:
    """Whether a transaction is the giver's leg of a gift, or the first of an exchange."""
    return transaction.kind in (TransactionKind.GIFT, TransactionKind.EXCHANGE) and not transaction.lots


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
    of_lots = [(p.lot, p.amount) for p in transaction.postings if p.debit_kind == AccountKind.AVAILABLE]
    assert of_lots == wanted


def _check_after(books: Books, transaction: Transaction) -> None:
    member, programme, now = transaction.member, transaction.programme, transaction.recorded_at
    if 0 in (member, programme):
        assert transaction.available_after == transaction.pending_after == transaction.held_after == 0
        return
    assert transaction.available_after == books.usable(member, programme, now)
    assert transaction.pending_after == books.pending(member, programme, now)
    assert transaction.held_after == books.held(member, programme)


def check_books(books: Books) -> None:
    """What must hold of any ledger's books at any time."""
    _check_balances(books)
    _check_caps(books)
    for place, points in books.reversed_points.items():
        original = books.transactions[place]
        assert original.kind in (TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE)
        assert points <= original.points
        assert books.reversed_spend[place] <= (original.spend_minor or 0)
    still_out: Counter[LotPlace] = Counter()
    for place, lot in books.lots.items():
        still_out[books.root(place)] += lot.redeemed
    assert all(points >= 0 for points in still_out.values()), "a lot and its children get back what they gave"


def _check_balances(books: Books) -> None:
    by_programme: Counter[int] = Counter()
    for (_, _, programme), balance in books.balances.items():
        by_programme[programme] += balance
    assert not any(by_programme.values()), "units are never created"
    for (kind, owner, programme), balance in books.balances.items():
        if kind == AccountKind.AVAILABLE:
            assert balance == sum(lot.remaining for lot in books.lots_of(owner, programme)) >= 0
        if kind == AccountKind.HELD:
            assert balance == sum(lot.held for lot in books.lots_of(owner, programme)) >= 0
        if kind == AccountKind.SHORTFALL:
            assert -balance >= 0
        if kind == AccountKind.REDEEMED:
            assert balance >= 0
        if kind in (AccountKind.EXPIRED, AccountKind.EXCHANGE, AccountKind.IN_TRANSIT, AccountKind.CAP_TRANSIT):
            assert balance == 0
        if kind == AccountKind.ISSUANCE:
            lots = [lot for lot in books.lots.values() if (lot.opening.funding, lot.programme) == (owner, programme)]
            carried = sum(lot.remaining + lot.held + lot.redeemed for lot in lots)
            assert -balance == carried - books.owed_to[owner, programme]


def _check_caps(books: Books) -> None:
    """What a cap was granted is in its pool, in allotments, or used; none of them is overdrawn."""
    assert all(balance >= 0 for balance in books.by_lane.values())
    for (kind, cap, programme), balance in books.balances.items():
        if kind == AccountKind.AUTHORISED:
            parts = [
                books.balances[part, cap, programme]
                for part in (AccountKind.POOL, AccountKind.ALLOTMENT, AccountKind.USED)
            ]
            assert sum(parts) == -balance
            assert min(parts) >= 0
