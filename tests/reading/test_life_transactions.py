"""The views of what happens between earn and use, just posted and read back: ``lives`` compares the two."""

from datetime import date

import pytest

from ledger.ids import Place
from ledger.reading.transaction_views import NoticeFacts
from ledger.reading.transactions import AccountView, TransactionView, reversals_of
from ledger.rules.commands import Close, Freeze, Unfreeze
from tests.reading.lives import (
    APPROVAL,
    add_cap,
    adjust,
    by_staff,
    capture,
    counter_of,
    gift,
    hold,
    id_of,
    merge,
    move,
    notify,
    view_at,
    void,
    write_off,
)
from tests.reading.town import Town, instant

pytestmark = pytest.mark.anyio


def moves(view: TransactionView) -> list[tuple[str, str, int]]:
    return [(posting.debit.kind, posting.credit.kind, posting.points) for posting in view.postings]


async def legs_of(town: Town, head: TransactionView) -> list[tuple[TransactionView, TransactionView]]:
    """The pairs of legs after the head of a merge or move, outgoing and incoming."""
    pairs = []
    sequence = head.sequence
    for _ in range(10):
        sequence += 1
        try:
            out = await view_at(town, Place(head.lane, sequence))
        except KeyError:
            break
        if out.member == head.member and out.kind == head.kind:
            pairs.append((out, await counter_of(town, out)))
    return pairs


async def test_a_hold_tells_its_end_and_its_lots(town: Town) -> None:
    earn = await town.earn(30)
    view = await hold(town, 20, "2026-01-09 12:00", outlet="A1")
    assert (view.kind, view.partner, view.points, view.outlet) == ("hold", "BAKER", 20, "A1")
    assert (view.expires_at, view.hold) == (instant("2026-01-09 12:00"), None)
    assert [(lot.id, lot.points) for lot in view.lots] == [(earn.lots[0].id, 20)]
    assert moves(view) == [("available", "held", 20)]
    assert (view.available, view.held, view.pending) == (10, 20, 0)


async def test_a_capture_names_its_hold_and_only_the_lots_that_it_took(town: Town) -> None:
    for points in (10, 10, 10):
        await town.earn(points)
    held = await hold(town, 30)
    first = await capture(town, held, 5)
    assert (first.kind, first.hold, first.points, first.released) == ("capture", held.id, 5, 0)
    assert [lot.points for lot in first.lots] == [5]
    last = await capture(town, held, 8, final=True)
    assert (last.hold, last.points, last.released) == (held.id, 8, 17)
    assert [lot.points for lot in last.lots] == [5, 3]
    assert moves(last)[-2:] == [("held", "available", 7), ("held", "available", 10)]
    assert (last.available, last.held) == (17, 0)


async def test_a_void_and_the_end_of_a_holds_time_release_what_is_left(town: Town) -> None:
    await town.earn(30)
    first, second = await hold(town, 10), await hold(town, 15, "2026-01-06 00:00")
    await capture(town, first, 4)
    voided = await void(town, first)
    assert (voided.kind, voided.hold, voided.points, voided.released) == ("void", first.id, 6, 0)
    assert [lot.points for lot in voided.lots] == [6]
    await town.set_clock("2026-01-06 01:00")
    earn = await town.earn(1)
    expired = await view_at(town, Place(earn.lane, earn.sequence - 1))
    assert (expired.kind, expired.partner, expired.hold, expired.points) == ("hold-expire", "BAKER", second.id, 15)
    assert (expired.occurred_at, expired.recorded_at) == (instant("2026-01-06 00:00"), instant("2026-01-06 01:00"))


async def test_a_reversed_capture_and_its_reversal_name_each_other(town: Town) -> None:
    await town.earn(30)
    captured = await capture(town, await hold(town, 20))
    undone = await town.reverse(captured, points=5)
    assert (undone.reverses, moves(undone)) == (captured.id, [("redeemed", "available", 5)])
    place = Place(captured.lane, captured.sequence)
    async with town.connection() as connection:
        assert await reversals_of(connection, [place]) == {place: (undone.id,)}


@pytest.mark.parametrize("receiver", ["bob", "cem", "dan", "eve"])
async def test_the_legs_of_a_gift_name_each_other_within_a_lane_and_across(town: Town, receiver: str) -> None:
    for name in ("bob", "cem", "dan", "eve"):
        await town.add_member(name)
    earn = await town.earn(30)
    given = await gift(town, 20, receiver=receiver)
    received = await counter_of(town, given)
    assert (given.kind, received.kind, given.points, received.points) == ("gift", "gift", 20, 20)
    assert (given.member, received.member) == (await id_of(town, "ann"), await id_of(town, receiver))
    assert received.counter == given.id
    assert moves(given) == [("available", "in_transit", 20)]
    assert moves(received) == [("in_transit", "available", 20)]
    assert given.lots[0].id == earn.lots[0].id
    [new] = received.lots
    assert (new.funding, new.points, new.expires_on) == ((("BAKER", 1),), 20, earn.lots[0].expires_on)


async def test_a_merge_takes_lots_holds_and_debts_and_a_hold_keeps_its_id(town: Town) -> None:
    await town.add_member("bob")
    spent = await town.earn(30)
    await town.redeem(30)
    await town.earn(40, available_from=instant("2026-02-01 00:00"), programme="GRACE")
    await town.reverse(spent)
    await town.earn(30, partner="BANK", member="ref:bob")
    await town.earn(5, programme="GRACE")
    held = await hold(town, 5, programme="GRACE")
    old = await id_of(town, "ann")
    head = await merge(town, "ann", "bob")
    assert (head.kind, head.programme, head.currency, head.partner) == ("merge", None, None, None)
    assert (head.member, head.points, head.lots, head.postings) == (old, 0, (), ())
    assert (await counter_of(town, head)).member == await id_of(town, "bob")
    legs = await legs_of(town, head)
    described = {(out.programme, out.points): (moves(out), moves(into)) for out, into in legs}
    assert described == {
        ("CITY", 30): ([("in_transit", "shortfall", 30)], [("shortfall", "in_transit", 30)]),
        ("GRACE", 40): ([("available", "in_transit", 40)], [("in_transit", "available", 40)]),
        ("GRACE", 5): ([("held", "in_transit", 5)], [("in_transit", "held", 5)]),
    }
    [(out, into)] = [(out, into) for out, into in legs if into.expires_at is not None]
    assert (out.hold, into.hold, into.expires_at, into.partner) == (held.id, None, held.expires_at, "BAKER")
    assert (await capture(town, held, 2)).hold == held.id
    await move(town, "bob")
    assert (await capture(town, held, 1)).hold == held.id


async def test_what_was_used_before_a_move_comes_back_in_another_lane_and_both_are_told(town: Town) -> None:
    await town.earn(30)
    redemption = await town.redeem(20)
    moved = await move(town)
    undone = await town.reverse(redemption, points=5)
    again = await town.reverse(redemption, points=6)
    assert undone.lane != redemption.lane
    assert undone.reverses == again.reverses == redemption.id
    assert undone.member == redemption.member == moved.member
    place = Place(redemption.lane, redemption.sequence)
    async with town.connection() as connection:
        assert await reversals_of(connection, [place]) == {place: (undone.id, again.id)}


async def test_corrections_name_who_bears_them_and_the_approval(town: Town) -> None:
    earn = await town.earn(30)
    given = await adjust(town, 10, partner="BANK")
    assert (given.kind, given.partner, given.approval) == ("adjust", "BANK", APPROVAL)
    assert (moves(given), given.lots[0].funding) == ([("issuance", "available", 10)], (("BANK", 1),))
    taken = await adjust(town, 25, takes=True)
    assert (moves(taken), taken.lots[0].id) == ([("available", "issuance", 25)], earn.lots[0].id)
    await town.redeem(15)
    await town.reverse(earn, points=12)
    await town.reverse(earn, points=7)
    forgiven = await write_off(town, 14)
    assert (forgiven.kind, forgiven.partner, forgiven.points) == ("write-off", None, 14)
    assert [(lot.id, lot.points) for lot in forgiven.lots] == [(earn.lots[0].id, 14)]


async def test_the_states_of_a_member_belong_to_no_programme(town: Town) -> None:
    member = await id_of(town, "ann")
    views = [await by_staff(town, command) for command in (Freeze(member=member), Unfreeze(member=member))]
    await town.earn(10)
    closed = await by_staff(town, Close(member=member, gives_up_points=True))
    assert [view.kind for view in (*views, closed)] == ["freeze", "unfreeze", "close"]
    for view in (*views, closed):
        assert (view.programme, view.partner, view.member, view.points) == (None, None, member, 0)
    given_up = await view_at(town, Place(closed.lane, closed.sequence - 1))
    assert (given_up.kind, given_up.points, given_up.is_given_up) == ("expire", 10, True)


async def test_an_expiry_by_time_is_no_giving_up(town: Town) -> None:
    await town.earn(10)
    await town.set_clock("2026-04-05 16:00")
    [expired] = await town.expire()
    assert not expired.is_given_up


async def test_a_notice_tells_points_last_day_and_lead(town: Town) -> None:
    await town.earn(30)
    view = await notify(town, "2026-04-05", 60)
    assert (view.kind, view.points, view.programme, view.postings) == ("notice", 30, "CITY", ())
    assert view.notice == NoticeFacts(date(2026, 4, 5), 60)


async def test_what_concerns_a_cap_has_no_member_and_names_the_cap(town: Town) -> None:
    member = await town.member()
    granted = await add_cap(town, "SPRING", 1_000, member.lane)
    assert (granted.kind, granted.member, granted.partner, granted.programme) == ("cap", None, "BAKER", "CITY")
    assert granted.postings[0].debit == AccountView("authorised", "SPRING")
    assert granted.postings[0].credit == AccountView("pool", "SPRING")
    earn = await town.earn(30)
    assert earn.postings[-1].credit == AccountView("used", "SPRING")
    assert [lot.points for lot in earn.lots] == [30]
    undone = await town.reverse(earn, points=10)
    assert undone.postings[-1].debit == AccountView("used", "SPRING")
