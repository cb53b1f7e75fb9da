"""Ways to break what comes between earning and use: holds, gifts, caps, merges and atomic bulks."""

import asyncio
from collections.abc import Iterable
from datetime import date
from typing import Any

import msgspec

from ledger.posting import batch_poster
from ledger.rules import caps, decide, recording
from ledger.rules.accounts import AccountKind
from ledger.rules.caps import CapDraw
from ledger.rules.decisions import exchanges, gifts, holds, moves
from ledger.rules.journal import Posting
from ledger.rules.legs import Received, received
from ledger.rules.outcomes import Refused
from ledger.rules.recording import record_refusal
from ledger.rules.state import GiftMonth, HoldState, LedgerState, PointsState
from ledger.store import lane_state, rarer_queries, webhook_queue
from ledger.store.arrays import Smallints
from tests.stateful.breaking import WINDOW_SECONDS, put


def hold_not_counted() -> None:
    """A hold notes what it holds and leaves it available: the same points can be spent as well."""
    move = recording._move_available

    def move_all_but_holds(state: LedgerState, points: PointsState, posting: Posting, credit: int, now: int) -> None:
        if posting.credit_kind != AccountKind.HELD:
            move(state, points, posting, credit, now)

    put(recording, "_move_available", move_all_but_holds)


def capture_above_the_hold() -> None:
    """Each capture is compared with what was held at first, not with what is left of it."""
    find = holds._open_hold

    def find_as_it_was_placed(*arguments: Any) -> Any:
        hold = find(*arguments)
        return msgspec.structs.replace(hold, remaining=hold.points) if isinstance(hold, HoldState) else hold

    put(holds, "_open_hold", find_as_it_was_placed)


def void_that_releases_twice() -> None:
    """A void gives the points back, and the hold is as open as before."""
    move = recording._move_held

    def move_and_leave_open(
        state: LedgerState, points: PointsState, posting: Posting, credit: int, hold: HoldState | None
    ) -> None:
        move(state, points, posting, credit, hold)
        if hold is not None and posting.credit_kind == AccountKind.AVAILABLE:
            hold.remaining += posting.amount

    put(recording, "_move_held", move_and_leave_open)


def hold_that_never_expires() -> None:
    """Readers count a hold past its time as released; decisions do not."""
    put(decide, "release_due_holds", lambda _, state: (state, []))


def gift_that_loses_its_expiry() -> None:
    """Points that were given are the receiver's for ever."""

    def receive_for_ever(*arguments: Any) -> Received:
        arriving = received(*arguments)
        lots = tuple(msgspec.structs.replace(lot, expires_on=None) for lot in arriving.lots)
        return msgspec.structs.replace(arriving, lots=lots)

    put(gifts, "received", receive_for_ever)


def exchange_one_for_one() -> None:
    """The rate is forgotten: as many points are issued as were given."""
    put(exchanges, "earned_at_rate", lambda _rate, points: points)


def exchange_past_the_caps() -> None:
    """What an exchange issues draws from no cap."""
    put(exchanges, "draw_caps", lambda *_: CapDraw())


def gifts_without_a_limit() -> None:
    """What was given and received this month is not looked at."""

    def month_without_gifts(_state: LedgerState, _programme: Any, points: PointsState) -> GiftMonth:
        return GiftMonth(points.lane, points.member, points.programme, date(1970, 1, 1))

    put(gifts, "month_of", month_without_gifts)


def cap_read_without_its_lock() -> None:
    """What a cap has left is read before its lanes are locked; a pause widens the window in which that matters."""
    read = lane_state.read_state

    async def read_caps_first(connection: Any, lanes: Iterable[int], *arguments: Any, **options: Any) -> LedgerState:
        wanted = sorted(lanes)
        found = await connection.execute(rarer_queries.READ_CAP_BALANCES, [Smallints.of(wanted)])
        balances = {(lane, kind, cap): balance for lane, kind, cap, balance in await found.fetchall()}
        await asyncio.sleep(WINDOW_SECONDS)
        state = await read(connection, wanted, *arguments, **options)
        state.cap_balances.update(balances)
        return state

    put(batch_poster, "read_state", read_caps_first)


def allotment_given_twice() -> None:
    """What leaves a cap's pool for a lane arrives there twice."""
    draw: Any = caps._draw

    def draw_twice(*arguments: Any) -> Any:
        drawn = draw(*arguments)
        arrivals = drawn.drafts[1:] if isinstance(drawn, CapDraw) else []
        return CapDraw([*drawn.drafts, *arrivals], drawn.postings) if arrivals else drawn

    put(caps, "_draw", draw_twice)


def merge_that_leaves_holds_behind() -> None:
    """A merge takes lots and debts; what is held stays with a member that is no more."""

    def leave(_legs: Any, _hold: HoldState) -> None:
        pass

    put(moves._Legs, "hold", leave)


def bulk_that_posts_its_half() -> None:
    """What an atomic bulk has decided before the item that is refused is kept."""

    def keep_what_there_is(submission: Any, state: LedgerState, outcome: object) -> LedgerState:
        if isinstance(outcome, Refused):
            record_refusal(state, submission, batch_poster._encode(outcome))
        return state

    put(batch_poster.BatchPoster, "_only_refusal", staticmethod(keep_what_there_is))


def delivery_lost_at_restart() -> None:
    """A delivery counts as done once a worker has taken it: a worker that is killed then takes it along."""
    marked = "set state = 'delivered', ended_at = now(), claimed_until ="
    put(webhook_queue, "_CLAIM", webhook_queue._CLAIM.replace("set claimed_until =", marked))


LIFE_FAULTS = (
    hold_not_counted,
    capture_above_the_hold,
    void_that_releases_twice,
    hold_that_never_expires,
    gift_that_loses_its_expiry,
    gifts_without_a_limit,
    exchange_one_for_one,
    exchange_past_the_caps,
    cap_read_without_its_lock,
    allotment_given_twice,
    merge_that_leaves_holds_behind,
    bulk_that_posts_its_half,
    delivery_lost_at_restart,
)
