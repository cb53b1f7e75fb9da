"""What posters promise when batches go wrong: one effect per key, nothing half-done, every caller told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import Busy, ClockBehind, DatabaseUnavailable, ShuttingDown
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.intake import Intake
from ledger.posting.posters import Posters
from ledger.posting.registry_cache import RegistryCache
from ledger.rules.commands import Earn, Redeem, Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Decision, NeedsLanes, Outcome, Posted, Refused, Replayed
from ledger.rules.programmes import EarnRate
from ledger.rules.state import LedgerState
from ledger.store.ledger_row import create_ledger
from ledger.store.members import create_members
from ledger.store.registry_writes import (
    NewProgramme,
    NewRules,
    add_partner,
    add_programme,
    permit,
    set_programme_open,
)
from ledger.store.unit_of_work import unit_of_work
from tests.databases import LedgerDatabase

KEY = LedgerKey(b"a key that only these tests know!")
LANES = 4
MEMBERS = 8
ROUNDS = 100
KILL_SECONDS = 0.15
ATTEMPTS = 20


class Shop:
    """One programme, one partner, members on every lane."""

    def __init__(self, engine: Engine, partner: int, programme: int) -> None:
        self.engine = engine
        self.partner = partner
        self.programme = programme

    async def earn(self, key: str, member: int = 0, points: int = 10, intake: Intake | None = None) -> Submission:
        command = Earn(programme="CITY", member=f"ref:m{member}", points=points, scene="food")
        return await (intake or self.engine.intake).prepare(self.partner, key, command)

    async def redeem(self, key: str, points: int, member: int = 0) -> Submission:
        command = Redeem(programme="CITY", member=f"ref:m{member}", points=points, scene="food")
        return await self.engine.intake.prepare(self.partner, key, command)

    async def totals(self) -> tuple[int, int]:
        """Transactions recorded, and points of all members."""
        async with self.engine.pool.connection() as connection:
            cursor = await connection.execute(
                "select (select count(*) from transactions), coalesce(sum(posted), 0)::bigint from member_points"
            )
            [row] = await cursor.fetchall()
        return row

    @asynccontextmanager
    async def posters(
        self, url: str, decide_command: Callable[[Submission, LedgerState], Decision] = decide, **limits: int
    ) -> AsyncIterator[Posters]:
        """Posters of one's own, as another process would run them."""
        posters = Posters(url, RegistryCache(), decide_command=decide_command, **limits)
        async with self.engine.pool.connection() as connection:
            await posters.start(connection)
        try:
            yield posters
        finally:
            await posters.stop()


@pytest.fixture
async def shop(database: LedgerDatabase) -> AsyncIterator[Shop]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES)
    async with Engine.open(database.service_url, KEY) as engine:
        async with engine.pool.connection() as connection, unit_of_work(connection):
            rules = NewRules(EarnRate(1, 100))
            new = NewProgramme(code="CITY", currency="CNY", zone="Asia/Shanghai", rules=rules)
            programme = await add_programme(connection, new)
            partner = await add_partner(connection, "SHOP", "Shop", "merchant")
            await permit(connection, programme, partner, may_issue=True, may_accept=True)
            await create_members(connection, KEY, partner, [f"m{number}" for number in range(MEMBERS)], LANES)
        yield Shop(engine, partner, programme)
        report = await audit(engine.pool)
        assert report.is_clean, report.differences


async def test_one_key_twice_in_one_batch_has_one_effect_and_the_same_answer(shop: Shop) -> None:
    first, second = [shop.engine.posters.enqueue(await shop.earn("once")) for _ in range(2)]
    posted, replayed = await first, await second
    assert isinstance(posted, Posted)
    assert isinstance(replayed, Replayed)
    assert replayed.record.sequence == posted.entries[0].transaction.sequence
    assert await shop.totals() == (1, 10)


async def test_a_command_that_spoils_its_batch_fails_alone(shop: Shop, database: LedgerDatabase) -> None:
    def poisoned(submission: Submission, state: LedgerState) -> Decision:
        if isinstance(submission.command, Earn) and submission.command.points == 13:
            raise ZeroDivisionError
        return decide(submission, state)

    async with shop.posters(database.service_url, poisoned) as posters:
        waiting = [posters.enqueue(await shop.earn(f"k{number}", points=10 + number)) for number in range(8)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [Posted] * 3 + [ZeroDivisionError] + [Posted] * 4
    assert await shop.totals() == (7, sum(range(10, 18)) - 13)


async def test_a_command_the_database_refuses_fails_alone(shop: Shop, database: LedgerDatabase) -> None:
    def unbalanced(submission: Submission, state: LedgerState) -> Decision:
        if isinstance(submission.command, Earn) and submission.command.points == 13:
            state.members[submission.member or 0].points_in(shop.programme).held = -1
        return decide(submission, state)

    async with shop.posters(database.service_url, unbalanced, groups=1) as posters:
        waiting = [posters.enqueue(await shop.earn(f"k{number}", number, 10 + number)) for number in range(MEMBERS)]
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
    assert [isinstance(outcome, Posted) for outcome in outcomes] == [number != 3 for number in range(MEMBERS)]
    assert isinstance(outcomes[3], psycopg.errors.CheckViolation)
    assert (await shop.totals())[0] == MEMBERS - 1


async def test_a_full_queue_takes_nothing_and_the_key_may_be_tried_again(shop: Shop, database: LedgerDatabase) -> None:
    async with shop.posters(database.service_url, maximum_queue=2, groups=1) as posters:
        submissions = [await shop.earn(f"k{number}") for number in range(3)]
        waiting = [posters.enqueue(submission) for submission in submissions[:2]]
        with pytest.raises(Busy):
            posters.enqueue(submissions[2])
        await asyncio.gather(*waiting)
        assert await shop.totals() == (2, 20)
        assert isinstance(await posters.submit(submissions[2]), Posted)


async def test_stopping_finishes_what_is_queued_and_takes_nothing_new(shop: Shop, database: LedgerDatabase) -> None:
    async with shop.posters(database.service_url) as posters:
        waiting = [posters.enqueue(await shop.earn(f"k{number}", number % MEMBERS)) for number in range(50)]
        late = await shop.earn("late")
        await posters.stop()
        assert all(isinstance(future.result(), Posted) for future in waiting)
        with pytest.raises(ShuttingDown):
            posters.enqueue(late)
    assert (await shop.totals())[0] == 50


async def test_a_change_of_the_set_up_is_seen_by_the_next_batch(shop: Shop) -> None:
    assert isinstance(await shop.engine.posters.submit(await shop.earn("open")), Posted)
    async with shop.engine.pool.connection() as connection, unit_of_work(connection):
        await set_programme_open(connection, shop.programme, is_open=False)
    outcome = await shop.engine.posters.submit(await shop.earn("closed"))
    assert isinstance(outcome, Refused)
    assert outcome.code == "programme-closed"


async def test_a_command_that_needs_more_lanes_runs_alone_with_all_of_them(
    shop: Shop, database: LedgerDatabase
) -> None:
    seen: list[set[int]] = []

    def wide(submission: Submission, state: LedgerState) -> Decision:
        if isinstance(submission.command, Earn) and submission.command.points == 99:
            seen.append(set(state.lanes))
            if len(state.lanes) < LANES:
                return NeedsLanes(frozenset(range(LANES)))
        return decide(submission, state)

    async with shop.posters(database.service_url, wide) as posters:
        waiting = [posters.enqueue(await shop.earn(f"k{points}", points=points)) for points in (10, 99, 20)]
        outcomes = await asyncio.gather(*waiting)
    assert all(isinstance(outcome, Posted) for outcome in outcomes)
    assert seen[-1] == set(range(LANES))
    assert await shop.totals() == (3, 129)


async def test_a_redemption_over_more_lots_than_were_read_takes_them_all_in_order(shop: Shop) -> None:
    for number in range(30):
        await shop.engine.posters.submit(await shop.earn(f"e{number}", points=1))
    outcome = await shop.engine.posters.submit(await shop.redeem("all", 30))
    assert isinstance(outcome, Posted)
    lots = [posting.lot or 0 for posting in outcome.entries[0].transaction.postings]
    assert len(lots) == 30
    assert lots == sorted(lots)
    assert isinstance(await shop.engine.posters.submit(await shop.redeem("more", 1)), Refused)


async def test_the_same_keys_in_opposite_order_on_two_lanes_never_deadlock(
    shop: Shop, database: LedgerDatabase
) -> None:
    """Two processes' posters get the same keys for members of different lanes; each key has one winner."""
    async with (
        shop.posters(database.service_url, groups=1) as here,
        shop.posters(database.service_url, groups=1) as there,
    ):
        for turn in range(ROUNDS):
            keys = [f"{turn}-{number}" for number in range(4)]
            mine = [here.enqueue(await shop.earn(key, 0)) for key in keys]
            others = [there.enqueue(await shop.earn(key, 1)) for key in reversed(keys)]
            await asyncio.wait_for(asyncio.gather(*mine, *others), timeout=20)
    assert await shop.totals() == (4 * ROUNDS, 40 * ROUNDS)


async def test_a_session_killed_at_any_time_leaves_one_effect_per_key(shop: Shop, database: LedgerDatabase) -> None:
    async def kill_now_and_then(stop: asyncio.Event) -> None:
        with psycopg.connect(database.superuser_url, autocommit=True) as superuser:
            while not stop.is_set():
                superuser.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where application_name = 'citypoints-poster' and datname = current_database()"
                )
                await asyncio.sleep(KILL_SECONDS)

    async def persist(submission: Submission) -> Outcome:
        """Try again with the same key while the database cannot be reached, as a client would."""
        for _ in range(ATTEMPTS):
            try:
                return await shop.engine.posters.submit(submission)
            except DatabaseUnavailable:
                continue
        raise AssertionError("the ledger was not to be reached at all")

    stop = asyncio.Event()
    killing = asyncio.create_task(kill_now_and_then(stop))
    outcomes: list[Outcome] = []
    for number in range(40):
        submissions = [await shop.earn(f"{number}-{member}", member) for member in range(MEMBERS)]
        outcomes += await asyncio.gather(*(persist(submission) for submission in submissions))
    stop.set()
    await killing
    assert all(isinstance(outcome, Posted | Replayed) for outcome in outcomes)
    assert await shop.totals() == (40 * MEMBERS, 400 * MEMBERS)


async def test_a_lane_far_ahead_of_the_clock_refuses_until_time_has_caught_up(
    shop: Shop, database: LedgerDatabase
) -> None:
    submission = await shop.earn("early")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("update lanes set recorded_at = now() + interval '2 minutes' where lane = %s", [submission.lane])
    with pytest.raises(ClockBehind):
        await shop.engine.posters.submit(submission)
    assert (await shop.totals())[0] == 0
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("update lanes set recorded_at = now() where lane = %s", [submission.lane])
    assert isinstance(await shop.engine.posters.submit(submission), Posted)
