"""Giving a redemption back: the lots it used return, last used first, with funding, terms and expiry."""

from datetime import date

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import LotOpening, Posting
from tests.builders import BANK, CINEMA, DAY, NOON, SUPERMARKET, earn, programme, redeem, reverse, version
from tests.rules.ledger_in_memory import LedgerInMemory

TWO_DAYS = (version(validity_months=None, validity_days=2),)


def back(amount: int, lot: int) -> Posting:
    """The cinema gives points back."""
    return Posting(AccountKind.REDEEMED, CINEMA, AccountKind.AVAILABLE, 1, amount, lot)


def expired(amount: int, lot: int, funding: int = 101) -> tuple[Posting, Posting]:
    """Points go from the member over the programme to whoever issued them."""
    return (
        Posting(AccountKind.AVAILABLE, 1, AccountKind.EXPIRED, 1, amount, lot),
        Posting(AccountKind.EXPIRED, 1, AccountKind.ISSUANCE, funding, amount, lot),
    )


def repaid(amount: int, lot: int, owed_lot: int) -> Posting:
    """Points of a lot repay the shortfall of another."""
    return Posting(AccountKind.AVAILABLE, 1, AccountKind.SHORTFALL, 1, amount, lot, owed_lot)


def test_the_lots_used_come_back_last_used_first() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(10, occurred_at=NOON - 2 * DAY))
    ledger.post(earn(20, occurred_at=NOON - DAY), partner=SUPERMARKET)
    ledger.post(earn(30))
    used = ledger.entry(redeem(45), partner=CINEMA)
    assert [(posting.lot, posting.amount) for posting in used.transaction.postings] == [(1, 10), (2, 20), (3, 15)]
    assert ledger.entry(reverse(used, points=20)).transaction.postings == (back(15, 3), back(5, 2))
    assert ledger.entry(reverse(used, points=16)).transaction.postings == (back(15, 2), back(1, 1))
    assert ledger.entry(reverse(used)).transaction.postings == (back(9, 1),)
    assert ledger.lots() == {1: 10, 2: 20, 3: 30}


def test_points_given_back_are_as_they_were() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    ledger.post(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + DAY)
    transaction = ledger.entry(reverse(used)).transaction
    assert (transaction.lots, transaction.available_after) == ((), 100)
    ledger.advance_to(NOON + 3 * DAY)
    assert ledger.points().available == 0


def test_reversals_of_a_redemption_never_give_back_more_than_it_took() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    used = ledger.entry(redeem(60), partner=CINEMA)
    ledger.post(reverse(used, points=59))
    assert ledger.refuse(reverse(used, points=2)).facts == {"requested": 2, "reversible": 1}
    ledger.post(reverse(used, points=1))
    assert ledger.refuse(reverse(used)).code == "already-reversed"
    assert ledger.points().available == 100


def test_a_return_into_a_lapsed_lot_lapses_at_once_where_there_is_no_grace() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS, restore_grace_days=0))
    ledger.post(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + 3 * DAY)
    transaction = ledger.entry(reverse(used)).transaction
    assert transaction.postings == (back(100, 2), *expired(100, 2))
    assert transaction.lots == (LotOpening(2, 101, None, NOON, NOON, date(2026, 11, 27), 100, restored_from=1),)
    assert (transaction.available_after, ledger.lots()) == (0, {1: 0, 2: 0})


def test_a_return_into_a_lapsed_lot_is_usable_until_the_grace_is_over() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS, restore_grace_days=7))
    ledger.post(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + 3 * DAY)
    transaction = ledger.entry(reverse(used)).transaction
    [child] = transaction.lots
    assert transaction.postings == (back(100, 2),)
    assert (child.expires_on, child.restored_from, child.earned_at) == (date(2026, 12, 4), 1, NOON)
    ledger.advance_to(NOON + 10 * DAY)
    assert ledger.entry(redeem(100)).transaction.available_after == 0


def test_grace_counts_from_the_business_day() -> None:
    late = programme(versions=TWO_DAYS, restore_grace_days=1, cut_off_minutes=12 * 60)
    ledger = LedgerInMemory(late)
    ledger.post(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + 5 * DAY)
    [child] = ledger.entry(reverse(used)).transaction.lots
    assert child.expires_on == date(2026, 12, 1)


def test_a_child_of_a_child_names_the_first_lot() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS, restore_grace_days=1))
    ledger.post(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(reverse(used))
    used_again = ledger.entry(redeem(100), partner=CINEMA)
    ledger.advance_to(NOON + 6 * DAY)
    [child] = ledger.entry(reverse(used_again)).transaction.lots
    assert (child.lot, child.restored_from) == (3, 1)


def test_of_several_lots_only_the_lapsed_ones_come_back_as_children() -> None:
    short = programme(versions=(version(validity_months=None, validity_days=5),))
    ledger = LedgerInMemory(short)
    ledger.post(earn(10, occurred_at=NOON - 4 * DAY))
    ledger.post(earn(20))
    used = ledger.entry(redeem(30), partner=CINEMA)
    ledger.advance_to(NOON + 2 * DAY)
    transaction = ledger.entry(reverse(used)).transaction
    assert transaction.postings == (back(20, 2), back(10, 3), *expired(10, 3))
    assert transaction.available_after == 20


def test_two_lapsed_lots_come_back_as_two_children_each_with_its_own_funding() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS, restore_grace_days=3))
    ledger.post(earn(10), partner=BANK)
    ledger.post(earn(20), partner=SUPERMARKET)
    used = ledger.entry(redeem(30), partner=CINEMA)
    ledger.advance_to(NOON + 3 * DAY)
    transaction = ledger.entry(reverse(used)).transaction
    children = [(lot.lot, lot.restored_from, lot.funding, lot.original) for lot in transaction.lots]
    assert children == [(3, 2, 102, 20), (4, 1, 101, 10)]
    assert ledger.entry(earn(1)).transaction.lots[0].lot == 5


def test_a_return_repays_the_shortfall_before_anything_is_usable() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.post(reverse(original, points=70))
    transaction = ledger.entry(reverse(used)).transaction
    assert transaction.postings == (back(100, 1), repaid(70, 1, 1))
    assert (transaction.available_after, ledger.points().shortfall) == (30, 0)


@pytest.mark.parametrize(("owed", "lapsing"), [(70, 30), (100, 0)])
def test_of_a_return_into_a_lapsed_lot_only_what_repays_nothing_lapses(owed: int, lapsing: int) -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    original = ledger.entry(earn(100))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.post(reverse(original, points=owed))
    ledger.advance_to(NOON + 3 * DAY)
    transaction = ledger.entry(reverse(used)).transaction
    rest = expired(lapsing, 2) if lapsing else ()
    assert transaction.postings == (back(100, 2), repaid(owed, 2, 1), *rest)
    assert (ledger.points().posted, ledger.points().shortfall) == (0, 0)


def test_one_return_of_several_lots_repays_each_owed_point_once() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(50, occurred_at=NOON - DAY))
    original = ledger.entry(earn(50))
    used = ledger.entry(redeem(100), partner=CINEMA)
    ledger.post(reverse(original, points=50))
    postings = ledger.entry(reverse(used)).transaction.postings
    assert postings == (back(50, 2), repaid(50, 2, 2), back(50, 1))
    assert ledger.points().available == 50
