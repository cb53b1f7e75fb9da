"""Closing days: once, in order, exactly at the cut-off, whoever else closes or posts, and wherever it is killed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import DayNotNext, DayStillOpen, Forbidden
from ledger.posting.engine import Engine
from ledger.rules.business_day import to_instant
from ledger.rules.commands import Earn
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import EarnRate, Programme
from ledger.store.ledger_row import create_ledger, set_sandbox_clock
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import unit_of_work
from settlement.audit import check_settlement
from settlement.days import close_day
from settlement.people import Person
from settlement.store.day_rows import read_lasts
from tests.acceptance.test_points_roll_forward import KEY
from tests.databases import LedgerDatabase
from tests.settlement.killing import Killed, counted
from tests.settlement_days import APPROVER, CLERK

LANES = 4
DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)
ZONES = {"CITY": ("Asia/Shanghai", 0), "LATE": ("America/New_York", 22 * 60)}
OTHER_CLERK = Person("Zhao Min", frozenset({"finance-clerk"}))

# Transactions on the wrong side of where a day ends, and lanes whose end is not there.
WRONG_SIDE = """
select r.lane, t.sequence from settlement_ranges r
join settlement_days d on d.programme = r.programme and d.day = r.day
join transactions t on t.lane = r.lane and (t.sequence <= r.last_sequence) <> (t.recorded_at < d.cut_off_at)
"""


class City:
    """Two programmes in the same lanes, with a clock."""

    def __init__(self, engine: Engine, partner: int, members: list[str]) -> None:
        self.engine = engine
        self.members = members
        self._partner = partner
        self._number = 0

    def programme(self, code: str) -> Programme:
        return self.engine.registry.current.programmes[code]

    async def set_clock(self, local: str, zone: str = "Asia/Shanghai") -> None:
        moment = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
        async with self.engine.pool.connection() as connection:
            await set_sandbox_clock(connection, to_instant(moment))

    async def earn(self, code: str = "CITY", count: int = 12) -> None:
        """Earn for one member after the other, at the same time."""
        await asyncio.gather(*(self._earn(code, number) for number in range(count)))

    async def _earn(self, code: str, number: int) -> None:
        self._number += 1
        member = self.members[number % len(self.members)]
        command = Earn(programme=code, member=member, points=5, scene="food")
        submission = await self.engine.intake.prepare(self._partner, f"earn-{self._number}", command)
        assert isinstance(await self.engine.posters.submit(submission), Posted)

    async def ends(self, code: str, day: date) -> dict[int, int]:
        async with self.engine.pool.connection() as connection:
            return await read_lasts(connection, self.programme(code).number, day)


@pytest.fixture
async def city(database: LedgerDatabase) -> AsyncIterator[City]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        async with engine.pool.connection() as connection:
            async with unit_of_work(connection):
                partner = await add_partner(connection, "BANK", "Bank", "bank")
                for code, (zone, cut_off_minutes) in ZONES.items():
                    rules = NewRules(EarnRate(1, 100), validity_days=365)
                    new = NewProgramme(
                        code=code, currency="CNY", zone=zone, rules=rules, cut_off_minutes=cut_off_minutes
                    )
                    await permit(
                        connection, await add_programme(connection, new), partner, may_issue=True, may_accept=True
                    )
                names = [f"member-{number}" for number in range(12)]
                created = await create_members(connection, KEY, partner, names, LANES)
            await engine.registry.refresh(connection)
        city = City(engine, partner, [str(member.public_id) for member in created.values()])
        await city.set_clock("2026-11-23 09:00")
        yield city


def read(database: LedgerDatabase, query: str) -> list[tuple[int, ...]]:
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(query.encode()).fetchall()


async def test_a_day_is_closed_once_and_closing_it_again_returns_the_same(city: City) -> None:
    await city.earn()
    await city.set_clock("2026-11-24 00:00")
    closed = await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
    ends = await city.ends("CITY", DAY)
    assert sum(ends.values()) == 12
    await city.earn()
    assert await close_day(city.engine, OTHER_CLERK, city.programme("CITY"), DAY) == closed
    assert await city.ends("CITY", DAY) == ends
    assert closed.closed_by == CLERK.name


async def test_a_day_is_not_closed_before_its_cut_off(city: City) -> None:
    await city.set_clock("2026-11-23 23:59:59.999999")
    with pytest.raises(DayStillOpen) as refused:
        await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
    assert refused.value.facts["closes_at"] == "2026-11-23T16:00:00+00:00"
    assert await city.ends("CITY", DAY) == {}


async def test_days_are_closed_in_order_and_the_next_one_is_named(city: City) -> None:
    await city.set_clock("2026-11-28 00:00")
    await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
    for day in (date(2026, 11, 22), date(2026, 11, 25)):
        with pytest.raises(DayNotNext) as refused:
            await close_day(city.engine, CLERK, city.programme("CITY"), day)
        assert refused.value.facts["next"] == NEXT.isoformat()
        assert await city.ends("CITY", day) == {}


async def test_only_finance_closes_days(city: City) -> None:
    await city.set_clock("2026-11-24 00:00")
    with pytest.raises(Forbidden):
        await close_day(city.engine, APPROVER, city.programme("CITY"), DAY)


async def test_a_cut_off_at_ten_in_new_york_divides_two_seconds(city: City, database: LedgerDatabase) -> None:
    await city.set_clock("2026-11-23 21:59:59.999999", "America/New_York")
    await city.earn("LATE")
    await city.set_clock("2026-11-23 22:00", "America/New_York")
    await city.earn("LATE")
    closed = await close_day(city.engine, CLERK, city.programme("LATE"), DAY)
    assert closed.cut_off_at == to_instant(datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    assert sum((await city.ends("LATE", DAY)).values()) == 12
    assert read(database, WRONG_SIDE) == []


async def test_a_clock_that_jumps_over_the_cut_off_leaves_nothing_on_the_wrong_side(
    city: City, database: LedgerDatabase
) -> None:
    await city.earn()
    await city.set_clock("2026-12-24 00:00")
    await city.earn()
    day = DAY
    while day < date(2026, 11, 27):
        await close_day(city.engine, CLERK, city.programme("CITY"), day)
        day = date.fromordinal(day.toordinal() + 1)
    assert sum((await city.ends("CITY", DAY)).values()) == 12
    assert await city.ends("CITY", date(2026, 11, 26)) == await city.ends("CITY", DAY)
    assert read(database, WRONG_SIDE) == []


async def test_two_programmes_in_the_same_lanes_close_their_own_days(city: City, database: LedgerDatabase) -> None:
    for local in ("2026-11-23 09:00", "2026-11-24 02:00", "2026-11-24 12:00"):
        await city.set_clock(local)
        await asyncio.gather(city.earn("CITY"), city.earn("LATE"))
    await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
    await close_day(city.engine, CLERK, city.programme("LATE"), DAY)
    assert sum((await city.ends("CITY", DAY)).values()) == 24
    assert sum((await city.ends("LATE", DAY)).values()) == 48
    assert read(database, WRONG_SIDE) == []


async def test_two_processes_that_close_at_once_make_one_day(city: City, database: LedgerDatabase) -> None:
    await city.earn()
    await city.set_clock("2026-11-24 00:00")
    async with Engine.open(database.service_url, KEY) as other:
        closers = ((city.engine, CLERK), (other, OTHER_CLERK), (city.engine, CLERK), (other, OTHER_CLERK))
        closed = await asyncio.gather(
            *(close_day(engine, person, city.programme("CITY"), DAY) for engine, person in closers)
        )
    assert len(set(map(repr, closed))) == 1
    assert read(database, "select count(*) from settlement_days") == [(1,)]
    assert read(database, "select count(*) from settlement_ranges") == [(LANES,)]


async def test_closing_while_posters_post_leaves_nothing_recorded_earlier_behind_it(
    city: City, database: LedgerDatabase
) -> None:
    async def trade() -> None:
        for minute in range(50, 70):
            await city.set_clock(f"2026-11-2{3 + minute // 60} {(23 + minute // 60) % 24:02}:{minute % 60:02}")
            await city.earn(count=24)

    async def close_when_over() -> None:
        while True:
            try:
                await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
            except DayStillOpen:
                await asyncio.sleep(0.001)
            else:
                return

    await asyncio.gather(trade(), close_when_over())
    assert read(database, WRONG_SIDE) == []
    assert sum((await city.ends("CITY", DAY)).values()) == 240
    assert (await audit(city.engine.pool, more_checks=[check_settlement])).is_clean


async def test_closing_late_searches_by_halving_and_not_by_reading_on(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    await city.earn()
    await city.set_clock("2026-11-24 09:00")
    for _ in range(20):
        await city.earn(count=60)
    with counted(monkeypatch) as statements:
        await close_day(city.engine, CLERK, city.programme("CITY"), DAY)
    assert sum((await city.ends("CITY", DAY)).values()) == 12
    looked_at = sum("select recorded_at <" in text for text in statements.texts)
    # 300 transactions in each lane: nine halvings and a last look.
    assert looked_at <= LANES * 10


async def test_a_close_that_was_killed_anywhere_is_finished_by_the_next_with_the_same_result(
    city: City, monkeypatch: pytest.MonkeyPatch, database: LedgerDatabase
) -> None:
    await city.earn()
    await city.set_clock("2026-11-24 00:00")
    kills, day, expected = 0, DAY, None
    for _ in range(200):
        try:
            with counted(monkeypatch, dies_before=kills + 1):
                await close_day(city.engine, CLERK, city.programme("CITY"), day)
        except Killed:
            kills += 1
        else:
            break
        found = await city.ends("CITY", day)
        assert read(database, "select count(*) from settlement_days") == [(0,)] or len(found) == LANES
        # What is recorded meanwhile is of the next day, and changes no lane's end.
        await city.earn(count=2)
        expected = {**(expected or {}), **found}
        assert found == expected
    assert kills > LANES
    assert len(await city.ends("CITY", day)) == LANES
    assert sum((await city.ends("CITY", day)).values()) == 12
    assert read(database, WRONG_SIDE) == []
    assert read(database, "select count(*) from settlement_days") == [(1,)]
