"""The order in which lots are used."""

from typing import Any

import pytest

from ledger.rules.decide import decide
from ledger.rules.lots import consume_lots, spend_order, usable_lots
from ledger.rules.outcomes import Decided, NeedsLots
from ledger.rules.state import NEVER, LotState, PointsState
from tests.builders import DAY, NOON, earn, redeem
from tests.rules.ledger_in_memory import LedgerInMemory


def lot(number: int, **changes: int) -> LotState:
    """A usable lot of 10 points."""
    fields: dict[str, Any] = {
        "earned_at": NOON - DAY,
        "available_from": NOON - DAY,
        "lapses_at": NOON + DAY,
        "remaining": 10,
    }
    fields |= changes
    return LotState(
        lane=1,
        lot=number,
        sequence=number,
        member=1,
        programme=1,
        funding=101,
        terms_version=None,
        expires_on=None,
        original=10,
        restored_from=None,
        **fields,
    )


def points_of(*lots: LotState, **changes: Any) -> PointsState:
    """A member's points that lie in these lots."""
    return PointsState(lane=1, member=1, programme=1, lots=list(lots), **changes)


def test_soonest_expiry_comes_first_then_earliest_earned_then_lot_number() -> None:
    never = lot(1, lapses_at=NEVER, earned_at=NOON - 9 * DAY)
    late = lot(2, lapses_at=NOON + 2 * DAY, earned_at=NOON - 8 * DAY)
    second = lot(4)
    first = lot(3)
    older = lot(5, earned_at=NOON - 2 * DAY)
    assert usable_lots(points_of(never, late, second, first, older), NOON) == [older, first, second, late, never]


@pytest.mark.parametrize(
    ("changes", "usable"),
    [
        ({}, True),
        ({"available_from": NOON}, True),
        ({"available_from": NOON + 1}, False),
        ({"lapses_at": NOON + 1}, True),
        ({"lapses_at": NOON}, False),
        ({"remaining": 0}, False),
        ({"remaining": 1}, True),
    ],
)
def test_pending_lapsed_and_empty_lots_are_never_used(changes: dict[str, int], usable: bool) -> None:
    assert bool(usable_lots(points_of(lot(1, **changes)), NOON)) is usable


@pytest.mark.parametrize(
    ("amount", "uses"),
    [(1, [(1, 1)]), (10, [(1, 10)]), (11, [(1, 10), (2, 1)]), (30, [(1, 10), (2, 10), (3, 10)])],
)
def test_whole_lots_are_used_before_the_next_one_is_begun(amount: int, uses: list[tuple[int, int]]) -> None:
    lots = [lot(1), lot(2), lot(3)]
    assert [(used.lot, taken) for used, taken in consume_lots(lots, amount)] == uses
    assert [one.remaining for one in lots] == [10, 10, 10]


def test_lots_below_their_balance_are_a_broken_invariant_and_no_refusal() -> None:
    with pytest.raises(ValueError, match="hold 10 points, the balance promised 11"):
        consume_lots([lot(1)], 11)


def test_of_lots_read_in_part_none_after_the_first_unread_one_is_used() -> None:
    read = lot(1)
    new_and_sooner = lot(3, lapses_at=NOON + 1)
    new_and_later = lot(4, lapses_at=NOON + 2 * DAY)
    points = points_of(new_and_later, read, new_and_sooner, lots_complete=False, lots_read_to=spend_order(read))
    assert usable_lots(points, NOON) == [new_and_sooner, read]


@pytest.mark.parametrize(("amount", "decision"), [(10, Decided), (11, NeedsLots)])
def test_a_redemption_beyond_the_lots_that_were_read_asks_for_all(amount: int, decision: type) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(10))
    ledger.post(earn(10))
    points = ledger.points()
    unread = points.lots.pop()
    points.lots_complete, points.lots_read_to = False, spend_order(points.lots[0])
    assert isinstance(decide(ledger.submission(redeem(amount)), ledger.state), decision)
    points.lots.append(unread)
    points.lots_complete = True
    assert isinstance(decide(ledger.submission(redeem(amount)), ledger.state), Decided)
