"""Legs: what goes from one member to another is two transactions, each in its member's lane.

Each names the other as its counter, under one idempotency key; what is in transit sums to zero over both.
One transaction so has one member, also within a lane.
"""

from collections.abc import Iterable

import msgspec

from ledger.ids import Place
from ledger.rules.accounts import AccountKind
from ledger.rules.journal import LotOpening, LotOrigin, Posting
from ledger.rules.outcomes import Draft
from ledger.rules.reversals import lot_taken_over
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, LotState, PointsState


class Numbering:
    """Which sequence and lot numbers the next drafts of a decision will get, lane by lane."""

    def __init__(self, state: LedgerState) -> None:
        self._sequences = {number: lane.next_sequence for number, lane in state.lanes.items()}
        self._lots = {number: lane.next_lot for number, lane in state.lanes.items()}

    def count(self, drafts: Iterable[Draft]) -> None:
        """Count drafts that come first."""
        for draft in drafts:
            self._sequences[draft.lane] += 1
            self._lots[draft.lane] += len(draft.lots)

    def pair(self, out_lane: int, in_lane: int) -> tuple[Place, Place]:
        """The places of the next two legs, the one in ``in_lane`` after the other."""
        after = 1 if in_lane == out_lane else 0
        return Place(out_lane, self._sequences[out_lane]), Place(in_lane, self._sequences[in_lane] + after)

    def next_lot(self, lane: int) -> int:
        """The number of the next lot of a lane."""
        return self._lots[lane]


class Received(msgspec.Struct, frozen=True):
    """What arrives with a receiver: new lots, their postings, and where they come from."""

    postings: list[Posting]
    lots: tuple[LotOpening, ...]
    origins: tuple[LotOrigin, ...]


def sent_postings(kind: AccountKind, programme: int, parts: Iterable[tuple[LotState, int]]) -> list[Posting]:
    """Points leave lots of a member's account for the transit."""
    return [Posting(kind, lot.member, AccountKind.IN_TRANSIT, programme, amount, lot.lot) for lot, amount in parts]


def received(kind: AccountKind, points: PointsState, parts: Iterable[tuple[LotState, int]], first_lot: int) -> Received:
    """Points arrive in new lots with the funding, terms and expiry of the old; what is owed is repaid at once."""
    repayment = Repayment(points)
    postings: list[Posting] = []
    lots: list[LotOpening] = []
    origins: list[LotOrigin] = []
    for lot, amount in parts:
        opening = lot_taken_over(lot, first_lot + len(lots), amount)
        lots.append(opening)
        origins.append(LotOrigin(opening.lot, lot.lane, lot.lot))
        postings.append(Posting(AccountKind.IN_TRANSIT, points.programme, kind, points.member, amount, opening.lot))
        if kind == AccountKind.AVAILABLE:
            postings += repayment.from_credit(opening.lot, opening.funding, amount)[0]
    return Received(postings, tuple(lots), tuple(origins))
