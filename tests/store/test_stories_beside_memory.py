"""Told stories, through PostgreSQL and in memory: what is read of rare shapes is what the rules need.

Member 1 and 5 are in lane 1, member 2 in lane 2, member 3 in lane 3, member 4 in lane 0.
"""

from collections.abc import AsyncIterator

import pytest

from ledger.rules.accounts import AccountKind
from tests.builders import DAY, HOUR, SUPERMARKET, earn, expire, redeem, reverse, take_back
from tests.databases import LedgerDatabase
from tests.rarer_builders import (
    adjust,
    atomic,
    capture,
    close,
    freeze,
    gift,
    grant_cap,
    hold,
    merge,
    move,
    notice,
    unfreeze,
    void,
    write_off,
)
from tests.store.drawing import CAPPED_SCENE
from tests.store.two_ledgers import TwoLedgers, compare_what_is_kept, two_ledgers


@pytest.fixture
async def both(database: LedgerDatabase) -> AsyncIterator[TwoLedgers]:
    """Two ledgers that must end alike, whatever a story does."""
    async with two_ledgers(database, 0) as opened:
        yield opened
        await compare_what_is_kept(opened)


async def test_a_hold_captured_in_parts_refunded_and_released_into_a_lapsed_lot(both: TwoLedgers) -> None:
    await both.entry(earn(100))
    held = await both.entry(hold(90, expires_at=both.memory.now + 9 * DAY), SUPERMARKET)
    first = await both.entry(capture(held, 30))
    await both.pass_time(5 * DAY)
    await both.entry(capture(held, 20))
    await both.entry(reverse(first, points=10))
    await both.entry(capture(held, 5, final=True))
    await both.refuse(capture(held), "hold-not-open")
    await both.entry(reverse(first))


async def test_a_hold_past_its_time_is_released_by_the_first_touch_and_repays_a_debt(both: TwoLedgers) -> None:
    earned = await both.entry(earn(100))
    await both.entry(hold(60, expires_at=both.memory.now + HOUR))
    await both.entry(hold(40, expires_at=both.memory.now + 2 * DAY))
    await both.entry(reverse(earned, points=50))
    await both.pass_time(2 * HOUR)
    await both.entry(earn(1, programme="PARK"))
    await both.entry(earn(1))
    assert both.memory.points().available == 11
    await both.pass_time(4 * DAY)
    await both.entry(expire())
    assert both.memory.points().held == 0


async def test_gifts_within_a_lane_and_across_lanes_repay_what_the_receiver_owes(both: TwoLedgers) -> None:
    for member, points in (("m2", 40), ("m5", 40)):
        earned = await both.entry(earn(points, member=member))
        await both.entry(redeem(points, member=member))
        await both.entry(reverse(earned))
    await both.entry(earn(60, available_from=both.memory.now))
    await both.entry(earn(60), SUPERMARKET)
    await both.entry(gift(50, receiver="m5"))
    await both.entry(gift(60, receiver="m2"))
    await both.refuse(gift(11, receiver="m2"), "limit-exceeded")
    assert (both.memory.points(2).available, both.memory.points(5).available) == (20, 10)


async def a_full_member(both: TwoLedgers) -> None:
    """Member 1 has free, pending and held points in two programmes, and debts."""
    spent = await both.entry(earn(spend_minor=5_000))
    await both.entry(redeem(50))
    await both.entry(reverse(spent, points=20))
    await both.entry(earn(spend_minor=9_000))
    await both.entry(earn(30, available_from=both.memory.now + DAY))
    await both.entry(earn(40, programme="PARK"))


@pytest.mark.parametrize(
    "turn", [move(3), merge("m1", "m2"), merge("m1", "m5")], ids=["move", "merge", "within a lane"]
)
async def test_all_that_a_member_has_goes_with_it_and_its_past_finds_it(both: TwoLedgers, turn: object) -> None:
    await a_full_member(both)
    held = await both.entry(hold(45, expires_at=both.memory.now + 2 * DAY))
    used = await both.entry(redeem(15), SUPERMARKET)
    earned = await both.entry(earn(spend_minor=2_000))
    owed = await both.entry(earn(25))
    await both.entry(hold(40, expires_at=both.memory.now + HOUR))
    await both.entry(reverse(owed, points=10))
    await both.entry(turn)  # type: ignore[arg-type]
    await both.entry(capture(held, 20))
    await both.entry(reverse(used, points=5))
    await both.entry(reverse(earned, points=7))
    await both.entry(take_back(4_000, occurred_at=both.memory.now))
    await both.pass_time(5 * DAY)
    await both.entry(reverse(used))
    await both.entry(reverse(earned))
    await both.refuse(capture(held), "hold-not-open")
    await both.entry(write_off())
    await both.entry(earn(3))


async def test_a_take_back_of_debts_from_before_a_move_opens_a_lot_for_each(both: TwoLedgers) -> None:
    for _ in range(3):
        await both.entry(earn(spend_minor=1_000), SUPERMARKET)
    await both.entry(redeem(30))
    await both.entry(move(3))
    await both.entry(take_back(3_000, occurred_at=both.memory.now), SUPERMARKET)
    assert both.memory.points(both.memory.present().number).shortfall == 30


async def test_a_chain_of_moves_and_merges_leads_home(both: TwoLedgers) -> None:
    await both.entry(earn(spend_minor=10_000))
    held = await both.entry(hold(30, expires_at=both.memory.now + 2 * DAY))
    used = await both.entry(redeem(40), SUPERMARKET)
    await both.entry(move(2))
    await both.entry(merge("m1", "m3"))
    await both.entry(earn(spend_minor=1_000))
    await both.entry(move(1, "m3"))
    await both.entry(capture(held, 10))
    await both.entry(reverse(used))
    await both.entry(take_back(20_000, occurred_at=both.memory.now))
    await both.entry(void(held))
    await both.refuse(move(1), "same-lane")
    await both.refuse(merge("m1", "m3"), "same-member")


async def test_what_happened_before_a_dozen_moves_can_be_returned_captured_and_taken_back(both: TwoLedgers) -> None:
    earned = await both.entry(earn(spend_minor=10_000), SUPERMARKET)
    held = await both.entry(hold(30, expires_at=both.memory.now + 2 * DAY))
    used = await both.entry(redeem(40))
    for number in range(12):
        await both.entry(move((0, 2, 3)[number % 3]))
    await both.entry(capture(held, 10))
    await both.entry(reverse(used))
    await both.entry(reverse(earned, points=20))
    await both.entry(take_back(1_000, occurred_at=both.memory.now), SUPERMARKET)
    await both.entry(redeem(1))


async def test_two_members_of_a_lane_in_one_batch_of_which_one_has_become_the_other(both: TwoLedgers) -> None:
    earned = await both.entry(earn(50))
    await both.entry(redeem(20))
    await both.entry(merge("m1", "m5"))
    await both.entry(earn(5, member="m5"))
    held = await both.entry(hold(30, member="m5", expires_at=both.memory.now + HOUR))
    await both.pass_time(2 * HOUR)
    batch = [both.asking(command) for command in (earn(1, member="m5", programme="PARK"), reverse(earned))]
    await both.post(batch)
    await both.refuse(capture(held), "hold-not-open")


async def test_a_cap_is_refilled_swept_exhausted_given_back_and_granted_again(both: TwoLedgers) -> None:
    await both.refuse(earn(1, scene=CAPPED_SCENE), "cap-exhausted")
    for code in ("FAIR", "BANK-FAIR"):
        await both.entry(grant_cap(400, code))
    earned = [await both.entry(earn(8, scene=CAPPED_SCENE, member=m)) for m in ("m1", "m2", "m3", "m4")]
    spent = await both.entry(earn(spend_minor=300, scene=CAPPED_SCENE))
    await both.entry(earn(300, scene=CAPPED_SCENE, member="m2"), SUPERMARKET)
    await both.entry(reverse(earned[1], points=3))
    await both.entry(earn(50, scene=CAPPED_SCENE), SUPERMARKET)
    await both.refuse(earn(60, scene=CAPPED_SCENE, member="m4"), "cap-exhausted")
    await both.entry(move(2))
    await both.entry(reverse(earned[0]))
    await both.entry(take_back(200, occurred_at=both.memory.now))
    await both.entry(grant_cap(1_000, "FAIR"))
    await both.entry(earn(2, scene=CAPPED_SCENE, member="m2"))
    await both.entry(reverse(spent))


async def test_an_earn_and_its_take_back_in_one_batch_give_back_to_the_cap(both: TwoLedgers) -> None:
    await both.entry(grant_cap(400, "FAIR"))
    await both.entry(earn(1, scene=CAPPED_SCENE), SUPERMARKET)
    commands = (
        earn(spend_minor=500, scene=CAPPED_SCENE),
        take_back(500, occurred_at=both.memory.now),
        earn(1, scene=CAPPED_SCENE),
    )
    await both.post([both.asking(command, SUPERMARKET) for command in commands])
    assert used_of(both, 1) == 2


def used_of(both: TwoLedgers, cap: int) -> int:
    """What is used of a cap over all lanes."""
    changes = both.memory.state.party_changes.items()
    return sum(change for (_, kind, owner, _), change in changes if (kind, owner) == (AccountKind.USED, cap))


async def test_corrections_statuses_and_notices(both: TwoLedgers) -> None:
    await both.entry(adjust(50))
    await both.entry(adjust(20, partner="SUPERMARKET"))
    await both.refuse(adjust(21, partner="SUPERMARKET", takes=True), "insufficient-points")
    await both.entry(adjust(15, partner="SUPERMARKET", takes=True))
    last_day = both.memory.points().lots[0].expires_on
    assert last_day is not None
    await both.entry(notice(last_day))
    await both.entry(freeze())
    await both.refuse(gift(1), "member-frozen")
    await both.entry(unfreeze())
    await both.refuse(close(), "member-not-empty")
    await both.entry(close(gives_up_points=True))
    await both.refuse(earn(1), "member-closed")


async def test_atomic_commands_over_lanes_post_all_or_nothing(both: TwoLedgers) -> None:
    await both.entry(grant_cap(100, "FAIR"))
    held = hold(30, expires_at=both.memory.now + DAY)
    await both.entry(atomic(earn(50), redeem(20), held, earn(5, member="m2"), key="a"), SUPERMARKET)
    await both.refuse(atomic(earn(50, member="m3"), redeem(21, member="m4"), key="b"), "bulk-item-refused")
    assert both.memory.points(3).posted == 0
    await both.entry(atomic(earn(5, scene=CAPPED_SCENE), earn(90, scene=CAPPED_SCENE, member="m2"), key="c"))
    await both.refuse(atomic(earn(6, scene=CAPPED_SCENE), key="d"), "bulk-item-refused")


async def test_epochs_begin_among_all_that_a_member_has_and_everything_goes_on(both: TwoLedgers) -> None:
    await a_full_member(both)
    held = await both.entry(hold(45, expires_at=both.memory.now + 2 * DAY))
    used = await both.entry(redeem(15), SUPERMARKET)
    await both.begin_epoch(bytes(range(16)))
    await both.entry(capture(held, 20))
    await both.begin_epoch(bytes(range(16, 32)))
    await both.entry(reverse(used))
    await both.entry(take_back(4_000, occurred_at=both.memory.now))
    await both.entry(move(3))
    await both.entry(void(held))
