"""Balances now and at other times, against lots and postings."""

import asyncio
import random
from datetime import date

import pytest

from ledger.errors import LedgerError, MalformedRequest
from ledger.reading.balances import BalanceReader, BalanceView, balance_as_of
from ledger.reading.transactions import TransactionView, view_posted
from ledger.rules.business_day import to_datetime
from ledger.rules.commands import Earn, Redeem, Reverse
from ledger.rules.outcomes import Posted
from ledger.store.members import Member
from tests.reading.town import Town, instant

pytestmark = pytest.mark.anyio

DAY = 86_400_000_000

SUMS_OF_LOTS_AND_POSTINGS = """
select (select coalesce(sum(remaining + held), 0)::bigint from lots where member = %(member)s),
       (select coalesce(sum(amount) filter (where credit_kind in (2, 3) and credit_owner = %(member)s), 0)::bigint
             - coalesce(sum(amount) filter (where debit_kind in (2, 3) and debit_owner = %(member)s), 0)::bigint
        from postings)
"""


async def now_of(town: Town, name: str = "ann", programme: str = "CITY") -> BalanceView:
    return await BalanceReader(town.engine.pool).get(await town.member(name), town.programme(programme))


async def as_of(town: Town, recorded: int | None = None, occurred: int | None = None) -> BalanceView:
    async with town.connection() as connection:
        return await balance_as_of(connection, await town.member(), town.programme(), recorded, occurred)


def figures(view: BalanceView) -> tuple[int, int, int, int, int]:
    return (view.available, view.held, view.pending, view.shortfall, view.lapsed)


async def test_a_member_without_points_has_zeros(town: Town) -> None:
    view = await now_of(town)
    assert view == BalanceView(
        available=0, held=0, pending=0, shortfall=0, lapsed=0, expiring=(), as_of=instant("2026-01-05 09:00")
    )
    assert await as_of(town) == view


async def test_pending_lapsed_owed_and_available_points_are_told_apart(town: Town) -> None:
    await town.earn(10, occurred_at=instant("2025-12-10 00:00"))
    spent = await town.earn(100)
    await town.redeem(90)
    await town.reverse(spent)
    assert figures(await now_of(town)) == (0, 0, 0, 80, 0)
    await town.earn(85)
    await town.earn(20, available_from=instant("2026-06-01 00:00"), occurred_at=instant("2026-01-05 09:00"))
    assert figures(await now_of(town)) == (5, 0, 20, 0, 0)
    await town.set_clock("2026-04-05 15:59")
    assert figures(await now_of(town)) == (5, 0, 20, 0, 0)
    await town.set_clock("2026-04-05 16:00")
    lapsed = await now_of(town)
    assert figures(lapsed) == (0, 0, 0, 0, 25)
    assert lapsed.expiring == ()
    await town.expire()
    assert figures(await now_of(town)) == (0, 0, 0, 0, 0)


async def test_what_expires_is_grouped_by_day_up_to_ninety_days_ahead(town: Town) -> None:
    await town.earn(10)
    await town.earn(5, available_from=instant("2026-02-01 00:00"))
    await town.set_clock("2026-01-06 09:00")
    await town.earn(7)
    await town.set_clock("2026-01-06 15:59")
    assert (await now_of(town)).expiring == ((date(2026, 4, 5), 15), (date(2026, 4, 6), 7))
    await town.set_clock("2026-01-07 02:00")
    await town.earn(8, occurred_at=instant("2026-01-07 01:00"))
    assert (await now_of(town)).expiring == ((date(2026, 4, 5), 15), (date(2026, 4, 6), 7), (date(2026, 4, 7), 8))


async def test_points_that_expire_later_than_ninety_days_are_not_announced(town: Town) -> None:
    await town.earn(10, occurred_at=instant("2026-01-05 09:00"))
    await town.earn(10, occurred_at=instant("2026-01-05 09:00") + 40_000_000)
    assert len((await now_of(town)).expiring) == 1
    # The business day of a till whose clock is ahead may be the next one.
    await town.set_clock("2026-01-05 15:59")
    await town.earn(3, occurred_at=instant("2026-01-05 15:59") + 60_000_000)
    view = await now_of(town)
    assert [on for on, _ in view.expiring] == [date(2026, 4, 5)]
    assert view.available == 23


@pytest.mark.parametrize("validity_days", [None, 900])
async def test_pending_points_are_told_apart_however_late_they_expire(town: Town, validity_days: int | None) -> None:
    await town.add_programme("SLOW", validity_days)
    await town.earn(10, programme="SLOW")
    await town.earn(3, programme="SLOW", available_from=instant("2026-02-01 00:00"))
    await town.earn(4, programme="SLOW", available_from=instant("2026-02-02 00:00"))
    assert figures(await now_of(town, programme="SLOW")) == (10, 0, 7, 0, 0)
    await town.set_clock("2026-02-01 12:00")
    assert figures(await now_of(town, programme="SLOW")) == (13, 0, 4, 0, 0)
    await town.set_clock("2026-02-02 00:00")
    assert figures(await now_of(town, programme="SLOW")) == (17, 0, 0, 0, 0)


async def test_programmes_are_never_summed(town: Town) -> None:
    await town.earn(10)
    await town.earn(20, programme="GRACE")
    assert (await now_of(town)).available == 10
    assert (await now_of(town, programme="GRACE")).available == 20


async def test_sixty_four_readers_at_the_same_time_cost_one_query(town: Town) -> None:
    await town.earn(10)
    names = [f"reader-{number}" for number in range(32)]
    for name in names:
        await town.add_member(name)
    members = [await town.member(name) for name in names] + [await town.member()] * 32
    reader = BalanceReader(town.engine.pool)
    before = town.engine.pool.get_stats()["requests_num"]
    views = await asyncio.gather(*(reader.get(member, town.programme()) for member in members))
    assert town.engine.pool.get_stats()["requests_num"] - before == 1
    assert [view.available for view in views] == [0] * 32 + [10] * 32


async def test_a_lane_that_does_not_exist_is_an_error_and_no_balance(town: Town) -> None:
    with pytest.raises(LookupError, match="lane 99"):
        await BalanceReader(town.engine.pool).get(Member(99, 1), town.programme())


async def test_readers_and_decisions_agree_on_the_time_of_a_lane_that_is_ahead(town: Town) -> None:
    await town.set_clock("2026-04-05 16:00")
    await town.earn(1)
    member = await town.member()
    async with town.connection() as connection:
        await connection.execute(
            "update lanes set recorded_at = recorded_at + interval '30 seconds' where lane = %s", [member.lane]
        )
    view = await town.earn(10)
    assert view.available == 11
    assert (await now_of(town)).available == 11
    assert (await as_of(town)).available == 11


async def test_each_past_balance_can_be_asked_for_again_as_it_was_recorded(town: Town) -> None:
    seen = []
    chance = random.Random(3)
    originals: list[TransactionView] = []
    for day in range(200):
        moment = instant("2026-01-05 09:00") + day * DAY
        await town.set_clock(to_datetime(moment).replace(tzinfo=None).isoformat())
        if day % 3:
            originals += await _something(town, chance, originals, moment)
        view = await now_of(town)
        assert await as_of(town, recorded=moment) == view == await as_of(town)
        await _assert_promise(town, view)
        seen.append(view)
    assert {view.lapsed > 0 for view in seen} == {True, False}
    assert any(view.pending for view in seen)
    assert any(view.shortfall for view in seen)
    for view in seen:
        assert await as_of(town, recorded=view.as_of) == view
    assert figures(await as_of(town, recorded=instant("2026-01-05 08:59"))) == (0, 0, 0, 0, 0)


async def _something(
    town: Town, chance: random.Random, originals: list[TransactionView], moment: int
) -> list[TransactionView]:
    """Post something likely to succeed; a refusal is as good as nothing."""
    choice = chance.random()
    command: Earn | Redeem | Reverse
    if choice < 0.5 or not originals:
        available_from = moment + 3 * DAY if chance.random() < 0.3 else None
        command = Earn(
            programme="CITY",
            member="ref:ann",
            scene="food",
            points=chance.randint(1, 90),
            available_from=available_from,
        )
    elif choice < 0.75:
        command = Redeem(programme="CITY", member="ref:ann", scene="food", points=chance.randint(1, 60))
    elif choice < 0.95:
        command = Reverse(transaction=chance.choice(originals).id)
    else:
        return await town.expire()
    outcome = await town.submit("BAKER", command)
    return (
        await view_posted(town.engine.pool, outcome, town.engine.registry.current)
        if isinstance(outcome, Posted)
        else []
    )


async def _assert_promise(town: Town, view: BalanceView) -> None:
    member = await town.member()
    async with town.connection() as connection:
        cursor = await connection.execute(SUMS_OF_LOTS_AND_POSTINGS, {"member": member.number})
        [(lots, postings)] = await cursor.fetchall()
    assert view.available + view.held + view.pending + view.lapsed == lots == postings


async def test_what_had_happened_is_another_question_than_what_was_recorded(town: Town) -> None:
    await town.set_clock("2026-01-10 00:00")
    await town.earn(10, occurred_at=instant("2026-01-07 00:00"))
    assert (await as_of(town, recorded=instant("2026-01-08 00:00"))).available == 0
    happened = await as_of(town, occurred=instant("2026-01-08 00:00"))
    assert (happened.available, happened.as_of) == (10, instant("2026-01-08 00:00"))
    assert (await as_of(town, occurred=instant("2026-01-06 00:00"))).available == 0


async def test_a_use_that_happened_before_its_earn_shows_as_negative(town: Town) -> None:
    await town.set_clock("2026-01-10 00:00")
    await town.earn(10, occurred_at=instant("2026-01-08 00:00"))
    await town.redeem(4, occurred_at=instant("2026-01-07 00:00"))
    assert (await as_of(town, occurred=instant("2026-01-07 12:00"))).available == -4
    assert (await as_of(town, occurred=instant("2026-01-08 00:00"))).available == 6


@pytest.mark.parametrize(
    ("recorded", "occurred", "field"),
    [
        ("2026-01-01 00:00", "2026-01-01 00:00", "occurred_as_of"),
        ("2026-01-05 09:01", None, "as_of"),
        (None, "2026-01-05 09:01", "occurred_as_of"),
    ],
)
async def test_both_questions_at_once_and_times_to_come_are_refused(
    town: Town, recorded: str | None, occurred: str | None, field: str
) -> None:
    with pytest.raises(MalformedRequest) as refused:
        await as_of(town, *(None if text is None else instant(text) for text in (recorded, occurred)))
    assert isinstance(refused.value, LedgerError)
    assert refused.value.facts["field"] == field
