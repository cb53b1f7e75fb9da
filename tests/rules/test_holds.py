"""Holds: points reserved, captured in parts, released by the partner or by time."""

from ledger.rules.accounts import AccountKind
from ledger.rules.business_day import end_of_day
from ledger.rules.decisions.holds import hold_expiry_key
from ledger.rules.journal import JournalEntry, Particulars, ParticularTransaction, TransactionKind
from tests.builders import (
    CINEMA,
    DAY,
    HOUR,
    NOON,
    SUPERMARKET,
    earn,
    expire,
    place_of_entry,
    programme,
    redeem,
    reverse,
    version,
)
from tests.rarer_builders import capture, hold, void
from tests.rules.ledger_in_memory import LedgerInMemory

A = AccountKind
SHORT_LIVED = programme(versions=(version(validity_months=None, validity_days=1),))
"""What is earned at noon can be used until the end of tomorrow."""


def kinds(entries: tuple[JournalEntry, ...]) -> list[TransactionKind]:
    return [TransactionKind(entry.transaction.kind) for entry in entries]


def moves(entry: JournalEntry) -> list[tuple[int, int, int, int | None]]:
    """Of each posting its accounts' kinds, amount and lot."""
    return [(p.debit_kind, p.credit_kind, p.amount, p.lot) for p in entry.transaction.postings]


def particulars(entry: JournalEntry) -> Particulars:
    assert isinstance(entry.transaction, ParticularTransaction)
    return entry.transaction.particulars


def test_a_hold_reserves_lots_in_the_order_of_use() -> None:
    ledger = LedgerInMemory()
    for days in (0, 40):
        ledger.post(earn(50, occurred_at=NOON - days * DAY))
    held = ledger.entry(hold(70, expires_at=NOON + DAY))
    assert moves(held) == [(A.AVAILABLE, A.HELD, 50, 2), (A.AVAILABLE, A.HELD, 20, 1)]
    assert particulars(held) == Particulars(expires_at=NOON + DAY)
    assert (ledger.points().available, ledger.points().held) == (30, 70)
    assert ledger.refuse(redeem(31)).code == "insufficient-points"


def test_a_hold_without_a_time_ends_after_seven_days() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(50))
    assert particulars(ledger.entry(hold(50))).expires_at == NOON + 7 * DAY


def test_a_hold_is_captured_in_several_parts_until_nothing_is_held() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60, outlet="shop 7", channel="pos"), partner=CINEMA)
    first = ledger.entry(capture(held, 25), partner=CINEMA)
    rest = ledger.entry(capture(held), partner=CINEMA)
    assert moves(first) == [(A.HELD, A.REDEEMED, 25, 1)]
    assert moves(rest) == [(A.HELD, A.REDEEMED, 35, 1)]
    assert first.transaction.postings[0].credit_owner == CINEMA
    assert (first.transaction.scene, first.transaction.channel, first.transaction.outlet) == ("food", "pos", "shop 7")
    assert particulars(first).hold == held.transaction.sequence
    assert (ledger.points().available, ledger.points().held) == (40, 0)


def test_a_final_capture_releases_what_is_left() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60))
    final = ledger.entry(capture(held, 25, final=True))
    assert moves(final) == [(A.HELD, A.REDEEMED, 25, 1), (A.HELD, A.AVAILABLE, 35, 1)]
    assert final.transaction.points == 25
    assert (ledger.points().available, ledger.points().held) == (75, 0)


def test_a_void_releases_all_that_is_still_held() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60))
    ledger.post(capture(held, 10))
    voided = ledger.entry(void(held))
    assert (voided.transaction.points, moves(voided)) == (50, [(A.HELD, A.AVAILABLE, 50, 1)])
    assert ledger.points().available == 90


def test_two_holds_never_hold_the_same_points() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    ledger.post(hold(60))
    assert ledger.refuse(hold(41)).facts == {"requested": 41, "available": 40}
    ledger.post(hold(40))
    assert ledger.points().available == 0


def test_a_lot_whose_last_day_passes_under_a_hold_stays_usable_by_that_hold_only() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(100))
    held = ledger.entry(hold(60))
    ledger.advance_to(NOON + 3 * DAY)
    posted = ledger.post(capture(held, 20))
    assert kinds(posted.entries) == [TransactionKind.EXPIRE, TransactionKind.CAPTURE]
    assert posted.entries[0].transaction.points == 40
    assert ledger.refuse(redeem(1)).code == "insufficient-points"
    assert (ledger.points().held, ledger.points().posted) == (40, 0)


def test_what_is_released_into_a_lapsed_lot_lapses_in_the_same_transaction() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(100))
    held = ledger.entry(hold(100))
    ledger.advance_to(NOON + 3 * DAY)
    final = ledger.entry(capture(held, 20, final=True))
    assert moves(final) == [
        (A.HELD, A.REDEEMED, 20, 1),
        (A.HELD, A.AVAILABLE, 80, 1),
        (A.AVAILABLE, A.EXPIRED, 80, 1),
        (A.EXPIRED, A.ISSUANCE, 80, 1),
    ]
    assert ledger.points().posted == 0
    assert ledger.state.lots[1, 1].expired == 80


def test_a_hold_past_its_time_is_released_by_the_first_command_that_touches_the_member() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60, expires_at=NOON + HOUR))
    ledger.advance_to(NOON + 2 * HOUR)
    released, used = ledger.post(redeem(90)).entries
    assert released.transaction.kind == TransactionKind.HOLD_EXPIRE
    assert released.transaction.occurred_at == NOON + HOUR
    assert released.transaction.recorded_at == NOON + 2 * HOUR
    assert released.transaction.key_digest == hold_expiry_key(place_of_entry(held))
    assert used.transaction.available_after == 10


def test_a_hold_can_be_captured_until_its_time_and_not_at_it() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60, expires_at=NOON + HOUR))
    ledger.advance_to(NOON + HOUR - 1)
    ledger.post(capture(held, 10))
    ledger.advance_to(NOON + HOUR)
    entries = len(ledger.state.entries)
    assert ledger.refuse(capture(held, 10)).code == "hold-not-open"
    assert ledger.refuse(void(held)).code == "hold-not-open"
    assert len(ledger.state.entries) == entries
    assert kinds(ledger.post(expire()).entries) == [TransactionKind.HOLD_EXPIRE]
    assert ledger.points().available == 90


def test_a_hold_and_a_lot_that_end_together_are_posted_hold_first() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    ledger.post(earn(100))
    ledger.post(hold(60, expires_at=end_of_day(SHORT_LIVED.business_day(NOON + DAY), SHORT_LIVED.zone)))
    ledger.advance_to(NOON + 2 * DAY)
    posted = ledger.post(earn(1))
    assert kinds(posted.entries) == [TransactionKind.HOLD_EXPIRE, TransactionKind.EXPIRE, TransactionKind.EARN]
    assert [entry.transaction.points for entry in posted.entries] == [60, 40, 1]
    assert ledger.state.lots[1, 1].expired == 100


def test_released_points_repay_what_the_member_owes_first() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(50))
    ledger.post(redeem(50))
    ledger.post(earn(100), partner=SUPERMARKET)
    held = ledger.entry(hold(100))
    ledger.post(reverse(earned, points=30))
    voided = ledger.entry(void(held))
    assert moves(voided) == [
        (A.HELD, A.AVAILABLE, 100, 2),
        (A.AVAILABLE, A.SHORTFALL, 30, 2),
        (A.ISSUANCE, A.ISSUANCE, 30, 2),
    ]
    assert (ledger.points().available, ledger.points().shortfall) == (70, 0)


def test_a_hold_released_by_time_repays_before_the_rest_lapses() -> None:
    ledger = LedgerInMemory(SHORT_LIVED)
    earned = ledger.entry(earn(50))
    ledger.post(hold(50, expires_at=NOON + DAY))
    ledger.post(reverse(earned, points=20))
    ledger.advance_to(NOON + 3 * DAY)
    [released] = ledger.post(expire()).entries
    assert moves(released)[1:] == [
        (A.AVAILABLE, A.SHORTFALL, 20, 1),
        (A.AVAILABLE, A.EXPIRED, 30, 1),
        (A.EXPIRED, A.ISSUANCE, 30, 1),
    ]
    assert ledger.points().shortfall == 0


def test_a_reversed_capture_gives_the_points_back_to_their_lots_as_available() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60))
    taken = ledger.entry(capture(held, 40))
    back = ledger.entry(reverse(taken, points=15))
    assert moves(back) == [(A.REDEEMED, A.AVAILABLE, 15, 1)]
    assert (ledger.points().available, ledger.points().held) == (55, 20)
    assert ledger.refuse(reverse(taken, points=26)).code == "reversal-exceeds-original"
    ledger.post(reverse(taken))
    assert ledger.refuse(reverse(taken)).code == "already-reversed"


def test_a_capture_from_a_lapsed_lot_is_given_back_with_the_programmes_grace() -> None:
    ledger = LedgerInMemory(programme(versions=SHORT_LIVED.versions, restore_grace_days=5))
    ledger.post(earn(100))
    held = ledger.entry(hold(100))
    ledger.advance_to(NOON + 3 * DAY)
    taken = ledger.entry(capture(held, 40))
    [child] = ledger.entry(reverse(taken)).transaction.lots
    assert (child.restored_from, child.original) == (1, 40)
    assert child.expires_on == SHORT_LIVED.business_day(NOON + 8 * DAY)


def test_the_reversal_of_the_earn_behind_a_hold_makes_the_held_points_a_debt() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    held = ledger.entry(hold(60))
    back = ledger.entry(reverse(earned))
    assert moves(back) == [(A.AVAILABLE, A.ISSUANCE, 40, 1), (A.SHORTFALL, A.ISSUANCE, 60, 1)]
    ledger.post(capture(held, 45))
    ledger.post(void(held))
    assert (ledger.points().posted, ledger.points().shortfall) == (0, 45)


def test_a_restored_lot_released_by_time_is_free_again_when_its_earn_is_reversed() -> None:
    ledger = LedgerInMemory(programme(versions=SHORT_LIVED.versions, restore_grace_days=9))
    earned = ledger.entry(earn(100))
    spent = ledger.entry(redeem(100))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(reverse(spent))
    ledger.post(hold(100, expires_at=ledger.now + HOUR))
    ledger.advance_to(ledger.now + DAY)
    ledger.post(reverse(earned))
    assert (ledger.points().posted, ledger.points().shortfall) == (0, 0)
