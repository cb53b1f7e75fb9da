"""Holds: what became of one, wherever it went, and which are open."""

import pytest

from ledger.errors import MalformedCursor, MalformedRequest
from ledger.ids import Place
from ledger.reading.holds import CaptureView, HoldsPage, HoldView, read_hold, read_open_holds
from ledger.reading.transactions import TransactionView
from ledger.rules.programmes import Registry
from tests.reading.lives import capture, hold, id_of, merge, move, void
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio


async def read(town: Town, held: TransactionView, registry: Registry | None = None) -> HoldView:
    async with town.connection() as connection:
        place = Place(held.lane, held.sequence)
        found = await read_hold(connection, registry or town.engine.registry.current, place)
    assert found is not None
    assert found.points == found.captured + found.released + found.remaining
    return found


async def page_of(town: Town, name: str = "ann", cursor: str | None = None, limit: int = 50) -> HoldsPage:
    async with town.connection() as connection:
        return await read_open_holds(
            connection,
            KEY,
            town.engine.registry.current,
            await town.member(name),
            town.programme(),
            cursor=cursor,
            limit=limit,
        )


def summary(view: HoldView) -> tuple[str, int, int, int]:
    return (view.state, view.captured, view.released, view.remaining)


async def test_a_hold_that_was_placed_is_open_and_tells_whose_it_is(town: Town) -> None:
    await town.earn(100)
    held = await hold(town, 30, "2026-01-09 00:00", outlet="A1")
    assert await read(town, held) == HoldView(
        id=held.id,
        state="open",
        programme="CITY",
        owner=await town.member(),
        member=await id_of(town, "ann"),
        partner="BAKER",
        points=30,
        captured=0,
        released=0,
        remaining=30,
        scene="food",
        channel=None,
        outlet="A1",
        placed_at=instant("2026-01-05 09:00"),
        expires_at=instant("2026-01-09 00:00"),
        captures=(),
        as_of=instant("2026-01-05 09:00"),
    )


async def test_captures_are_named_earliest_first_and_a_final_one_ends_the_hold(town: Town) -> None:
    await town.earn(100)
    held = await hold(town, 30)
    first = await capture(town, held, 5)
    assert summary(await read(town, held)) == ("open", 5, 0, 25)
    await town.set_clock("2026-01-06 00:00")
    second = await capture(town, held, 7, final=True)
    view = await read(town, held)
    assert summary(view) == ("captured", 12, 18, 0)
    assert view.captures == (
        CaptureView(first.id, 5, instant("2026-01-05 09:00")),
        CaptureView(second.id, 7, instant("2026-01-06 00:00")),
    )


async def test_a_hold_captured_to_the_last_point_is_captured_and_stays_so_when_a_capture_is_reversed(
    town: Town,
) -> None:
    await town.earn(100)
    held = await hold(town, 30)
    captured = await capture(town, held)
    await town.reverse(captured)
    assert summary(await read(town, held)) == ("captured", 30, 0, 0)


async def test_a_void_releases_what_was_not_captured(town: Town) -> None:
    await town.earn(100)
    held = await hold(town, 30)
    await capture(town, held, 10)
    await void(town, held)
    assert summary(await read(town, held)) == ("voided", 10, 20, 0)


async def test_a_hold_past_its_time_has_expired_whether_or_not_that_is_posted(town: Town) -> None:
    await town.earn(100)
    held = await hold(town, 30, "2026-01-06 00:00")
    await capture(town, held, 10)
    await town.set_clock("2026-01-05 23:59")
    assert summary(await read(town, held)) == ("open", 10, 0, 20)
    await town.set_clock("2026-01-06 00:00")
    assert summary(await read(town, held)) == ("expired", 10, 20, 0)
    await town.expire()
    assert summary(await read(town, held)) == ("expired", 10, 20, 0)


async def test_a_hold_is_the_same_one_wherever_a_merge_and_a_move_take_it(town: Town) -> None:
    await town.add_member("bob")
    await town.earn(100)
    held = await hold(town, 30)
    await capture(town, held, 3)
    await merge(town, "ann", "bob")
    await capture(town, held, 4)
    await move(town, "bob")
    await capture(town, held, 5)
    view = await read(town, held)
    assert summary(view) == ("open", 12, 0, 18)
    assert (view.id, view.points, view.placed_at) == (held.id, 30, held.recorded_at)
    assert [captured.points for captured in view.captures] == [3, 4, 5]
    assert (view.owner, view.member) == (await town.member("bob"), await id_of(town, "bob"))
    assert (await page_of(town, "bob")).holds == (view,)
    assert (await page_of(town, "ann")).holds == (view,), "a merged member's name leads to the one it became"
    async with town.connection() as connection:
        cursor = await connection.execute(
            "select lane, sequence from holds where (lane, sequence) <> (%s, %s)", [held.lane, held.sequence]
        )
        legs = [Place(*row) for row in await cursor.fetchall()]
        assert len(legs) == 2
        assert [await read_hold(connection, town.engine.registry.current, leg) for leg in legs] == [view, view]
    await void(town, held)
    assert summary(await read(town, held)) == ("voided", 12, 18, 0)


async def test_what_opened_no_hold_is_none(town: Town) -> None:
    earn = await town.earn(10)
    captured = await capture(town, await hold(town, 5))
    async with town.connection() as connection:
        for place in (Place(earn.lane, earn.sequence), Place(captured.lane, captured.sequence), Place(3, 999)):
            assert await read_hold(connection, town.engine.registry.current, place) is None


async def test_a_set_up_that_is_older_than_the_hold_is_read_again(town: Town) -> None:
    await town.earn(10)
    held = await hold(town, 5)
    assert await read(town, held, Registry(0, {}, {}, {})) == await read(town, held)


async def test_open_holds_are_listed_the_one_that_ends_first_first_without_those_that_ended(town: Town) -> None:
    await town.earn(100)
    late = await hold(town, 1, "2026-01-09 00:00")
    soon = await hold(town, 2, "2026-01-07 00:00")
    same = await hold(town, 3, "2026-01-09 00:00")
    await hold(town, 4, "2026-01-06 00:00")
    await void(town, await hold(town, 5))
    await capture(town, await hold(town, 6))
    await capture(town, late)
    other = await hold(town, 7, "2026-01-08 00:00")
    await town.set_clock("2026-01-06 00:00")
    assert [view.id for view in (await page_of(town)).holds] == [soon.id, other.id, same.id]


@pytest.mark.parametrize("limit", [1, 2, 4, 5])
async def test_pages_of_any_size_give_the_same_holds(town: Town, limit: int) -> None:
    await town.earn(100)
    for day in (9, 8, 9, 7, 9):
        await hold(town, day, f"2026-01-0{day} 00:00")
    whole = await page_of(town)
    assert [view.points for view in whole.holds] == [7, 8, 9, 9, 9]
    found: list[HoldView] = []
    cursor = None
    for _ in range(6):
        page = await page_of(town, cursor=cursor, limit=limit)
        found += page.holds
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == list(whole.holds)


async def test_a_cursor_of_one_members_holds_is_no_other_members(town: Town) -> None:
    await town.add_member("bob")
    for name in ("ann", "bob"):
        await town.earn(10, member=f"ref:{name}")
        for _ in range(2):
            await hold(town, 1, member=name)
    cursor = (await page_of(town, limit=1)).next_cursor
    assert cursor is not None
    with pytest.raises(MalformedCursor):
        await page_of(town, "bob", cursor=cursor)
    with pytest.raises(MalformedRequest):
        await page_of(town, limit=0)
