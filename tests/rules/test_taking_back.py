"""Cancellations that name no original: the member's latest earlier earns are taken back by spend."""

from tests.builders import BANK, HOUR, NOON, SUPERMARKET, earn, programme, redeem, reverse, take_back, version
from tests.rules.ledger_in_memory import LedgerInMemory


def yuan(amount: int) -> int:
    return amount * 100


def three_earns() -> LedgerInMemory:
    """Earns of 10, 20 and 30 yuan, an hour apart, the last one at noon."""
    ledger = LedgerInMemory()
    for hours, amount in ((2, 10), (1, 20), (0, 30)):
        ledger.post(earn(spend_minor=yuan(amount), occurred_at=NOON - hours * HOUR))
    return ledger


def taken(ledger: LedgerInMemory, spend_minor: int, occurred_at: int = NOON) -> list[tuple[int | None, int]]:
    """The sequence reversed and the points of each transaction of a take-back."""
    posted = ledger.post(take_back(spend_minor, occurred_at=occurred_at))
    return [(entry.transaction.reverses_sequence, entry.transaction.points) for entry in posted.own_entries]


def test_the_latest_earn_is_taken_back_first_and_then_the_ones_before() -> None:
    ledger = three_earns()
    assert taken(ledger, yuan(35)) == [(3, 30), (2, 5)]
    assert taken(ledger, yuan(16)) == [(2, 15), (1, 1)]
    assert ledger.points().available == 9


def test_earns_after_the_cancellation_are_not_reached() -> None:
    ledger = three_earns()
    assert taken(ledger, yuan(5), occurred_at=NOON - HOUR) == [(2, 5)]
    refused = ledger.refuse(take_back(yuan(5), occurred_at=NOON - 3 * HOUR))
    assert (refused.code, refused.facts) == ("no-earlier-earn", {"spend_minor": 500})


def test_of_earns_at_one_time_the_later_line_is_taken_first() -> None:
    ledger = LedgerInMemory()
    for amount in (10, 20):
        ledger.post(earn(spend_minor=yuan(amount), occurred_at=NOON))
    assert taken(ledger, yuan(21)) == [(2, 20), (1, 1)]


def test_an_earlier_event_that_was_recorded_later_still_counts_by_its_own_time() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(spend_minor=yuan(10), occurred_at=NOON))
    ledger.post(earn(spend_minor=yuan(20), occurred_at=NOON - HOUR))
    assert taken(ledger, yuan(1)) == [(1, 1)]


def test_what_finds_no_earlier_earn_is_reported_and_the_rest_is_taken() -> None:
    ledger = three_earns()
    posted = ledger.post(take_back(yuan(61)))
    assert posted.unmatched_minor == 100
    assert len(posted.own_entries) == 3
    assert ledger.points().available == 0
    assert ledger.refuse(take_back(yuan(1))).code == "no-earlier-earn"


def test_what_was_reversed_by_name_is_not_taken_back_again() -> None:
    ledger = LedgerInMemory()
    named = ledger.entry(earn(spend_minor=yuan(10)))
    ledger.post(reverse(named, spend_minor=yuan(4), currency="CNY"))
    assert ledger.post(take_back(yuan(10))).unmatched_minor == yuan(4)
    assert ledger.points().available == 0


def test_earns_of_other_partners_members_and_programmes_are_not_reached() -> None:
    ledger = LedgerInMemory(programme(), programme(number=2, code="PARK"))
    ledger.post(earn(spend_minor=yuan(1)), partner=SUPERMARKET)
    ledger.post(earn(spend_minor=yuan(1), member="m3"), partner=BANK)
    ledger.post(earn(spend_minor=yuan(1), programme="PARK"), partner=BANK)
    assert ledger.refuse(take_back(yuan(1))).code == "no-earlier-earn"


def test_after_each_cancellation_the_points_kept_are_the_whole_yuan_kept_of_each_earn() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(spend_minor=1_050, occurred_at=NOON - HOUR))
    ledger.post(earn(spend_minor=2_075))
    assert taken(ledger, 80) == [(2, 1)]
    assert ledger.points().available == 10 + 19
    assert taken(ledger, 2_000) == [(2, 19), (1, 0)]
    assert ledger.points().available == 10


def test_all_transactions_of_one_cancellation_have_its_time_and_its_key() -> None:
    ledger = three_earns()
    submitted = ledger.submission(take_back(yuan(55), occurred_at=NOON + 60))
    ledger.submit(submitted)
    own = [entry.transaction for entry in ledger.state.entries if entry.transaction.key_digest == submitted.key_digest]
    assert [transaction.occurred_at for transaction in own] == [NOON + 60] * 3
    key = ledger.state.keys[submitted.key_digest]
    assert (key.sequence, key.transactions) == (4, 3)


def test_spent_points_are_owed_after_a_cancellation_and_lapsed_ones_are_not() -> None:
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None, validity_days=2),)))
    ledger.post(earn(spend_minor=yuan(10)))
    ledger.post(redeem(4))
    ledger.advance_to(NOON + 120 * HOUR)
    posted = ledger.post(take_back(yuan(10), occurred_at=NOON + HOUR))
    assert [entry.transaction.points for entry in posted.entries] == [6, 10]
    assert ledger.points().shortfall == 4
