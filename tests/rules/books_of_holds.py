"""The part of the books that knows holds: what each holds of which lot, and that it ends once."""

from collections import Counter

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import ParticularTransaction, Transaction, TransactionKind

HoldPlace = tuple[int, int]

_ENDS = (TransactionKind.VOID, TransactionKind.HOLD_EXPIRE, TransactionKind.MERGE, TransactionKind.MOVE)


class HoldBook(msgspec.Struct):
    """A hold as it was opened, with what is still held of each lot."""

    member: int
    programme: int
    partner: int
    points: int
    expires_at: int
    lots: Counter[int]

    @property
    def remaining(self) -> int:
        """What is still held."""
        return self.lots.total()


class HoldBooks(msgspec.Struct):
    """All holds by the place of the transaction that opened them."""

    holds: dict[HoldPlace, HoldBook] = msgspec.field(default_factory=dict)

    def enter(self, transaction: Transaction) -> None:
        """Enter what a transaction does to a hold, refusing what no journal may hold."""
        held_in = Counter[int]()
        held_out = Counter[int]()
        for posting in transaction.postings:
            if posting.lot is not None and posting.credit_kind == AccountKind.HELD:
                held_in[posting.lot] += posting.amount
            if posting.lot is not None and posting.debit_kind == AccountKind.HELD:
                held_out[posting.lot] += posting.amount
        if not isinstance(transaction, ParticularTransaction):
            assert not held_in
            assert not held_out
            return
        particulars = transaction.particulars
        if particulars.expires_at is not None:
            assert held_in.total() == transaction.points > 0
            assert not held_out
            self.holds[transaction.lane, transaction.sequence] = HoldBook(
                transaction.member,
                transaction.programme,
                transaction.partner,
                transaction.points,
                particulars.expires_at,
                held_in,
            )
        elif particulars.hold is not None:
            assert not held_in
            self._end(transaction, self.holds[transaction.lane, particulars.hold], held_out)
        else:
            assert not held_in
            assert not held_out

    def _end(self, transaction: Transaction, hold: HoldBook, held_out: Counter[int]) -> None:
        before = hold.remaining
        assert held_out.total() > 0
        hold.lots.subtract(held_out)
        assert min(hold.lots.values()) >= 0, "a hold gives no more than it holds"
        whose = (transaction.member, transaction.programme, transaction.partner)
        assert whose == (hold.member, hold.programme, hold.partner)
        if transaction.kind in _ENDS:
            assert transaction.points == before
            assert hold.remaining == 0
        if transaction.kind == TransactionKind.CAPTURE:
            taken = [p.amount for p in transaction.postings if p.credit_kind == AccountKind.REDEEMED]
            assert sum(taken) == transaction.points <= before
            assert hold.remaining in (0, before - transaction.points)
        if transaction.kind == TransactionKind.HOLD_EXPIRE:
            assert transaction.recorded_at >= hold.expires_at == transaction.occurred_at
        else:
            assert transaction.recorded_at < hold.expires_at, "time ends a hold before anybody else does"

    def open_points(self, member: int, programme: int) -> int:
        """What the open holds of a member say is held."""
        return sum(
            hold.remaining for hold in self.holds.values() if (hold.member, hold.programme) == (member, programme)
        )
