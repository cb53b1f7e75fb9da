"""Merges and moves: everything goes along, and what happened before finds the present member."""

from typing import Any

import pytest

from ledger.rules.accounts import AccountKind
from ledger.rules.commands import AnyCommand
from ledger.rules.journal import ParticularTransaction, TransactionKind
from tests.builders import CINEMA, DAY, HOUR, NOON, SUPERMARKET, earn, programme, redeem, reverse, take_back, version
from tests.rarer_builders import capture, close, freeze, gift, hold, merge, move, void
from tests.rules.ledger_in_memory import LedgerInMemory

A = AccountKind
TURNS = [
    pytest.param(move(0), id="move"),
    pytest.param(merge("m1", "m2"), id="merge"),
    pytest.param(merge("m1", "m3"), id="merge within a lane"),
]


def turned(ledger: LedgerInMemory, turn: AnyCommand) -> list[ParticularTransaction]:
    """Merge or move member 1; all legs, in pairs of out and in."""
    legs = [entry.transaction for entry in ledger.post(turn).entries]
    assert all(isinstance(leg, ParticularTransaction) for leg in legs)
    for out, into in zip(legs[::2], legs[1::2], strict=True):
        assert isinstance(out, ParticularTransaction)
        assert isinstance(into, ParticularTransaction)
        assert (out.particulars.counter_lane, out.particulars.counter_sequence) == (into.lane, into.sequence)
        assert (into.particulars.counter_lane, into.particulars.counter_sequence) == (out.lane, out.sequence)
        assert (out.member, into.member) == (1, ledger.present().number)
        assert out.points == into.points
    return legs  # type: ignore[return-value]


@pytest.mark.parametrize("turn", TURNS)
def test_the_first_pair_says_who_has_become_whom_and_the_key_leads_to_it(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    out, into = turned(ledger, turn)
    assert (out.programme, into.programme, out.points, out.postings) == (0, 0, 0, ())
    assert out.particulars.into == into.member
    key = ledger.state.keys[out.key_digest]
    assert (key.lane, key.sequence, key.transactions) == (out.lane, out.sequence, 1)
    old = ledger.state.members[1]
    assert (old.status, old.into) == (
        "moved" if out.kind == TransactionKind.MOVE else "merged",
        (into.lane, into.member),
    )


def test_a_moved_member_keeps_its_public_id_and_stays_frozen() -> None:
    ledger = LedgerInMemory()
    ledger.post(freeze())
    ledger.post(move(0))
    present = ledger.present()
    assert (present.lane, present.public_id, present.status) == (0, "member-1", "frozen")
    assert present.number not in (1, 2, 3)
    assert ledger.refuse(earn(1)).code == "member-frozen"


@pytest.mark.parametrize("turn", TURNS)
def test_free_and_pending_lots_go_along_in_the_order_of_use_with_all_their_terms(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(30))
    ledger.post(earn(20, occurred_at=NOON - 40 * DAY), partner=SUPERMARKET)
    ledger.post(earn(50, available_from=NOON + HOUR))
    _, _, out, into = turned(ledger, turn)
    assert [(p.lot, p.amount) for p in out.postings] == [(2, 20), (1, 30), (3, 50)]
    assert [origin.origin_lot for origin in into.particulars.origins] == [2, 1, 3]
    for opening, origin in zip(into.lots, into.particulars.origins, strict=True):
        old = ledger.state.lots[origin.origin_lane, origin.origin_lot]
        for name in ("funding", "terms_version", "earned_at", "available_from", "expires_on"):
            assert getattr(opening, name) == getattr(old, name)
    points = ledger.points(ledger.present().number)
    assert (points.available, points.pending, ledger.points(1).posted) == (50, 50, 0)


@pytest.mark.parametrize("turn", TURNS)
def test_an_open_hold_goes_along_and_is_captured_by_its_old_id(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60, expires_at=NOON + DAY, outlet="shop 7"), partner=CINEMA)
    ledger.post(capture(held, 10), partner=CINEMA)
    *_, out, into = turned(ledger, turn)
    assert (out.partner, into.partner, out.points, into.outlet) == (CINEMA, CINEMA, 50, "shop 7")
    assert out.particulars.hold == held.transaction.sequence
    assert into.particulars.expires_at == NOON + DAY
    taken = ledger.entry(capture(held, 20), partner=CINEMA).transaction
    assert isinstance(taken, ParticularTransaction)
    assert (taken.lane, taken.member, taken.particulars.hold) == (into.lane, into.member, into.sequence)
    ledger.post(void(held), partner=CINEMA)
    points = ledger.points(into.member)
    assert (points.available, points.held) == (70, 0)
    assert ledger.refuse(capture(held, 1), partner=CINEMA).code == "hold-not-open"


@pytest.mark.parametrize("turn", TURNS)
def test_a_moved_hold_past_its_time_cannot_be_captured_by_its_old_id(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    held = ledger.entry(hold(60, expires_at=NOON + HOUR))
    ledger.post(turn)
    ledger.advance_to(NOON + HOUR)
    assert ledger.refuse(capture(held)).code == "hold-not-open"


@pytest.mark.parametrize("turn", TURNS)
def test_debts_go_along_and_are_repaid_there(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(40), partner=SUPERMARKET)
    ledger.post(redeem(40))
    ledger.post(reverse(earned, points=30))
    *_, out, into = turned(ledger, turn)
    assert [(p.debit_kind, p.credit_kind, p.amount) for p in out.postings] == [(A.IN_TRANSIT, A.SHORTFALL, 30)]
    assert [(p.debit_kind, p.credit_kind, p.amount) for p in into.postings] == [(A.SHORTFALL, A.IN_TRANSIT, 30)]
    [naming] = into.lots
    assert (naming.original, naming.funding) == (30, 102)
    present = ledger.present().number
    assert (ledger.points(1).shortfall, ledger.points(present).shortfall) == (0, 30)
    ledger.post(earn(50))
    assert (ledger.points(present).available, ledger.points(present).shortfall) == (20, 0)


def test_points_that_come_by_a_merge_repay_what_the_other_member_owes() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(40, member="m2"))
    ledger.post(redeem(40, member="m2"))
    ledger.post(reverse(earned))
    ledger.post(earn(100))
    ledger.post(merge("m1", "m2"))
    assert (ledger.points(2).available, ledger.points(2).shortfall) == (60, 0)


@pytest.mark.parametrize("turn", TURNS)
def test_a_redemption_from_before_comes_back_as_a_lot_of_the_present_member(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(100))
    used = ledger.entry(redeem(60))
    ledger.post(turn)
    back = ledger.entry(reverse(used, points=25)).transaction
    assert isinstance(back, ParticularTransaction)
    assert (back.reverses_lane, back.reverses_sequence) == (1, used.transaction.sequence)
    [opening], [origin] = back.lots, back.particulars.origins
    assert (opening.original, opening.expires_on, opening.restored_from) == (
        25,
        ledger.state.lots[1, 1].expires_on,
        None,
    )
    assert (origin.origin_lane, origin.origin_lot) == (1, 1)
    assert back.member == ledger.present().number
    ledger.post(reverse(used))
    assert ledger.refuse(reverse(used)).code == "already-reversed"
    assert ledger.points(ledger.present().number).available == 100


@pytest.mark.parametrize(("grace", "left"), [(0, 0), (4, 60)])
def test_a_redemption_of_lots_lapsed_since_comes_back_with_the_grace_or_lapses_at_once(grace: int, left: int) -> None:
    rules = (version(validity_months=None, validity_days=1),)
    ledger = LedgerInMemory(programme(versions=rules, restore_grace_days=grace))
    ledger.post(earn(60))
    used = ledger.entry(redeem(60))
    ledger.post(move(0))
    ledger.advance_to(NOON + 3 * DAY)
    ledger.post(reverse(used))
    assert ledger.points(ledger.present().number).available == left


@pytest.mark.parametrize("turn", TURNS)
def test_an_earn_from_before_is_taken_back_from_what_came_of_it(turn: AnyCommand) -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    ledger.post(redeem(30))
    ledger.post(turn)
    present = ledger.present().number
    ledger.post(earn(5), partner=SUPERMARKET)
    ledger.post(reverse(earned))
    points = ledger.points(present)
    assert (points.available, points.shortfall) == (5, 30), "what another issuer gave is not touched"


def test_an_earn_whose_points_were_all_spent_before_the_move_is_owed_under_a_lot_that_names_it() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100), partner=SUPERMARKET)
    ledger.post(redeem(100))
    ledger.post(move(0))
    back = ledger.entry(reverse(earned)).transaction
    assert isinstance(back, ParticularTransaction)
    assert [(lot.original, lot.funding) for lot in back.lots] == [(100, 102)]
    assert [(o.origin_lane, o.origin_lot) for o in back.particulars.origins] == [(1, 1)]
    assert ledger.points(ledger.present().number).shortfall == 100


def test_a_take_back_reaches_earns_from_before_a_merge_and_numbers_every_lot_it_opens() -> None:
    ledger = LedgerInMemory()
    for _ in range(3):
        ledger.post(earn(spend_minor=1_000))
    ledger.post(redeem(30))
    ledger.post(merge("m1", "m2"))
    posted = ledger.post(take_back(3_000, member="m2"))
    opened = [lot.lot for entry in posted.entries for lot in entry.transaction.lots]
    assert len(set(opened)) == 3
    assert ledger.points(2).shortfall == 30


def test_a_merged_member_is_its_successor_in_every_later_command() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(10))
    ledger.post(merge("m1", "m2"))
    ledger.post(earn(5))
    ledger.post(earn(3, member="m3"))
    ledger.post(gift(3, member="m3", receiver="m1"))
    assert ledger.points(2).available == 18
    assert ledger.refuse(merge("m1", "m2")).code == "same-member"
    ledger.post(merge("m1", "m3"))
    assert (ledger.points(2).posted, ledger.points(3).available) == (0, 18)
    assert ledger.refuse(gift(1, member="m1", receiver="m2")).code == "same-member"


def test_a_chain_of_moves_and_merges_leads_every_return_home() -> None:
    ledger = LedgerInMemory()
    earned = ledger.entry(earn(100))
    used = ledger.entry(redeem(20))
    held = ledger.entry(hold(30))
    for turn in (move(0), merge("m1", "m2"), move(1, "m2"), move(0, "m1"), merge("m1", "m3")):
        ledger.post(turn)
    ledger.post(capture(held, 10))
    ledger.post(reverse(used))
    ledger.post(reverse(earned, points=70))
    points = ledger.points(3)
    assert (points.available, points.held, points.shortfall) == (0, 20, 0)


def test_neither_a_closed_nor_a_frozen_member_merges() -> None:
    for status in ("closed", "frozen"):
        for member in (1, 2):
            ledger = LedgerInMemory()
            ledger.state.members[member].status = status
            assert ledger.refuse(merge("m1", "m2")).code == f"member-{status}"


def test_due_holds_and_lapsed_lots_of_both_are_posted_before_they_merge() -> None:
    rules: dict[str, Any] = {"versions": (version(validity_months=None, validity_days=1),)}
    ledger = LedgerInMemory(programme(**rules))
    for member in ("m1", "m2"):
        ledger.post(earn(10, member=member))
        ledger.post(hold(4, member=member, expires_at=NOON + HOUR))
    ledger.advance_to(NOON + 3 * DAY)
    kinds = [entry.transaction.kind for entry in ledger.post(merge("m1", "m2")).entries]
    assert sorted(kinds) == [
        *[TransactionKind.EXPIRE] * 2,
        *[TransactionKind.HOLD_EXPIRE] * 2,
        *[TransactionKind.MERGE] * 2,
    ]


def test_a_member_with_nothing_left_may_close_after_others_were_merged_into_it() -> None:
    ledger = LedgerInMemory()
    ledger.post(earn(10))
    ledger.post(merge("m1", "m2"))
    assert ledger.refuse(close("m1")).code == "member-not-empty"
    ledger.post(close("m1", gives_up_points=True))
    assert ledger.state.members[2].status == "closed"
