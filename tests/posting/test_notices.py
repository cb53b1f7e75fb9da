"""The notices job: each member is told of points about to expire at 60, 30 and 7 days, once each."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.posting.notices import lead_of, post_notices
from ledger.rules.programmes import EarnRate
from ledger.store.ledger_row import set_sandbox_clock
from ledger.store.registry_writes import NewRules
from tests.builders import DAY, LEDGER_KEY, NOON, earn, redeem
from tests.databases import LedgerDatabase
from tests.life_builders import hold, move
from tests.store.ledger_in_postgres import LedgerInPostgres, open_ledger

VALID_DAYS = 90


class Office:
    """A ledger on a clock that the test sets, and an engine over it."""

    def __init__(self, ledger: LedgerInPostgres, engine: Engine) -> None:
        self.ledger = ledger
        self.engine = engine

    async def day(self, number: int) -> None:
        """Set the clock to noon of a day after the first."""
        async with self.ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NOON + number * DAY)

    async def post(self, command: Any, partner: int = 0) -> Any:
        """Post a command of a partner."""
        owner = 0 if type(command).__name__ == "Move" else self.ledger.partners[partner]
        submission = await self.engine.intake.prepare(owner, self.ledger.next_key(), command)
        return await self.engine.posters.submit(submission)

    async def notices(self) -> list[tuple[int, int]]:
        """Days before and points of all notices, in order."""
        return [
            (days, points)
            for days, points in await self.ledger.rows(
                "select p.days_before, t.points from particulars p join transactions t using (lane, sequence)"
                " where p.days_before is not null order by t.recorded_at, t.lane, t.sequence"
            )
        ]


@pytest.fixture
async def office(database: LedgerDatabase) -> AsyncIterator[Office]:
    """Points that are valid for 90 days."""
    rules = NewRules(EarnRate(1, 100), validity_days=VALID_DAYS)
    async with open_ledger(database, is_sandbox=True, rules=rules) as ledger:
        async with ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NOON)
        async with Engine.open(database.service_url, LEDGER_KEY, groups=1) as engine:
            yield Office(ledger, engine)


async def test_a_member_is_told_60_30_and_7_days_before_and_once_each(office: Office) -> None:
    member = office.ledger.members[0]
    await office.post(earn(100, member=member))
    for number in range(VALID_DAYS + 3):
        await office.day(number)
        await post_notices(office.engine)
    assert await office.notices() == [(60, 100), (30, 100), (7, 100)]


async def test_a_notice_tells_of_what_is_left_and_nobody_is_told_of_nothing(office: Office) -> None:
    spender, saver = office.ledger.members[:2]
    for member in (spender, saver):
        await office.post(earn(100, member=member))
    await office.post(redeem(40, member=saver))
    await office.day(VALID_DAYS - 60)
    await office.post(redeem(100, member=spender))
    assert (await post_notices(office.engine)).points == 60
    assert await office.notices() == [(60, 60)]


async def test_two_jobs_at_once_tell_each_member_once(office: Office) -> None:
    for member in office.ledger.members:
        await office.post(earn(10, member=member))
    await office.day(VALID_DAYS - 30)
    runs = await asyncio.gather(*(post_notices(office.engine) for _ in range(3)))
    assert sum(run.notices for run in runs) == len(office.ledger.members)
    assert await office.notices() == [(30, 10)] * len(office.ledger.members)


async def test_a_job_that_was_down_catches_up_with_the_nearest_lead_alone(office: Office) -> None:
    await office.post(earn(100, member=office.ledger.members[0]))
    await office.day(VALID_DAYS - 20)
    await post_notices(office.engine)
    await office.day(VALID_DAYS - 3)
    await post_notices(office.engine)
    await office.day(VALID_DAYS)
    await post_notices(office.engine)
    assert await office.notices() == [(30, 100), (7, 100)]


async def test_a_member_that_moves_is_not_told_again(office: Office) -> None:
    member = office.ledger.members[0]
    await office.post(earn(100, member=member))
    await office.day(VALID_DAYS - 60)
    await post_notices(office.engine)
    other = next(n for n in range(4) if n != office.ledger.lanes[0])
    await office.post(move(member, other))
    await post_notices(office.engine)
    assert await office.notices() == [(60, 100)]


async def test_the_expiry_job_releases_holds_whose_time_is_over(office: Office) -> None:
    member = office.ledger.members[0]
    await office.post(earn(100, member=member))
    await office.post(hold(30, member=member, expires_at=NOON + DAY))
    await office.day(2)
    lapses = await post_lapses(office.engine)
    assert (lapses.holds, lapses.members, lapses.expiries) == (1, 1, 0)
    assert await office.ledger.rows("select posted, held from member_points") == [(100, 0)]
    assert (await post_lapses(office.engine)).holds == 0


async def test_points_that_lapse_under_a_hold_expire_when_its_time_is_over(office: Office) -> None:
    member = office.ledger.members[0]
    await office.post(earn(100, member=member))
    await office.day(VALID_DAYS - 1)
    await office.post(hold(30, member=member, expires_at=NOON + (VALID_DAYS + 5) * DAY))
    await office.day(VALID_DAYS + 1)
    assert (await post_lapses(office.engine)).points == 70
    await office.day(VALID_DAYS + 6)
    lapses = await post_lapses(office.engine)
    assert (lapses.holds, lapses.points) == (1, 30)
    assert await office.ledger.rows("select posted, held from member_points") == [(0, 0)]


@pytest.mark.parametrize(
    ("left", "lead"),
    [(91, None), (61, None), (60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (1, 7), (0, None), (-1, None)],
)
def test_the_lead_is_the_nearest_that_is_due(left: int, lead: int | None) -> None:
    today = date(2026, 3, 1)
    assert lead_of(today + timedelta(days=left), today) == lead
