"""A database returns rows in any order; what is decided must not depend on it."""

import pytest

from ledger.rules.decide import decide
from ledger.rules.outcomes import Decided
from tests.builders import DAY, NOON, earn, programme, redeem, reverse, version
from tests.rarer_builders import move
from tests.rules.ledger_in_memory import LedgerInMemory

SHORT_LIVED = programme(versions=(version(validity_months=None, validity_days=1),), restore_grace_days=5)


@pytest.mark.parametrize("is_turned", [False, True])
def test_an_earn_is_taken_back_from_its_oldest_restored_lot_first(is_turned: bool) -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    earned = ledger.entry(earn(100))
    spent = ledger.entry(redeem(100))
    for day in (3, 4):
        ledger.advance_to(NOON + day * DAY)
        ledger.post(reverse(spent, points=30))
    assert ledger.lots() == {1: 0, 2: 30, 3: 30}

    if is_turned:
        for children in ledger.state.children.values():
            children.reverse()
        ledger.points().lots.reverse()
    decision = decide(ledger.submission(reverse(earned, points=40)), ledger.state)

    assert isinstance(decision, Decided)
    assert [(posting.lot, posting.amount) for posting in decision.drafts[-1].postings] == [(2, 30), (3, 10)]


def test_of_a_moved_member_an_earn_is_taken_back_from_the_lot_that_ends_first() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    earned = ledger.entry(earn(100))
    ledger.post(earn(1))
    spent = ledger.entry(redeem(100))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(reverse(spent, points=30))
    ledger.post(move(to_lane=0))
    ledger.advance_to(NOON + 4 * DAY)
    ledger.post(reverse(spent, points=30))
    taken = ledger.entry(reverse(earned, points=40)).transaction
    # The moved child had the higher number in its old lane; the one restored here lasts longer.
    assert [(posting.lot, posting.amount) for posting in taken.postings] == [(1, 30), (2, 10)]


@pytest.mark.parametrize("is_turned", [False, True])
def test_lots_of_one_number_in_two_lanes_are_taken_back_in_the_order_of_the_lanes(is_turned: bool) -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(100))
    spent = ledger.entry(redeem(100))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(reverse(spent, points=30))
    ledger.post(redeem(30))
    ledger.post(earn(1, member="m2"))
    ledger.post(move(0))
    ledger.post(reverse(spent, points=50))
    if is_turned:
        for children in ledger.state.children.values():
            children.reverse()
    family = ledger.state.family(ledger.state.lots[1, 1])
    assert [(lot.lane, lot.lot) for lot in family] == [(1, 1), (0, 2), (1, 2)]
