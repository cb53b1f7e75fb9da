"""Expiry: what has lapsed is posted lot by lot, once, before anything else touches the member."""

from ledger.rules.accounts import AccountKind
from ledger.rules.expiry import expiry_key
from ledger.rules.journal import Posting, TransactionKind
from tests.builders import DAY, NOON, at, earn, expire, programme, redeem, reverse, version
from tests.rules.ledger_in_memory import LedgerInMemory

TWO_DAYS = (version(validity_months=None, validity_days=2),)
LAST_MOMENT = at("2026-11-27 00:00") - 1


def with_lots(*amounts: int) -> LedgerInMemory:
    """Member 1 has a lot of each amount, each usable through 26 November."""
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    for amount in amounts:
        ledger.post(earn(amount))
    return ledger


def test_a_lot_is_usable_through_the_end_of_its_last_day() -> None:
    ledger = with_lots(100)
    ledger.advance_to(LAST_MOMENT)
    assert ledger.entry(redeem(40)).transaction.available_after == 60
    ledger.advance_to(LAST_MOMENT + 1)
    assert ledger.refuse(redeem(1)).facts == {"requested": 1, "available": 0}


def test_an_expiry_goes_over_the_programme_back_to_the_issuer_in_one_transaction() -> None:
    ledger = with_lots(100)
    ledger.advance_to(LAST_MOMENT + 1)
    [entry] = ledger.post(expire()).entries
    transaction = entry.transaction
    assert transaction.postings == (
        Posting(AccountKind.AVAILABLE, 1, AccountKind.EXPIRED, 1, 100, 1),
        Posting(AccountKind.EXPIRED, 1, AccountKind.ISSUANCE, 101, 100, 1),
    )
    assert (transaction.kind, transaction.partner) == (TransactionKind.EXPIRE, 0)
    assert (transaction.occurred_at, transaction.recorded_at) == (LAST_MOMENT + 1, LAST_MOMENT + 1)
    assert transaction.key_digest == expiry_key(1, 1, 1)


def test_each_lot_expires_in_a_transaction_of_its_own_in_the_order_of_use() -> None:
    ledger = with_lots(10, 20)
    ledger.post(earn(5, occurred_at=NOON - DAY))
    ledger.advance_to(NOON + 9 * DAY)
    lots = [entry.transaction.postings[0].lot for entry in ledger.post(expire()).entries]
    assert lots == [3, 1, 2]


def test_the_expiry_job_does_nothing_twice() -> None:
    ledger = with_lots(100)
    assert ledger.post(expire()).entries == ()
    ledger.advance_to(LAST_MOMENT + 1)
    assert len(ledger.post(expire()).entries) == 1
    assert ledger.post(expire()).entries == ()
    assert len(ledger.state.entries) == 2


def test_the_first_command_posts_the_lapse_before_its_own_transaction() -> None:
    ledger = with_lots(100)
    ledger.advance_to(LAST_MOMENT + 1)
    posted = ledger.post(earn(7), key="k7")
    assert [entry.transaction.kind for entry in posted.entries] == [TransactionKind.EXPIRE, TransactionKind.EARN]
    assert [entry.transaction.sequence for entry in posted.entries] == [2, 3]
    assert len(posted.own_entries) == 1
    assert set(posted.lots) == {(1, 2)}
    assert posted.entries[0].transaction.available_after == 0


def test_a_refused_command_posts_no_lapse() -> None:
    ledger = with_lots(100)
    ledger.advance_to(LAST_MOMENT + 1)
    ledger.refuse(redeem(1))
    assert len(ledger.state.entries) == 1


def test_pending_points_lapse_too_when_their_day_is_over() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS))
    ledger.post(earn(100, available_from=NOON + 30 * DAY))
    ledger.advance_to(LAST_MOMENT + 1)
    assert (ledger.points().pending, ledger.points().lapsed) == (0, 100)
    assert len(ledger.post(expire()).entries) == 1


def test_points_without_expiry_never_lapse() -> None:
    ledger = LedgerInMemory(programme(versions=(version(validity_months=None),)))
    ledger.post(earn(100))
    ledger.advance_to(at("2999-01-01 00:00"))
    assert ledger.post(expire()).entries == ()
    ledger.post(redeem(100))


def test_a_lapse_in_another_programme_is_left_to_that_one() -> None:
    ledger = LedgerInMemory(programme(versions=TWO_DAYS), programme(number=2, code="PARK"))
    ledger.post(earn(100))
    ledger.post(earn(50, programme="PARK"))
    ledger.advance_to(LAST_MOMENT + 1)
    assert len(ledger.post(redeem(50, programme="PARK")).entries) == 1
    assert ledger.points().lapsed == 100


def test_the_key_of_an_expiry_is_its_lot_and_number() -> None:
    keys = {expiry_key(lane, lot, nth) for lane in (1, 11) for lot in (1, 11) for nth in (1, 2)}
    assert len(keys) == 8
    assert expiry_key(1, 2, 3).hex() == "8d26173f47274a003b3b3aba1dc87a16b90b1853a63d6e92bdc4497b800c686d"


def test_a_child_that_lapses_at_once_counts_its_expiry() -> None:
    ledger = with_lots(100)
    used = ledger.entry(redeem(100))
    ledger.advance_to(LAST_MOMENT + 1)
    ledger.post(reverse(used))
    child = ledger.state.lots[1, 2]
    assert (child.remaining, child.expired, child.expiries) == (0, 100, 1)
