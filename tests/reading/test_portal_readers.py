"""What the portal reads and says of a life: the same facts in both languages, and flows that add up."""

import asyncio
import re
from collections import Counter

import pytest

from api.pages.portal.explanations import explanation
from ledger.reading.balances import BalanceReader
from ledger.reading.flows import Flow, read_flows
from ledger.reading.member_transactions import MemberTransaction, read_member_transactions
from ledger.reading.statement import read_statement
from ledger.rules.commands import Close
from tests.reading.lives import adjust, by_staff, capture, gift, hold, id_of, merge, move, void, write_off
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio

LINES = 200
SHOWN_KINDS = {
    "earn",
    "redeem",
    "reverse",
    "expire",
    "hold",
    "capture",
    "void",
    "hold-expire",
    "gift",
    "merge",
    "adjust",
    "write-off",
}


async def transactions_of(town: Town, name: str, limit: int = LINES, *scenes: str) -> list[MemberTransaction]:
    """Everything that the portal shows of a member, read in pages."""
    found: list[MemberTransaction] = []
    cursor = None
    while True:
        async with town.connection() as connection:
            page = await read_member_transactions(
                connection,
                KEY,
                town.engine.registry.current,
                await town.member(name),
                town.programme(),
                scenes=scenes,
                cursor=cursor,
                limit=limit,
            )
        found += page.transactions
        cursor = page.next_cursor
        if cursor is None:
            return found


async def flows_of(town: Town, name: str) -> list[Flow]:
    async with town.connection() as connection:
        start, end = instant("2000-01-01 00:00"), instant("2100-01-01 00:00")
        return await read_flows(connection, await town.member(name), town.programme(), start, end)


async def live(town: Town) -> None:
    """Everything that can become a line of a statement, to ann and to bob."""
    await town.add_member("bob")
    spent = await town.spend(12_050, scene="food")
    await town.earn(200, scene="leisure", outlet="o-1", channel="app")
    used = await town.redeem(40, scene="food", cash_minor=250, currency="CNY")
    await town.reverse(used, points=15)
    await town.reverse(spent, points=20)
    first, second = await hold(town, 30, outlet="o-2"), await hold(town, 20)
    await hold(town, 10, "2026-01-06 00:00")
    await capture(town, first, 5)
    await capture(town, first, 8, final=True)
    await void(town, second)
    await gift(town, 20)
    await adjust(town, 8)
    await adjust(town, 5, takes=True)
    await town.set_clock("2026-01-06 00:00")
    await town.expire()
    owed = await town.earn(30, member="ref:bob")
    await town.redeem(50, member="ref:bob")
    await town.reverse(owed, points=12)
    await town.earn(5, member="ref:bob")


async def test_both_languages_tell_the_same_figures_of_every_kind_of_line(town: Town) -> None:
    await live(town)
    before = await transactions_of(town, "ann")
    assert {one.view.kind for one in await transactions_of(town, "bob")} == {"gift", "earn", "redeem", "reverse"}
    spent = await town.earn(60)
    balance = await BalanceReader(town.engine.pool).get(await town.member(), town.programme())
    await town.redeem(balance.available)
    await town.reverse(spent, points=50)
    await write_off(town, 3)
    await merge(town, "bob", "ann")
    await town.earn(90)
    await town.set_clock("2026-05-20 00:00")
    await town.expire()
    shown = await transactions_of(town, "ann")
    assert len(shown) > len(before)
    assert {one.view.kind for one in shown} == SHOWN_KINDS
    for one in shown:
        english, chinese = (explanation(one.view, language, "老街茶馆") for language in ("en", "zh"))
        assert re.search(r"[\u4e00-\u9fff].*。$", chinese), chinese
        assert not re.search(r"\b(points?|None|hold|earn|gift|scene|version)\b", chinese), chinese
        assert "None" not in english
        assert figures(english) == figures(chinese), (english, chinese)


def figures(sentence: str) -> Counter[str]:
    """Ids, amounts, days and times of a sentence; English writes a single point as 1 point, as Chinese does."""
    return Counter(re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}|o-\d|\d{4}-\d\d-\d\d|\d\d:\d\d|\d+(?:\.\d+)?", sentence))


async def test_what_is_given_up_is_told_in_both_languages(town: Town) -> None:
    await town.earn(30)
    await by_staff(town, Close(member=await id_of(town, "ann"), gives_up_points=True, reason="moved away"))
    [given_up, _] = await transactions_of(town, "ann")
    assert explanation(given_up.view, "en", None) == "30 points were given up when the account was closed."
    assert explanation(given_up.view, "zh", None) == "销户时放弃30积分。"


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_flows_add_up_to_what_a_member_has(town: Town, name: str) -> None:
    await live(town)
    flows = await flows_of(town, name)
    balance = await BalanceReader(town.engine.pool).get(await town.member(name), town.programme())
    total = sum(flow.points if flow.comes_in else -flow.points for flow in flows)
    has = balance.available + balance.pending + balance.held + balance.lapsed - balance.shortfall
    assert total == has != 0
    assert all(flow.points > 0 for flow in flows)


async def test_a_move_changes_neither_flows_nor_lines(town: Town) -> None:
    await live(town)
    lines, flows = await transactions_of(town, "ann", 3), await flows_of(town, "ann")
    await move(town)
    assert await transactions_of(town, "ann", 3) == lines
    assert await flows_of(town, "ann") == flows


async def test_the_lines_are_those_of_the_statement(town: Town) -> None:
    await live(town)
    await move(town)
    async with town.connection() as connection:
        statement = await read_statement(
            connection,
            KEY,
            town.engine.registry.current,
            await town.member(),
            town.programme(),
            limit=LINES,
        )
    wanted = [(line.transaction_id, line.points, line.held_points, line.reversed_by) for line in statement.lines]
    for limit in (1, 4, LINES):
        shown = await transactions_of(town, "ann", limit)
        told = [(one.view.id, one.view.change("available"), one.view.change("held"), one.reversed_by) for one in shown]
        assert told == wanted


async def test_a_scene_has_its_own_lines_and_what_takes_them_back(town: Town) -> None:
    await live(town)
    everything = await transactions_of(town, "ann")
    for scenes in (("food",), ("leisure",), ("food", "leisure"), ("health",)):
        found = await transactions_of(town, "ann", 2, *scenes)
        assert [one.view.id for one in found] == [one.view.id for one in everything if one.scene in scenes]
    reversals = [one for one in await transactions_of(town, "ann", 2, "food") if one.view.kind == "reverse"]
    assert len(reversals) == 2
    assert {one.view.scene for one in reversals} == {None}


async def test_when_everything_expires_is_told_however_far_away(town: Town) -> None:
    await town.earn(30)
    reader, member, programme = BalanceReader(town.engine.pool), await town.member(), town.programme()
    near = await reader.schedule(member, programme)
    await town.set_clock("2026-01-06 09:00")
    await town.earn(12)
    schedule = await reader.schedule(member, programme)
    assert sum(points for _, points in schedule.by_day) == schedule.balance.available == 42
    assert [day for day, _ in schedule.by_day] == sorted({day for day, _ in schedule.by_day})
    assert near.balance.available == 30


async def test_a_schedule_and_a_balance_that_are_asked_for_together_each_get_what_they_asked_for(town: Town) -> None:
    await town.add_programme("LATE", 900)
    await town.earn(30, programme="LATE")
    reader, member, programme = BalanceReader(town.engine.pool), await town.member(), town.programme("LATE")
    schedule, balance = await asyncio.gather(reader.schedule(member, programme), reader.get(member, programme))
    assert schedule.balance == balance
    assert (balance.available, balance.expiring) == (30, ())
    assert [points for _, points in schedule.by_day] == [30]
