"""The statement: its running balance, its pages, its cursors and its sentences."""

import base64
from collections.abc import Iterable

import pytest

from ledger.errors import MalformedCursor, MalformedRequest
from ledger.ids import LedgerKey
from ledger.reading.balances import BalanceReader
from ledger.reading.statement import StatementLine, StatementPage, read_statement
from ledger.rules.programmes import Programme
from ledger.store.members import Member
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio


async def page_of(
    town: Town,
    *,
    name: str = "ann",
    programme: str = "CITY",
    cursor: str | None = None,
    limit: int = 50,
    key: LedgerKey = KEY,
) -> StatementPage:
    member: Member = await town.member(name)
    chosen: Programme = town.programme(programme)
    async with town.connection() as connection:
        registry = town.engine.registry.current
        return await read_statement(connection, key, registry, member, chosen, cursor=cursor, limit=limit)


async def all_lines(town: Town, limit: int) -> list[StatementLine]:
    lines: list[StatementLine] = []
    cursor = None
    for _ in range(100):
        page = await page_of(town, cursor=cursor, limit=limit)
        lines += page.lines
        cursor = page.next_cursor
        if cursor is None:
            return lines
    pytest.fail("the pages do not end")


async def live_through_much(town: Town) -> None:
    """Earn, use, return, owe, repay and let lapse."""
    await town.spend(5_000)
    await town.earn(30, partner="BANK")
    redemption = await town.redeem(60)
    await town.reverse(redemption, points=20)
    second = await town.earn(100)
    await town.redeem(140)
    await town.reverse(second, points=40)
    await town.earn(70, available_from=instant("2026-02-01 00:00"))
    await town.set_clock("2026-03-01 00:00")
    await town.earn(15)
    await town.earn(25)
    await town.set_clock("2026-05-30 16:00")


def assert_running(lines: Iterable[StatementLine]) -> None:
    balance = 0
    for line in reversed(list(lines)):
        balance += line.points
        assert line.balance_after == balance, line


async def test_a_member_without_transactions_has_an_empty_statement(town: Town) -> None:
    assert await page_of(town) == StatementPage((), 0, 0, None)


async def test_each_running_balance_is_the_one_before_plus_the_points(town: Town) -> None:
    await live_through_much(town)
    await town.expire()
    lines = await all_lines(town, 200)
    assert_running(lines)
    assert [line.kind for line in lines][:3] == ["expire"] * 3
    assert lines[-1].points == 50
    assert {line.points > 0 for line in lines if line.kind == "reverse"} == {True, False}


async def test_what_lapsed_and_is_not_posted_yet_is_told_beside_the_lines(town: Town) -> None:
    await live_through_much(town)
    page = await page_of(town)
    balance = await BalanceReader(town.engine.pool).get(await town.member(), town.programme())
    assert page.lapsing == balance.lapsed > 0
    assert page.lines[0].balance_after - page.lapsing == balance.available + balance.pending
    await town.expire()
    after = await page_of(town)
    assert after.lapsing == 0
    assert after.lines[0].balance_after == balance.available + balance.pending


async def test_points_that_had_lapsed_when_they_came_in_stand_in_the_running_balance_until_posted(town: Town) -> None:
    await town.set_clock("2026-05-30 16:00")
    await town.earn(15, occurred_at=instant("2026-01-05 09:00"))
    page = await page_of(town)
    assert (page.lines[0].balance_after, page.lines[0].available_after, page.lapsing) == (15, 0, 15)
    await town.earn(1)
    lines = await all_lines(town, 200)
    assert [(line.kind, line.points, line.balance_after) for line in lines] == [
        ("earn", 1, 1),
        ("expire", -15, 0),
        ("earn", 15, 15),
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_of_any_size_give_the_same_lines(town: Town, limit: int) -> None:
    await live_through_much(town)
    whole = await page_of(town)
    assert whole.next_cursor is None
    assert await all_lines(town, limit) == list(whole.lines)


async def test_a_page_that_ends_with_the_oldest_line_has_no_next_one(town: Town) -> None:
    for points in (1, 2, 3, 4):
        await town.earn(points)
    first = await page_of(town, limit=2)
    second = await page_of(town, cursor=first.next_cursor, limit=2)
    assert [line.points for line in (*first.lines, *second.lines)] == [4, 3, 2, 1]
    assert second.next_cursor is None


async def test_transactions_that_come_while_one_pages_change_no_later_page(town: Town) -> None:
    await live_through_much(town)
    whole = await page_of(town)
    first = await page_of(town, limit=3)
    await town.earn(1_000)
    second = await page_of(town, cursor=first.next_cursor)
    assert (*first.lines, *second.lines) == whole.lines


async def test_programmes_have_statements_of_their_own(town: Town) -> None:
    await town.earn(1)
    await town.earn(2, programme="GRACE")
    await town.earn(4)
    page = await page_of(town)
    assert [(line.points, line.balance_after) for line in page.lines] == [(4, 5), (1, 1)]


async def test_a_reversal_and_its_original_name_each_other(town: Town) -> None:
    earn = await town.earn(10)
    first = await town.reverse(earn, points=3)
    second = await town.reverse(earn, points=4)
    lines = (await page_of(town)).lines
    assert [line.reverses for line in lines] == [earn.id, earn.id, None]
    assert [line.reversed_by for line in lines] == [(), (), (first.id, second.id)]


async def test_each_line_says_who_where_by_which_rule_and_what_it_reverses(town: Town) -> None:
    earn = await town.spend(9_050, outlet="A1", channel="pos")
    redemption = await town.redeem(60, partner="BANK", cash_minor=1_200, currency="CNY")
    undone = await town.reverse(redemption, partner="BANK", points=1)
    await town.reverse(earn, spend_minor=9_050, currency="CNY")
    await town.earn(100, partner="BANK")
    await town.set_clock("2026-05-30 16:00")
    await town.expire()
    rule = "Version 1 of the rules of CITY gives 1 point for each whole 1.00 CNY"
    taken_back = "with 90.50 CNY taken back, 90 points are no longer earned."
    assert [line.explanation for line in reversed((await page_of(town)).lines)] == [
        f"BAKER gave 90 points (scene food, outlet A1, channel pos). {rule}: 90.50 CNY earn 90 points.",
        "60 points used with BANK (scene food), beside 12.00 CNY paid in cash.",
        f"BANK gave back 1 point of redemption {undone.reverses}.",
        f"BAKER took back 90 points of earn {earn.id}. 59 points were used already and are owed. {rule}: {taken_back}",
        "BANK gave 100 points (scene food), a number that it stated itself. 59 points of them repaid what was owed.",
        "41 points expired: the last day to use them was 2026-04-05.",
    ]


@pytest.mark.parametrize("limit", [0, -1, 201, 1 << 70])
async def test_a_page_has_one_to_two_hundred_lines(town: Town, limit: int) -> None:
    with pytest.raises(MalformedRequest) as refused:
        await page_of(town, limit=limit)
    assert refused.value.facts == {"field": "limit", "got": limit, "wanted": "1 to 200"}


async def test_a_cursor_serves_only_the_list_and_the_ledger_it_was_made_for(town: Town) -> None:
    await town.add_member("bob")
    for name in ("ann", "bob"):
        for programme in ("CITY", "GRACE"):
            for points in (1, 2):
                await town.earn(points, member=f"ref:{name}", programme=programme)
    cursor = (await page_of(town, limit=1)).next_cursor
    assert cursor is not None
    for elsewhere in (
        page_of(town, name="bob", cursor=cursor),
        page_of(town, programme="GRACE", cursor=cursor),
        page_of(town, cursor=cursor, key=LedgerKey(b"another key that signs otherwise!")),
    ):
        with pytest.raises(MalformedCursor):
            await elsewhere


async def test_an_altered_cursor_is_refused_wherever_it_was_altered(town: Town) -> None:
    await town.earn(1)
    await town.earn(2)
    cursor = (await page_of(town, limit=1)).next_cursor
    assert cursor is not None
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    neighbours = [
        cursor[:spot] + alphabet[(alphabet.index(cursor[spot]) + 1) % 64] + cursor[spot + 1 :]
        for spot in range(len(cursor))
    ]
    sealed = base64.urlsafe_b64encode(b"x" * 40).decode()
    hostile = ["", "=", "a", "é", "\0", "🀄" * 20, cursor + "=", cursor + "A", cursor[:-1], sealed, "A" * 10_000]
    for altered in [*neighbours, *hostile]:
        with pytest.raises(MalformedCursor) as refused:
            await page_of(town, cursor=altered)
        assert refused.value.facts == {"field": "cursor"}
