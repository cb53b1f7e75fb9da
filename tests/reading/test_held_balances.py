"""Balances with holds: a hold past its time counts as released at once, for every reader, posted or not."""

import random
from datetime import date

import pytest

from ledger.reading.balances import BalanceReader, BalanceView, balance_as_of
from ledger.reading.lots import read_lots
from ledger.reading.statement import read_statement
from ledger.reading.transactions import TransactionView, view_posted
from ledger.rules.business_day import end_of_day, to_datetime
from ledger.rules.commands import Capture, Earn, Gift, PartnerCommand, PlaceHold, Redeem, Reverse
from ledger.rules.outcomes import Posted
from tests.reading.lives import capture, hold, void
from tests.reading.town import KEY, Town, instant

pytestmark = pytest.mark.anyio

HOUR = 3_600_000_000
DAY = 24 * HOUR
START = instant("2026-01-05 09:00")

SUMS = """
select (select coalesce(sum(remaining + held), 0)::bigint from lots where member = %(member)s),
       (select coalesce(sum(amount) filter (where credit_kind in (2, 3) and credit_owner = %(member)s), 0)::bigint
             - coalesce(sum(amount) filter (where debit_kind in (2, 3) and debit_owner = %(member)s), 0)::bigint
        from postings),
       (select coalesce(sum(amount) filter (where debit_kind = 4 and debit_owner = %(member)s), 0)::bigint
             - coalesce(sum(amount) filter (where credit_kind = 4 and credit_owner = %(member)s), 0)::bigint
        from postings)
"""


async def now_of(town: Town) -> BalanceView:
    return await BalanceReader(town.engine.pool).get(await town.member(), town.programme())


async def as_of(town: Town, recorded: int | None = None, occurred: int | None = None) -> BalanceView:
    async with town.connection() as connection:
        return await balance_as_of(connection, await town.member(), town.programme(), recorded, occurred)


def figures(view: BalanceView) -> tuple[int, int, int, int, int]:
    return (view.available, view.held, view.pending, view.shortfall, view.lapsed)


async def test_held_points_are_not_available_and_a_captured_or_voided_part_is_not_held(town: Town) -> None:
    await town.earn(100)
    first, second = await hold(town, 30), await hold(town, 20)
    assert figures(await now_of(town)) == (50, 50, 0, 0, 0)
    await capture(town, first, 10)
    assert figures(await now_of(town)) == (50, 40, 0, 0, 0)
    await void(town, second)
    assert figures(await now_of(town)) == figures(await as_of(town)) == (70, 20, 0, 0, 0)


async def test_a_hold_is_over_from_its_last_instant_on(town: Town) -> None:
    await town.earn(100)
    await hold(town, 30, "2026-01-06 00:00")
    await set_clock(town, instant("2026-01-06 00:00") - 1)
    assert figures(await now_of(town)) == figures(await as_of(town)) == (70, 30, 0, 0, 0)
    await town.set_clock("2026-01-06 00:00")
    assert figures(await now_of(town)) == figures(await as_of(town)) == (100, 0, 0, 0, 0)
    assert figures(await as_of(town, recorded=instant("2026-01-06 00:00") - 1)) == (70, 30, 0, 0, 0)
    await town.expire()
    assert figures(await now_of(town)) == figures(await as_of(town)) == (100, 0, 0, 0, 0)


async def test_what_a_hold_releases_repays_a_debt_before_it_is_available(town: Town) -> None:
    spent = await town.earn(50)
    await town.redeem(50)
    await town.earn(60)
    await hold(town, 30, "2026-01-06 00:00")
    await hold(town, 30, "2026-01-07 00:00")
    await town.reverse(spent)
    assert figures(await now_of(town)) == (0, 60, 0, 50, 0)
    await town.set_clock("2026-01-06 00:00")
    assert figures(await now_of(town)) == figures(await as_of(town)) == (0, 30, 0, 20, 0)
    await town.set_clock("2026-01-07 00:00")
    before = await now_of(town)
    assert figures(before) == figures(await as_of(town)) == (10, 0, 0, 0, 0)
    await town.expire()
    assert await now_of(town) == before


async def test_what_a_hold_releases_past_the_last_day_of_its_lot_repays_and_the_rest_has_lapsed(town: Town) -> None:
    spent = await town.earn(10)
    await town.redeem(10)
    await town.set_clock("2026-01-06 09:00")
    await town.earn(30)
    await hold(town, 30, "2026-04-10 00:00")
    await town.reverse(spent)
    await town.set_clock("2026-04-06 16:00")
    assert figures(await now_of(town)) == (0, 30, 0, 10, 0)
    await town.set_clock("2026-04-10 00:00")
    assert figures(await now_of(town)) == figures(await as_of(town)) == (0, 0, 0, 0, 20)
    await town.expire()
    assert figures(await now_of(town)) == (0, 0, 0, 0, 0)
    assert figures(await as_of(town, recorded=instant("2026-04-10 00:00") - 1)) == (0, 30, 0, 10, 0)


async def test_held_points_are_not_announced_to_expire_until_they_are_released(town: Town) -> None:
    await town.earn(100)
    await hold(town, 30, "2026-01-06 00:00")
    assert (await now_of(town)).expiring == ((date(2026, 4, 5), 70),)
    await town.set_clock("2026-01-06 00:00")
    assert (await now_of(town)).expiring == (await as_of(town)).expiring == ((date(2026, 4, 5), 100),)


async def test_a_hold_released_late_counts_from_the_end_of_its_time_where_one_asks_what_had_happened(
    town: Town,
) -> None:
    await town.earn(30)
    await hold(town, 20, "2026-04-01 00:00")
    await town.set_clock("2026-04-05 16:00")
    await town.expire()
    assert figures(await as_of(town, occurred=instant("2026-03-31 23:59"))) == (10, 20, 0, 0, 0)
    assert figures(await as_of(town, occurred=instant("2026-04-01 00:00"))) == (30, 0, 0, 0, 0)
    assert figures(await as_of(town, occurred=instant("2026-04-05 15:59"))) == (30, 0, 0, 0, 0)
    assert figures(await as_of(town, occurred=instant("2026-04-05 16:00"))) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(4))
async def test_all_readers_agree_with_each_other_and_with_lots_and_postings_at_any_instant(
    town: Town, seed: int
) -> None:
    await town.add_member("bob")
    walk = _Walk(town, random.Random(seed))
    for _ in range(5):
        await walk.live()
        await walk.pass_boundaries()
    assert min(walk.released, walk.repaid, walk.lapsed) > 2
    for view in walk.seen:
        assert await as_of(town, recorded=view.as_of) == view


class _Walk:
    """Lives at random, goes from boundary to boundary while nothing is posted, and compares all readers."""

    def __init__(self, town: Town, chance: random.Random) -> None:
        self._town = town
        self._chance = chance
        self._now = START
        self._boundaries: set[int] = set()
        self._holds: list[TransactionView] = []
        self.seen: list[BalanceView] = []
        self.released = self.repaid = self.lapsed = 0
        """Steps at which readers alone saw points released, a debt repaid, points lapsed."""

    async def live(self) -> None:
        """Earn lots that lapse soon or late, hold some of them, use others, return earns."""
        earns = [view for _ in range(5) if (view := await self._post(self._earn()))]
        self._holds = [view for _ in range(4) if (view := await self._post(self._hold()))]
        await self._post(Redeem(programme="CITY", member="ref:ann", scene="food", points=self._chance.randint(1, 30)))
        await self._post(
            Gift(programme="CITY", member="ref:ann", receiver="ref:bob", points=self._chance.randint(1, 9))
        )
        for earn in self._chance.sample(earns, 2):
            await self._post(Reverse(transaction=earn.id))
        await self._note(await self._compare())

    async def pass_boundaries(self) -> None:
        """Let time pass; once at random something is posted on the way, and in the end all that is due."""
        later = sorted(moment for moment in self._boundaries if self._now < moment < self._now + 40 * DAY)
        for moment in later:
            for now in (moment - 1, moment):
                self._now = max(self._now, now)
                await set_clock(self._town, self._now)
                await self._note(await self._compare())
            if self._chance.random() < 0.2:
                held = self._chance.choice(self._holds)
                await self._post(Capture(hold=held.id, points=1, final=self._chance.random() < 0.5))
                self.seen[-1] = await self._compare()
        before = await self._compare()
        await self._town.expire()
        after = await self._compare()
        assert (*figures(before)[:4], 0) == figures(after)
        self.seen[-1] = after
        self._now += self._chance.randint(1, 30) * HOUR
        await set_clock(self._town, self._now)

    async def _note(self, view: BalanceView) -> None:
        if self.seen:
            last = self.seen[-1]
            self.released += view.held < last.held
            self.repaid += view.shortfall < last.shortfall
            self.lapsed += view.lapsed > last.lapsed
        self.seen.append(view)

    async def _compare(self) -> BalanceView:
        view = await now_of(self._town)
        assert await as_of(self._town) == view
        member, programme = await self._town.member(), self._town.programme()
        registry = self._town.engine.registry.current
        async with self._town.connection() as connection:
            cursor = await connection.execute(SUMS, {"member": member.number})
            [(lots, postings, owed)] = await cursor.fetchall()
            page = await read_statement(connection, KEY, registry, member, programme, limit=200)
            standing = (await read_lots(connection, KEY, registry, member, programme, limit=200)).lots
        all_points = view.available + view.held + view.pending + view.lapsed
        # What a due hold repays in the eyes of readers is still in lots and postings, and still owed there.
        assert all_points + (owed - view.shortfall) == lots == postings
        assert sum(lot.remaining + lot.held for lot in standing) == all_points
        assert sum(lot.held for lot in standing) == view.held
        assert sum(lot.remaining for lot in standing if lot.state == "lapsed") == view.lapsed
        balance = page.lines[0].balance_after if page.lines else 0
        assert balance - page.lapsing + page.releasing == view.available + view.pending
        return view

    async def _post(self, command: PartnerCommand) -> TransactionView | None:
        """Post something; a refusal is as good as nothing."""
        outcome = await self._town.submit("BAKER", command)
        if not isinstance(outcome, Posted):
            return None
        [view] = await view_posted(self._town.engine.pool, outcome, self._town.engine.registry.current)
        zone = self._town.programme().zone
        self._boundaries |= {end_of_day(lot.expires_on, zone) for lot in view.lots if lot.expires_on is not None}
        if view.expires_at is not None:
            self._boundaries.add(view.expires_at)
        return view

    def _earn(self) -> Earn:
        # Points last 90 days and events are taken up to 60 days late, so the last day is 30 days off or more.
        return Earn(
            programme="CITY",
            member="ref:ann",
            scene="food",
            points=self._chance.randint(1, 25),
            occurred_at=self._now - self._chance.choice([0, 57, 58, 59]) * DAY,
            available_from=self._now + 30 * HOUR if self._chance.random() < 0.2 else None,
        )

    def _hold(self) -> PlaceHold:
        return PlaceHold(
            programme="CITY",
            member="ref:ann",
            points=self._chance.randint(1, 20),
            scene="food",
            expires_at=self._now + self._chance.choice([1, 20, 31 * 24, 33 * 24, 34 * 24]) * HOUR,
        )


async def set_clock(town: Town, moment: int) -> None:
    """Move the ledger's time to an instant."""
    await town.set_clock(to_datetime(moment).replace(tzinfo=None).isoformat())
