"""Ways to break the ledger, each as a mistake that someone might really make; for the tests of the tests alone."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import msgspec

from ledger.posting import batch_poster
from ledger.rules import admission, reversals, state
from ledger.rules.accounts import AccountKind
from ledger.rules.commands import Reverse, Submission
from ledger.rules.decisions import points as points_decisions
from ledger.rules.decisions import returns
from ledger.rules.journal import Posting, Transaction
from ledger.rules.lots import spend_order
from ledger.rules.outcomes import Decided, Draft
from ledger.rules.programmes import Programme
from ledger.rules.shortfalls import Repayment
from ledger.rules.state import LedgerState, LotState, OriginalState, PointsState
from ledger.store import lane_queries, lane_state, lane_writes
from tests.stateful.breaking import WINDOW_SECONDS, put
from tests.stateful.life_faults import LIFE_FAULTS

LONGER_DAYS = 30


class NoRepayment(Repayment):
    """A credit that leaves the member's debts as they are."""

    def from_credit(self, lot: int, funding: int, amount_points: int) -> tuple[list[Posting], int]:  # noqa: ARG002
        """Keep all of the credit."""
        return [], amount_points


def drop_a_posting() -> None:
    """Of a transaction with several postings the last is not written; the balances are as if it were."""
    write = lane_writes._insert_postings

    async def write_all_but_one(connection: Any, transactions: list[Transaction]) -> None:
        await write(connection, [msgspec.structs.replace(t, postings=t.postings[:1]) for t in transactions])

    put(lane_writes, "_insert_postings", write_all_but_one)


def skip_the_lane_lock() -> None:
    """Lanes are read without a lock; a pause before the decision widens the window in which that matters."""
    put(lane_queries, "LOCK_LANES", lane_queries.LOCK_LANES.replace("for update", ""))
    read = lane_state.read_state

    async def read_and_pause(*arguments: Any, **options: Any) -> LedgerState:
        state = await read(*arguments, **options)
        await asyncio.sleep(WINDOW_SECONDS)
        return state

    put(batch_poster, "read_state", read_and_pause)


def apply_retries_twice() -> None:
    """No key is ever known, and one that is there already is no reason to stop."""
    put(lane_queries, "READ_KEYS", lane_queries.READ_KEYS + " and false")
    put(lane_queries, "INSERT_KEYS", lane_queries.INSERT_KEYS + " on conflict do nothing")


def apply_reversals_twice() -> None:
    """The same, of derived operations alone: earnings and redemptions know their keys."""
    put(lane_queries, "INSERT_KEYS", lane_queries.INSERT_KEYS + " on conflict do nothing")
    read = lane_state.read_state

    async def read_and_forget(
        connection: Any, lanes: Iterable[int], submissions: Sequence[Submission], registry: Any, **options: Any
    ) -> LedgerState:
        state = await read(connection, lanes, submissions, registry, **options)
        for submission in submissions:
            if isinstance(submission.command, Reverse):
                state.keys.pop(submission.key_digest, None)
        return state

    put(batch_poster, "read_state", read_and_forget)


def refund_claw_backs() -> None:
    """Points that were spent and clawed back become the member's again when the spending is given back."""
    put(reversals, "Repayment", NoRepayment)


def restore_with_new_expiry() -> None:
    """A redemption's points come back in new lots that count their days anew."""

    def give_back(self: Any, lot: LotState, amount_points: int) -> None:
        number = self._open(lot, amount_points, lapsed=True)
        expires_on = self.openings[-1].expires_on + timedelta(days=LONGER_DAYS)
        self.openings[-1] = msgspec.structs.replace(self.openings[-1], expires_on=expires_on)
        partner = self._original.partner
        posting = Posting(
            AccountKind.REDEEMED,
            partner,
            AccountKind.AVAILABLE,
            lot.member,
            amount_points,
            number,
        )
        self.postings += [posting, *self._repayment.from_credit(number, lot.funding, amount_points)[0]]

    put(reversals._Restore, "give_back", give_back)


def lengthen_the_grace() -> None:
    """What comes back into a lapsed lot can be used for longer than the programme's grace."""
    open_lot: Any = reversals._Restore._open

    def open_for_longer(self: Any, lot: LotState, amount_points: int, *, lapsed: bool) -> int:
        number: int = open_lot(self, lot, amount_points, lapsed=lapsed)
        expires_on = self.openings[-1].expires_on + timedelta(days=1)
        self.openings[-1] = msgspec.structs.replace(self.openings[-1], expires_on=expires_on)
        return number

    put(reversals._Restore, "_open", open_for_longer)


def spend_lapsed_lots() -> None:
    """Decisions look at what is left of a lot and not at its last day; readers and the expiry job do."""

    def all_but_pending(points: PointsState, now: int) -> list[LotState]:
        return sorted((lot for lot in points.lots if lot.remaining and lot.available_from <= now), key=spend_order)

    def post_no_lapse(
        _points: PointsState, _now: int, drafts: list[Draft], *, before: Sequence[Draft] = (), unmatched_minor: int = 0
    ) -> Decided:
        return Decided([*before, *drafts], len(drafts), unmatched_minor)

    put(state.PointsState, "available", property(lambda points: points.posted - points.pending))
    put(admission, "usable_lots", all_but_pending)
    put(points_decisions, "after_lapses", post_no_lapse)
    put(returns, "after_lapses", post_no_lapse)


def forget_shortfalls() -> None:
    """What was spent of a reversed earning is owed by nobody."""
    reverse_earn = reversals.reverse_earn

    def reverse(
        state: LedgerState, original: OriginalState, programme: Programme, points: PointsState, amount_points: int
    ) -> reversals.Effect:
        lenient = msgspec.structs.replace(programme, shortfall_policy="issuer")
        return reverse_earn(state, original, lenient, points, amount_points)

    put(returns, "reverse_earn", reverse)


def never_repay_shortfalls() -> None:
    """Later earnings leave the shortfall as it is."""
    put(points_decisions, "Repayment", NoRepayment)


def forget_refusals() -> None:
    """A refusal is answered and not kept under its key."""

    def keep_nothing(state: LedgerState, submission: Submission, answer: bytes) -> None:
        pass

    put(batch_poster, "record_refusal", keep_nothing)


def break_nothing() -> None:
    """The control: the ledger as it is, started in the same way."""


FAULTS: dict[str, Callable[[], None]] = {
    fault.__name__: fault
    for fault in (
        break_nothing,
        drop_a_posting,
        skip_the_lane_lock,
        apply_retries_twice,
        apply_reversals_twice,
        refund_claw_backs,
        restore_with_new_expiry,
        lengthen_the_grace,
        spend_lapsed_lots,
        forget_shortfalls,
        never_repay_shortfalls,
        forget_refusals,
        *LIFE_FAULTS,
    )
}
