import asyncio
from collections.abc import Awaitable, Callable
from datetime import date

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.ids import LedgerKey
from ledger.posting import expiry
from ledger.posting.engine import Engine
from ledger.posting.expiry import DayNotOver, Lapses, post_lapses
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Outcome, Posted
from ledger.rules.programmes import EarnRate
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase

MEMBERS = 10


def run_with_engine(sandbox: CommandLine, work: Callable[[Engine], Awaitable[object]]) -> None:
    async def run() -> None:
        key = LedgerKey(bytes.fromhex((sandbox.data_directory / "ledger.key").read_text()))
        async with Engine.open(sandbox.variables["DATABASE_URL"], key) as engine:
            await work(engine)

    asyncio.run(run())


async def earn(engine: Engine, member: int, points: int, programme: str = "WEEK") -> Outcome:
    partner = engine.registry.current.partner_coded("TEA")
    assert partner is not None
    command = Earn(programme=programme, member=f"ref:m{member}", scene="food", points=points)
    submission = await engine.intake.prepare(partner.number, f"{programme}-{member}-{points}", command)
    return await engine.posters.submit(submission)


async def set_up(connection: AsyncConnection) -> int:
    """Add WEEK, whose points are good for 7 days, EVER, whose points stay good, and a partner in both."""
    partner = await add_partner(connection, "TEA", "Tea", "merchant")
    for code, validity_days in (("WEEK", 7), ("EVER", None)):
        rules = NewRules(EarnRate(1, 100), validity_days=validity_days)
        new = NewProgramme(code=code, currency="CNY", zone="Asia/Shanghai", rules=rules)
        programme = await add_programme(connection, new)
        await permit(connection, programme, partner, may_issue=True, may_accept=True)
    return partner


@pytest.fixture
def town(sandbox: CommandLine) -> CommandLine:
    """Ten members who each earned 10 points that are good for 7 days, to 7 April, and 5 that stay good."""

    async def fill(engine: Engine) -> None:
        references = [f"m{number}" for number in range(MEMBERS)]
        async with engine.pool.connection() as connection:
            async with unit_of_work(connection):
                partner = await set_up(connection)
                await create_members(connection, engine.key, partner, references, engine.lanes)
            await engine.registry.refresh(connection)
        for number in range(MEMBERS):
            assert isinstance(await earn(engine, number, 10), Posted)
            assert isinstance(await earn(engine, number, 5, "EVER"), Posted)

    run_with_engine(sandbox, fill)
    return sandbox


def expired_points(database: LedgerDatabase) -> list[int]:
    with psycopg.connect(database.service_url) as connection:
        rows = connection.execute("select points from transactions where kind = 4").fetchall()
    return [points for (points,) in rows]


def test_nothing_lapses_before_the_last_day_is_over(town: CommandLine, database: LedgerDatabase) -> None:
    town.done("clock", "set", "2026-04-07T23:59:59+08:00")
    assert town.done("expire") == "Expired 0 points in 0 lots and released 0 holds of 0 members."
    assert expired_points(database) == []


def test_all_that_has_lapsed_is_posted_once(town: CommandLine, database: LedgerDatabase) -> None:
    town.done("clock", "set", "2026-04-08T00:00:00+08:00")
    assert town.json("expire") == {"members": MEMBERS, "expiries": MEMBERS, "points": 10 * MEMBERS, "holds": 0}
    assert town.json("expire") == {"members": 0, "expiries": 0, "points": 0, "holds": 0}
    assert expired_points(database) == [10] * MEMBERS
    with psycopg.connect(database.service_url) as connection:
        left = connection.execute("select sum(remaining)::int from lots").fetchall()
        occurred = connection.execute("select distinct occurred_at::text from transactions where kind = 4").fetchall()
    assert left == [(5 * MEMBERS,)]
    assert len(occurred) == 1, "points lapse when their day ends, whenever the job runs"


def test_a_day_limits_whose_points_are_posted(town: CommandLine) -> None:
    town.done("clock", "set", "2026-05-01T00:00:00+08:00")
    assert town.json("expire", "--day", "2026-04-06")["points"] == 0
    assert town.json("expire", "--day", "2026-04-07")["points"] == 10 * MEMBERS


def test_a_day_that_is_not_over_is_refused(town: CommandLine) -> None:
    assert "The day 2026-03-31 is not over in Asia/Shanghai" in town.fails("expire", "--day", "2026-03-31")
    assert "--day: got '31.03.2026', wanted a day" in town.fails("expire", "--day", "31.03.2026", code=2)


def test_the_day_is_over_when_it_is_over_in_every_zone(town: CommandLine) -> None:
    town.done("programmes", "add", "WEST", "--zone", "America/Los_Angeles")
    town.done("clock", "set", "2026-04-08T12:00:00+08:00")

    async def refused(engine: Engine) -> None:
        with pytest.raises(DayNotOver):
            await post_lapses(engine, day=date(2026, 4, 7))

    run_with_engine(town, refused)


def test_members_are_read_page_by_page_and_progress_is_told(town: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expiry, "MEMBERS_PER_PAGE", 1)
    town.done("clock", "set", "2026-04-09T00:00:00+08:00")
    told: list[tuple[int, int]] = []

    async def all_of_them(engine: Engine) -> None:
        lapses = await post_lapses(engine, progress=lambda done, total: told.append((done, total)))
        assert lapses == Lapses(members=MEMBERS, expiries=MEMBERS, points=10 * MEMBERS)

    run_with_engine(town, all_of_them)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_two_jobs_at_once_beside_traffic_post_each_lapse_once(town: CommandLine, database: LedgerDatabase) -> None:
    town.done("clock", "set", "2026-04-09T00:00:00+08:00")

    async def all_at_once(engine: Engine) -> None:
        partner = engine.registry.current.partner_coded("TEA")
        assert partner is not None

        async def trade(member: int) -> None:
            assert isinstance(await earn(engine, member, 50), Posted)
            command = Redeem(programme="WEEK", member=f"ref:m{member}", points=50, scene="food")
            submission = await engine.intake.prepare(partner.number, f"redeem-{member}", command)
            assert isinstance(await engine.posters.submit(submission), Posted)

        jobs = [post_lapses(engine), post_lapses(engine)]
        await asyncio.gather(*jobs, *(trade(member) for member in range(MEMBERS)))

    run_with_engine(town, all_at_once)
    assert expired_points(database) == [10] * MEMBERS
