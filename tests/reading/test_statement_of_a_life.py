"""The statement of holds, gifts, merges and corrections: running balances on every line, and plain words."""

import pytest

from ledger.reading.balances import BalanceReader
from ledger.reading.notices import NoticeView, read_notices
from ledger.reading.statement import StatementLine, StatementPage, read_statement
from ledger.rules.commands import Close, Freeze, Unfreeze
from tests.reading.lives import (
    adjust,
    by_staff,
    capture,
    gift,
    hold,
    id_of,
    merge,
    move,
    notify,
    void,
    write_off,
)
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio


async def page_of(town: Town, name: str = "ann", programme: str = "CITY", limit: int = 200) -> StatementPage:
    async with town.connection() as connection:
        return await read_statement(
            connection,
            KEY,
            town.engine.registry.current,
            await town.member(name),
            town.programme(programme),
            limit=limit,
        )


async def lines_of(town: Town, name: str = "ann", programme: str = "CITY") -> list[StatementLine]:
    """The lines, oldest first; both running balances must be right on every one."""
    lines = list(reversed((await page_of(town, name, programme)).lines))
    balance = held = 0
    for line in lines:
        balance += line.points
        held += line.held_points
        assert (line.balance_after, line.held_after) == (balance, held), line
    return lines


def moved(lines: list[StatementLine]) -> list[tuple[str, int, int]]:
    return [(line.kind, line.points, line.held_points) for line in lines]


async def test_a_hold_takes_its_points_from_the_balance_and_a_capture_takes_them_from_what_is_held(town: Town) -> None:
    await town.earn(100)
    first = await hold(town, 30)
    second = await hold(town, 20)
    third = await hold(town, 10, "2026-01-06 00:00")
    captured = await capture(town, first, 5)
    final = await capture(town, first, 8, final=True)
    voided = await void(town, second)
    undone = await town.reverse(captured)
    await town.set_clock("2026-01-06 00:00")
    await town.expire()
    lines = await lines_of(town)
    assert moved(lines) == [
        ("earn", 100, 0),
        ("hold", -30, 30),
        ("hold", -20, 20),
        ("hold", -10, 10),
        ("capture", 0, -5),
        ("capture", 17, -25),
        ("void", 20, -20),
        ("reverse", 5, 0),
        ("hold-expire", 10, -10),
    ]
    assert [line.hold for line in lines] == [None] * 4 + [first.id, first.id, second.id, None, third.id]
    assert [line.explanation for line in lines[1:]] == [
        "30 points held for BAKER (scene food) until 2026-01-12 09:00 UTC.",
        "20 points held for BAKER (scene food) until 2026-01-12 09:00 UTC.",
        "10 points held for BAKER (scene food) until 2026-01-06 00:00 UTC.",
        f"5 points of hold {first.id} used with BAKER (scene food).",
        f"8 points of hold {first.id} used with BAKER (scene food). It was the last use: 17 points released.",
        f"BAKER released 20 points of hold {second.id}.",
        f"BAKER gave back 5 points of redemption {captured.id}.",
        f"The time of hold {third.id} for BAKER ended: 10 points released.",
    ]
    by_id = {line.transaction_id: line for line in lines}
    assert by_id[captured.id].reversed_by == (undone.id,)
    assert by_id[undone.id].reverses == captured.id
    assert not by_id[final.id].reversed_by
    assert by_id[voided.id].available_after == 77


async def test_what_a_release_repays_and_what_lapses_with_it_is_said(town: Town) -> None:
    spent = await town.earn(10)
    await town.redeem(10)
    await town.set_clock("2026-01-06 09:00")
    await town.earn(30)
    held = await hold(town, 30, "2026-04-10 00:00")
    await town.reverse(spent)
    await town.set_clock("2026-04-08 00:00")
    await void(town, held)
    line = (await lines_of(town))[-1]
    assert (line.points, line.held_points, line.balance_after) == (0, -30, 0)
    assert line.explanation == (
        f"BAKER released 30 points of hold {held.id}. 10 points of them repaid what was owed."
        " 20 points of them expired: the last day to use them was over."
    )


async def test_points_of_a_hold_whose_time_is_over_are_told_beside_the_lines_until_posted(town: Town) -> None:
    await town.earn(100)
    await hold(town, 30, "2026-01-06 00:00")
    await town.set_clock("2026-01-06 00:00")
    page = await page_of(town)
    balance = await BalanceReader(town.engine.pool).get(await town.member(), town.programme())
    assert (page.lines[0].balance_after, page.lapsing, page.releasing, balance.available) == (70, 0, 30, 100)
    await town.expire()
    page = await page_of(town)
    assert (page.lines[0].kind, page.lines[0].balance_after, page.releasing) == ("hold-expire", 100, 0)


async def test_a_gift_is_a_line_of_both_and_neither_tells_who_the_other_is(town: Town) -> None:
    await town.add_member("bob")
    spent = await town.earn(8, member="ref:bob")
    await town.redeem(8, member="ref:bob")
    await town.reverse(spent)
    await town.earn(50)
    await gift(town, 20)
    given, received = (await lines_of(town))[-1], (await lines_of(town, "bob"))[-1]
    assert (given.points, received.points) == (-20, 12)
    assert given.explanation == "20 points given to another member, through BAKER."
    assert received.explanation == (
        "20 points received as a gift, through BAKER. 8 points of them repaid what was owed."
    )
    ids = {await id_of(town, "ann"), await id_of(town, "bob"), given.transaction_id, received.transaction_id}
    assert not any(identifier in line.explanation for line in (given, received) for identifier in ids)


async def test_what_a_merge_takes_over_is_lines_of_the_member_that_stays(town: Town) -> None:
    await town.add_member("bob")
    await town.earn(5, member="ref:bob")
    spent = await town.earn(40)
    await hold(town, 30)
    await town.redeem(10)
    await town.reverse(spent, points=25)
    await town.earn(60, partner="BANK")
    await town.reverse(spent)
    await merge(town, "ann", "bob")
    lines = await lines_of(town, "bob")
    assert moved(lines) == [("earn", 5, 0), ("merge", 35, 0), ("merge", 0, 30), ("merge", 0, 0)]
    assert [line.explanation for line in lines[1:]] == [
        "35 points taken over from another account of the same person.",
        "30 points held for BAKER until 2026-01-12 09:00 UTC taken over from another account of the same person.",
        "15 points owed taken over from another account of the same person.",
    ]
    await move(town, "bob")
    assert await lines_of(town, "bob") == lines


async def test_corrections_say_at_whose_cost_and_that_two_decided(town: Town) -> None:
    spent = await town.earn(30)
    await town.redeem(30)
    await town.reverse(spent, points=12)
    await adjust(town, 10, partner="BANK")
    await write_off(town)
    await adjust(town, 8)
    await adjust(town, 5, takes=True)
    lines = await lines_of(town)
    assert moved(lines)[3:] == [("adjust", 0, 0), ("write-off", 0, 0), ("adjust", 8, 0), ("adjust", -5, 0)]
    assert [line.explanation for line in lines[3:]] == [
        "10 points given at the cost of BANK, by decision of two persons. 10 points of them repaid what was owed.",
        "2 points that were owed are forgiven, by decision of two persons.",
        "8 points given at the cost of BAKER, by decision of two persons.",
        "5 points issued by BAKER taken back, by decision of two persons.",
    ]


async def test_notices_and_the_states_of_the_member_are_no_lines(town: Town) -> None:
    await town.earn(30)
    await notify(town, "2026-04-05", 60)
    member = await id_of(town, "ann")
    for command in (Freeze(member=member), Unfreeze(member=member), Close(member=member, gives_up_points=True)):
        await by_staff(town, command)
    lines = await lines_of(town)
    assert [line.kind for line in lines] == ["earn", "expire"]
    assert lines[-1].explanation == "30 points were given up when the account was closed."


async def test_notices_are_a_list_of_their_own_newest_first(town: Town) -> None:
    await town.earn(30)
    first = await notify(town, "2026-04-05", 60)
    await town.set_clock("2026-01-06 09:00")
    await town.redeem(10)
    second = await notify(town, "2026-04-05", 30)
    member, programme = await town.member(), town.programme()
    async with town.connection() as connection:
        page = await read_notices(connection, KEY, member, programme, limit=1)
        rest = await read_notices(connection, KEY, member, programme, cursor=page.next_cursor)
        assert (await read_notices(connection, KEY, member, town.programme("GRACE"))).notices == ()
    assert second.notice is not None
    assert page.notices == (
        NoticeView(
            id=second.id,
            points=20,
            last_day=second.notice.last_day,
            days_before=30,
            recorded_at=instant("2026-01-06 09:00"),
        ),
    )
    assert [(notice.id, notice.points, notice.days_before) for notice in rest.notices] == [(first.id, 30, 60)]
    assert rest.next_cursor is None
