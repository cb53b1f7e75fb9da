"""Taking an earn back: the free part first, what has expired moves nothing, the rest is owed."""

from datetime import date

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import Posting, TransactionKind
from ledger.rules.programmes import EarnRate
from tests.builders import DAY, NOON, earn, expire, programme, redeem, reverse, version
from tests.rules.ledger_in_memory import LedgerInMemory

TWO_DAYS = (version(validity_months=None, validity_days=2),)


def from_free(amount: int, lot: int) -> Posting:
    """Free points go back to the bank's issuance."""
    return Posting(AccountKind.AVAILABLE, 1, AccountKind.ISSUANCE, 101, amount, lot)


def owed(amount: int, lot: int) -> Posting:
    """Points that are gone become what the member owes."""
    return Posting(AccountKind.SHORTFALL, 1, AccountKind.ISSUANCE, 101, amount, lot)


def test_a_free_earn_goes_back_whole_and_names_its_original() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    transaction = ledger.entry(reverse(original)).transaction
    assert transaction.kind == TransactionKind.REVERSE
    assert transaction.postings == (from_free(100, 1),)
    assert (transaction.reverses_lane, transaction.reverses_sequence) == (1, 1)
    assert (transaction.points, transaction.available_after) == (100, 0)


def test_partial_reversals_add_up_to_the_original_and_no_further() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    for points in (30, 50, 20):
        assert ledger.entry(reverse(original, points=points)).transaction.points == points
    assert ledger.points().posted == 0
    assert ledger.refuse(reverse(original, points=1)).code == "already-reversed"


def test_a_reversal_without_an_amount_takes_all_of_the_rest() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(spend_minor=10_050))
    ledger.post(reverse(original, points=30))
    rest = ledger.entry(reverse(original)).transaction
    assert (rest.points, rest.spend_minor) == (70, 10_050)
    assert ledger.refuse(reverse(original)).code == "already-reversed"


@pytest.mark.parametrize(
    ("returned", "points"),
    [
        ([50], [0]),
        ([51], [1]),
        ([100], [1]),
        ([101, 99], [1, 1]),
        ([51, 49, 51], [1, 0, 1]),
        ([1_250], [12]),
        ([1_250, 10_800], [12, 108]),
    ],
)
def test_after_a_return_by_spend_the_points_kept_are_those_of_the_money_kept(
    returned: list[int], points: list[int]
) -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(spend_minor=12_050))
    taken = [
        ledger.entry(reverse(original, spend_minor=spend_minor, currency="CNY")).transaction.points
        for spend_minor in returned
    ]
    assert taken == points
    assert ledger.points().available == (12_050 - sum(returned)) // 100


def test_a_return_by_spend_counts_under_the_rules_of_the_earn() -> None:
    old = version(earn_rate=EarnRate(2, 100))
    new = version(version=2, starts_on=date(2026, 11, 25), earn_rate=EarnRate(9, 100))
    ledger = LedgerInMemory(programme(versions=(old, new)))
    original = ledger.entry(earn(spend_minor=1_000))
    ledger.advance_to(NOON + 2 * DAY)
    assert ledger.entry(reverse(original, spend_minor=500, currency="CNY")).transaction.points == 10


def test_points_taken_back_by_number_are_not_taken_back_again_by_spend() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(spend_minor=10_000))
    ledger.post(reverse(original, points=95))
    by_spend = ledger.entry(reverse(original, spend_minor=6_000, currency="CNY")).transaction
    assert (by_spend.points, by_spend.spend_minor) == (0, 6_000)
    assert ledger.points().available == 5


def test_a_return_that_costs_no_point_is_a_transaction_without_postings() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(spend_minor=10_050))
    transaction = ledger.entry(reverse(original, spend_minor=50, currency="CNY")).transaction
    assert (transaction.postings, transaction.points, transaction.available_after) == ((), 0, 100)


def test_spent_points_become_a_shortfall_after_the_free_ones_are_taken() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    ledger.post(redeem(70))
    assert ledger.entry(reverse(original)).transaction.postings == (from_free(30, 1), owed(70, 1))
    assert (ledger.points().shortfall, ledger.points().available) == (70, 0)


def test_only_the_earns_own_lot_is_taken_never_other_points_of_the_member() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100))
    ledger.post(redeem(100))
    ledger.post(earn(500))
    assert ledger.entry(reverse(original)).transaction.postings == (owed(100, 1),)
    assert ledger.lots() == {1: 0, 2: 500}


def test_pending_points_are_free_to_be_taken_back() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(100, available_from=NOON + DAY))
    transaction = ledger.entry(reverse(original, points=40)).transaction
    assert transaction.postings == (from_free(40, 1),)
    assert (transaction.available_after, transaction.pending_after) == (0, 60)


def test_the_issuer_bears_the_shortfall_where_the_programme_says_so() -> None:
    ledger = LedgerInMemory(programme(shortfall_policy="issuer"))
    original = ledger.entry(earn(100))
    ledger.post(redeem(70))
    assert ledger.entry(reverse(original)).transaction.postings == (from_free(30, 1),)
    assert ledger.points().shortfall == 0


def test_expired_points_move_nothing_since_they_have_gone_back_already() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    original = ledger.entry(earn(100))
    ledger.advance_to(NOON + 5 * DAY)
    ledger.post(expire())
    transaction = ledger.entry(reverse(original)).transaction
    assert (transaction.postings, transaction.points) == ((), 100)
    assert ledger.points().shortfall == 0


def test_points_that_have_lapsed_unposted_count_as_expired_and_their_expiry_is_posted_first() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    original = ledger.entry(earn(100))
    ledger.post(redeem(60))
    ledger.advance_to(NOON + 5 * DAY)
    posted = ledger.post(reverse(original))
    assert [entry.transaction.kind for entry in posted.entries] == [TransactionKind.EXPIRE, TransactionKind.REVERSE]
    [own] = posted.own_entries
    assert own.transaction.postings == (owed(60, 1),)


def test_partial_reversals_count_each_expired_point_once() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    original = ledger.entry(earn(100))
    ledger.post(redeem(60))
    ledger.advance_to(NOON + 5 * DAY)
    first = ledger.entry(reverse(original, points=50)).transaction
    second = ledger.entry(reverse(original, points=50)).transaction
    assert (first.postings, second.postings) == ((owed(10, 1),), (owed(50, 1),))


def test_free_points_of_a_child_lot_are_taken_back_like_those_of_the_lot_itself() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS, restore_grace_days=30))
    original = ledger.entry(earn(100))
    used = ledger.entry(redeem(60))
    ledger.advance_to(NOON + 5 * DAY)
    ledger.post(reverse(used))
    assert ledger.lots() == {1: 0, 2: 60}
    transaction = ledger.entry(reverse(original)).transaction
    assert transaction.postings == (from_free(60, 2),)
    assert ledger.points().shortfall == 0


def test_what_used_to_repay_a_shortfall_is_owed_when_its_own_earn_is_reversed() -> None:
    ledger = LedgerInMemory()
    first = ledger.entry(earn(100))
    ledger.post(redeem(100))
    ledger.post(reverse(first))
    second = ledger.entry(earn(150))
    assert ledger.points().shortfall == 0
    assert ledger.entry(reverse(second)).transaction.postings == (from_free(50, 2), owed(100, 2))


def test_a_reversal_keeps_what_it_took_for_the_next_one() -> None:
    ledger = LedgerInMemory()
    original = ledger.entry(earn(spend_minor=10_000))
    ledger.post(reverse(original, spend_minor=2_550, currency="CNY"))
    kept = ledger.original_of(reverse(original))
    assert (kept.reversed_points, kept.reversed_spend_minor, kept.expired_counted) == (26, 2_550, 0)
    assert (kept.rest_points, kept.rest_spend_minor, kept.is_changed) == (74, 7_450, True)
