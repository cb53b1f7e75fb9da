"""What staff decide of a member, and what the ledger tells it: statuses, corrections, notices."""

from typing import Any

import msgspec

from ledger.rules.accounts import AccountKind
from ledger.rules.journal import FORMAT, Particulars, ParticularTransaction, Transaction, TransactionKind
from ledger.rules.outcomes import Posted, Replayed
from ledger.rules.programmes import LEDGER_ITSELF
from tests.builders import BANK, CINEMA, DAY, HOUR, NOON, SUPERMARKET, earn, programme, redeem, reverse, version
from tests.rarer_builders import (
    APPROVAL,
    WRITE_OFF_APPROVAL,
    adjust,
    capture,
    close,
    freeze,
    gift,
    hold,
    merge,
    move,
    notice,
    unfreeze,
    void,
    write_off,
)
from tests.rules.ledger_in_memory import LedgerInMemory

A = AccountKind


def moves(transaction: Transaction) -> list[tuple[int, int, int, int | None, int | None]]:
    return [(p.debit_kind, p.credit_kind, p.amount, p.lot, p.counter_lot) for p in transaction.postings]


def in_debt(*debts: int) -> LedgerInMemory:
    """Member 1 owes the supermarket these amounts, the first one longest; lot n is that of debt n."""
    ledger = LedgerInMemory()
    originals = [ledger.entry(earn(debt), partner=SUPERMARKET) for debt in debts]
    ledger.post(redeem(sum(debts)))
    for original in originals:
        ledger.post(reverse(original))
    return ledger


def test_a_status_is_a_transaction_without_programme_and_postings() -> None:
    ledger = LedgerInMemory()
    for command, kind, status in (
        (freeze(), TransactionKind.FREEZE, "frozen"),
        (unfreeze(), TransactionKind.UNFREEZE, "active"),
        (close(), TransactionKind.CLOSE, "closed"),
    ):
        posted = ledger.entry(command, partner=LEDGER_ITSELF).transaction
        assert (posted.kind, posted.programme, posted.points, posted.postings, posted.format) == (
            kind,
            0,
            0,
            (),
            FORMAT,
        )
        assert ledger.state.members[1].status == status


def test_a_frozen_member_neither_earns_nor_spends_but_its_holds_end_and_returns_come() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    used = ledger.entry(redeem(20))
    held = ledger.entry(hold(30))
    ledger.post(freeze())
    for command in (earn(1), redeem(1), hold(1), gift(1)):
        assert ledger.refuse(command).code == "member-frozen"
    ledger.post(capture(held, 10))
    ledger.post(void(held))
    ledger.post(reverse(used))
    ledger.post(unfreeze())
    ledger.post(redeem(90))


def test_closing_gives_up_points_lot_by_lot_and_only_when_the_member_says_so() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30))
    ledger.post(earn(20, available_from=NOON + HOUR))
    refused = ledger.refuse(close())
    assert refused.code == "member-not-empty"
    assert refused.facts == {"available": 30, "pending": 20, "held": 0, "shortfall": 0}
    *given_up, closed = (entry.transaction for entry in ledger.post(close(gives_up_points=True)).entries)
    assert [(one.kind, one.points, one.occurred_at) for one in given_up] == [
        (TransactionKind.EXPIRE, 30, NOON),
        (TransactionKind.EXPIRE, 20, NOON),
    ]
    assert closed.kind == TransactionKind.CLOSE
    assert ledger.points().posted == 0


def test_neither_held_points_nor_debts_are_given_up() -> None:
    ledger = in_debt(10)
    assert ledger.refuse(close(gives_up_points=True)).facts["shortfall"] == 10
    ledger.post(earn(30))
    held = ledger.entry(hold(20))
    assert ledger.refuse(close(gives_up_points=True)).facts["held"] == 20
    ledger.post(void(held))
    ledger.post(close(gives_up_points=True))


def test_a_hold_past_its_time_does_not_keep_a_member_from_leaving() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30))
    ledger.post(hold(30, expires_at=NOON + HOUR))
    ledger.advance_to(NOON + HOUR)
    kinds = [entry.transaction.kind for entry in ledger.post(close(gives_up_points=True)).entries]
    assert kinds == [TransactionKind.HOLD_EXPIRE, TransactionKind.EXPIRE, TransactionKind.CLOSE]


def test_a_return_to_a_closed_member_is_kept_for_it() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30))
    used = ledger.entry(redeem(30))
    ledger.post(close())
    ledger.post(reverse(used))
    assert ledger.points().available == 30


def test_points_given_by_two_persons_open_a_lot_at_the_partners_cost_under_the_rules_of_the_day() -> None:
    ledger = LedgerInMemory()
    given = ledger.entry(adjust(40, partner="SUPERMARKET"), partner=LEDGER_ITSELF).transaction
    assert isinstance(given, ParticularTransaction)
    assert given.particulars == Particulars(approval=APPROVAL)
    assert (given.partner, given.programme_version) == (SUPERMARKET, 1)
    [lot] = given.lots
    assert (lot.funding, lot.earned_at, lot.available_from) == (102, NOON, NOON)
    assert lot.expires_on == version().expires_on(programme().business_day(NOON))


def test_points_given_repay_what_the_member_owes_first() -> None:
    ledger = in_debt(25)
    given = ledger.entry(adjust(40)).transaction
    assert moves(given)[1:] == [(A.AVAILABLE, A.SHORTFALL, 25, 2, 1), (A.ISSUANCE, A.ISSUANCE, 25, 2, 1)]
    assert ledger.points().available == 15


def test_points_are_taken_from_lots_of_that_partner_only_in_the_order_of_use() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30), partner=BANK)
    ledger.post(earn(50), partner=SUPERMARKET)
    ledger.post(earn(20, occurred_at=NOON - 40 * DAY), partner=SUPERMARKET)
    taken = ledger.entry(adjust(60, partner="SUPERMARKET", takes=True)).transaction
    assert moves(taken) == [(A.AVAILABLE, A.ISSUANCE, 20, 3, None), (A.AVAILABLE, A.ISSUANCE, 40, 2, None)]
    assert ledger.refuse(adjust(11, partner="SUPERMARKET", takes=True)).facts == {"requested": 11, "available": 10}


def test_a_write_off_forgives_the_oldest_debt_first() -> None:
    ledger = in_debt(20, 30)
    written_off = ledger.entry(write_off(25), partner=LEDGER_ITSELF).transaction
    assert isinstance(written_off, ParticularTransaction)
    assert written_off.particulars == Particulars(approval=WRITE_OFF_APPROVAL)
    assert moves(written_off) == [(A.ISSUANCE, A.SHORTFALL, 20, 1, 1), (A.ISSUANCE, A.SHORTFALL, 5, 2, 2)]
    assert ledger.refuse(write_off(26)).facts == {"requested": 26, "shortfall": 25}
    ledger.post(write_off())
    assert ledger.points().shortfall == 0


def test_a_written_off_debt_takes_nothing_from_a_later_credit() -> None:
    ledger = in_debt(20)
    ledger.post(write_off())
    assert ledger.entry(earn(10)).transaction.available_after == 10


SHORT_LIVED = programme(versions=(version(validity_months=None, validity_days=30),))


def test_a_notice_tells_of_all_free_points_with_that_last_day_and_moves_none() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(30))
    ledger.post(earn(12))
    ledger.post(earn(50, occurred_at=NOON - DAY))
    ledger.post(redeem(55))
    ledger.post(hold(7))
    last_day = SHORT_LIVED.business_day(NOON + 30 * DAY)
    told = ledger.entry(notice(last_day), partner=LEDGER_ITSELF).transaction
    assert isinstance(told, ParticularTransaction)
    assert told.particulars == Particulars(expires_on=last_day, days_before=30)
    assert (told.points, told.postings, told.partner) == (30, (), LEDGER_ITSELF)


def test_each_notice_is_posted_once_also_after_a_move_and_apart_for_each_lead() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(30))
    last_day = SHORT_LIVED.business_day(NOON + 30 * DAY)
    ledger.post(notice(last_day, 30))
    assert isinstance(ledger.submit(ledger.submission(notice(last_day, 30))), Replayed)
    ledger.post(move(0))
    present = ledger.present().number
    assert isinstance(ledger.submit(ledger.submission(notice(last_day, 30, member=f"m{present}"))), Replayed)
    assert len(ledger.post(notice(last_day, 7, member=f"m{present}")).entries) == 1


def test_nobody_is_told_of_points_that_are_gone_or_after_leaving() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(30))
    used = ledger.entry(redeem(30), partner=CINEMA)
    last_day = SHORT_LIVED.business_day(NOON + 30 * DAY)
    nothing: Any = ledger.submit(ledger.submission(notice(last_day)))
    assert isinstance(nothing, Posted)
    assert nothing.entries == ()
    ledger.post(close())
    ledger.post(reverse(used))
    assert ledger.points().available == 30
    assert ledger.post(notice(last_day)).entries == ()


def test_a_notice_that_a_merge_overtakes_is_left_to_the_next_run_which_knows_the_present_member() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(30))
    last_day = SHORT_LIVED.business_day(NOON + 30 * DAY)
    overtaken = ledger.submission(notice(last_day))
    ledger.post(merge("m1", "m2"))
    nothing = ledger.submit(overtaken)
    assert isinstance(nothing, Posted)
    assert nothing.entries == ()
    assert len(ledger.post(notice(last_day, member="m2")).entries) == 1


def test_what_is_not_posted_keeps_no_key_so_that_a_later_notice_can_be() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    last_day = SHORT_LIVED.business_day(NOON + 30 * DAY)
    early = ledger.submission(notice(last_day))
    ledger.submit(early)
    ledger.post(earn(30))
    assert len(ledger.post(notice(last_day)).entries) == 1
    assert msgspec.structs.asdict(early)["key_digest"] in ledger.state.keys
