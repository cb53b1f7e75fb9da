"""Lots: what is left of each, in which state, page by page."""

import pytest

from ledger.errors import MalformedCursor, MalformedRequest
from ledger.reading.lots import LotsPage, MemberLot, read_lots
from ledger.rules.commands import Close
from ledger.rules.programmes import Registry
from tests.reading.lives import by_staff, capture, gift, hold, id_of, merge, move
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio


async def page_of(
    town: Town,
    *,
    programme: str = "CITY",
    all_lots: bool = False,
    cursor: str | None = None,
    limit: int = 50,
    registry: Registry | None = None,
    name: str = "ann",
) -> LotsPage:
    async with town.connection() as connection:
        return await read_lots(
            connection,
            KEY,
            registry or town.engine.registry.current,
            await town.member(name),
            town.programme(programme),
            all_lots=all_lots,
            cursor=cursor,
            limit=limit,
        )


def standings(page: LotsPage) -> list[tuple[str, int]]:
    return [(lot.state, lot.remaining) for lot in page.lots]


async def test_a_lot_tells_its_issuer_its_dates_and_what_is_left(town: Town) -> None:
    earn = await town.earn(30, partner="BANK")
    await town.redeem(10)
    assert (await page_of(town)).lots == (
        MemberLot(
            id=earn.lots[0].id,
            funding=(("BANK", 1),),
            original=30,
            remaining=20,
            held=0,
            available_from=instant("2026-01-05 09:00"),
            expires_on=earn.lots[0].expires_on,
            state="usable",
            restored_from=None,
            moved_from=None,
        ),
    )


async def test_each_state_of_a_lot_is_named(town: Town) -> None:
    await town.earn(10)
    await town.redeem(10)
    await town.set_clock("2026-01-06 00:00")
    await town.earn(20)
    await town.set_clock("2026-01-07 00:00")
    await town.earn(30, available_from=instant("2026-09-01 00:00"))
    await town.earn(40)
    assert standings(await page_of(town)) == [("usable", 20), ("pending", 30), ("usable", 40)]
    assert standings(await page_of(town, all_lots=True)) == [
        ("usable", 40),
        ("pending", 30),
        ("usable", 20),
        ("used", 0),
    ]
    await town.set_clock("2026-04-06 16:00")
    assert standings(await page_of(town)) == [("lapsed", 20), ("pending", 30), ("usable", 40)]
    await town.expire()
    assert standings(await page_of(town)) == [("pending", 30), ("usable", 40)]
    assert standings(await page_of(town, all_lots=True))[2:] == [("lapsed", 0), ("used", 0)]


async def test_a_restored_lot_names_the_lot_it_came_from(town: Town) -> None:
    earn = await town.earn(30, programme="GRACE")
    redemption = await town.redeem(30, programme="GRACE")
    await town.set_clock("2026-05-01 00:00")
    restored = await town.reverse(redemption)
    [child] = (await page_of(town, programme="GRACE")).lots
    assert (child.id, child.restored_from) == (restored.lots[0].id, earn.lots[0].id)
    assert [lot.id for lot in (await page_of(town, programme="GRACE", all_lots=True)).lots] == [
        child.id,
        earn.lots[0].id,
    ]


async def test_a_lot_whose_points_repaid_a_shortfall_is_listed_once(town: Town) -> None:
    earn = await town.earn(30)
    await town.redeem(30)
    await town.reverse(earn)
    repaying = await town.earn(50, partner="BANK")
    assert [(lot.id, lot.remaining, lot.state) for lot in (await page_of(town, all_lots=True)).lots] == [
        (repaying.lots[0].id, 20, "usable"),
        (earn.lots[0].id, 0, "used"),
    ]


@pytest.mark.parametrize("which", ["open", "all"])
@pytest.mark.parametrize("limit", [1, 2, 4])
async def test_pages_of_any_size_give_the_same_lots(town: Town, which: str, limit: int) -> None:
    all_lots = which == "all"
    await town.set_clock("2026-01-12 00:00")
    for day in (9, 7, 8):
        await town.earn(day, occurred_at=instant(f"2026-01-0{day} 00:00"))
        await town.earn(day)
        await town.redeem(4)
    whole = await page_of(town, all_lots=all_lots)
    found: list[MemberLot] = []
    cursor = None
    for _ in range(20):
        page = await page_of(town, all_lots=all_lots, cursor=cursor, limit=limit)
        found += page.lots
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == list(whole.lots)
    assert len(found) == (6 if all_lots else 5)
    if not all_lots:
        assert found == sorted(found, key=lambda lot: (str(lot.expires_on), lot.available_from))


async def test_lots_without_last_day_come_last_and_can_be_paged_through(town: Town) -> None:
    await town.earn(1)
    await town.add_programme("EVER")
    for points in (1, 2, 3):
        await town.earn(points, programme="EVER")
    first = await page_of(town, programme="EVER", limit=1)
    rest = await page_of(town, programme="EVER", cursor=first.next_cursor)
    assert [lot.original for lot in (*first.lots, *rest.lots)] == [1, 2, 3]
    assert {lot.expires_on for lot in rest.lots} == {None}


async def test_a_set_up_that_is_older_than_the_lots_is_read_again(town: Town) -> None:
    await town.earn(1)
    assert await page_of(town, registry=Registry(0, {}, {}, {})) == await page_of(town)


async def test_cursors_of_open_and_of_all_lots_are_not_exchanged_and_limits_hold(town: Town) -> None:
    await town.earn(1)
    await town.earn(2)
    open_cursor = (await page_of(town, limit=1)).next_cursor
    all_cursor = (await page_of(town, limit=1, all_lots=True)).next_cursor
    with pytest.raises(MalformedCursor):
        await page_of(town, cursor=open_cursor, all_lots=True)
    with pytest.raises(MalformedCursor):
        await page_of(town, cursor=all_cursor)
    with pytest.raises(MalformedRequest):
        await page_of(town, limit=201)


async def test_a_lot_is_held_while_all_that_is_left_is_held_even_past_its_last_day(town: Town) -> None:
    await town.earn(30)
    held = await hold(town, 20, "2026-04-10 00:00")
    assert [(lot.state, lot.remaining, lot.held) for lot in (await page_of(town)).lots] == [("usable", 10, 20)]
    await town.redeem(10)
    await town.set_clock("2026-04-05 16:00")
    assert [(lot.state, lot.remaining, lot.held) for lot in (await page_of(town)).lots] == [("held", 0, 20)]
    await capture(town, held, 5)
    assert [(lot.state, lot.remaining, lot.held) for lot in (await page_of(town)).lots] == [("held", 0, 15)]
    await town.set_clock("2026-04-10 00:00")
    assert [(lot.state, lot.remaining, lot.held) for lot in (await page_of(town)).lots] == [("lapsed", 15, 0)]
    await town.expire()
    assert standings(await page_of(town)) == []
    assert standings(await page_of(town, all_lots=True)) == [("lapsed", 0)]


async def test_a_lot_whose_rest_repays_as_its_hold_ends_is_no_longer_open(town: Town) -> None:
    earn = await town.earn(30)
    await hold(town, 30, "2026-01-06 00:00")
    await town.reverse(earn)
    assert standings(await page_of(town)) == [("held", 0)]
    await town.set_clock("2026-01-06 00:00")
    assert standings(await page_of(town)) == []
    assert standings(await page_of(town, all_lots=True)) == [("used", 0)]


async def test_points_given_up_have_lapsed(town: Town) -> None:
    await town.earn(30)
    await by_staff(town, Close(member=await id_of(town, "ann"), gives_up_points=True))
    assert standings(await page_of(town, all_lots=True)) == [("lapsed", 0)]


async def test_a_gift_is_a_lot_of_the_receiver_that_tells_nothing_of_the_giver(town: Town) -> None:
    await town.add_member("bob")
    earn = await town.earn(30, partner="BANK")
    await gift(town, 20)
    for all_lots in (False, True):
        [lot] = (await page_of(town, name="bob", all_lots=all_lots)).lots
        assert (lot.original, lot.remaining, lot.state) == (20, 20, "usable")
        assert (lot.funding, lot.expires_on) == ((("BANK", 1),), earn.lots[0].expires_on)
        assert (lot.restored_from, lot.moved_from) == (None, None)


async def test_lots_taken_over_name_those_they_continue_and_debts_are_no_lots(town: Town) -> None:
    await town.add_member("bob")
    spent = await town.earn(40)
    await town.redeem(40)
    free = await town.earn(30)
    await hold(town, 10)
    await town.reverse(spent)
    await merge(town, "ann", "bob")
    for all_lots in (False, True):
        lots = (await page_of(town, name="bob", all_lots=all_lots)).lots
        assert sorted((lot.state, lot.remaining, lot.held) for lot in lots) == [("held", 0, 10), ("usable", 20, 0)]
        assert {lot.moved_from for lot in lots} == {free.lots[0].id}
    merged = {lot.id for lot in (await page_of(town, name="bob")).lots}
    await move(town, "bob")
    assert {lot.moved_from for lot in (await page_of(town, name="bob")).lots} == merged
