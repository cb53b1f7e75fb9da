"""Several processes, each with posters of its own, on one cap, one hold, and gifts in both directions at once."""

import asyncio
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import psycopg
import pytest

from ledger.audit import AuditReport, audit
from ledger.ids import LedgerKey, transaction_id
from ledger.posting.engine import Engine
from ledger.rules.commands import AnyCommand, Capture, Earn, Gift, GrantCap, PlaceHold, Reverse
from ledger.rules.outcomes import Outcome, Posted, Refused
from ledger.store.ledger_row import create_ledger
from tests.concurrency.test_opposite_order import members_of_two_lanes
from tests.concurrency.test_processes_on_the_same_keys import KEY, LANES, MEMBERS, SECRET, found
from tests.databases import LedgerDatabase

PROCESSES = 3
GRANTED = 600
ROUNDS = 30
AT_ONCE = 12
KILLS = 3
MOST_WAITS = 600
WAIT_SECONDS = 0.05

_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"
_IN_TRANSIT = """
select t.key_digest from postings p join transactions t using (lane, sequence)
where 8 in (p.debit_kind, p.credit_kind) or 12 in (p.debit_kind, p.credit_kind)
group by 1
having sum(case when p.credit_kind in (8, 12) then p.amount else 0 end)
    <> sum(case when p.debit_kind in (8, 12) then p.amount else 0 end)
"""
_CAP = "select kind, sum(balance)::bigint, min(balance) from party_balances where kind between 9 and 13 group by kind"


@pytest.fixture
async def partner(database: LedgerDatabase) -> int:
    """The number of the partner of a new ledger."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES)
    return await found(database.service_url)


async def audited(url: str) -> AuditReport:
    """What the auditor finds."""
    async with Engine.open(url, KEY) as engine:
        return await audit(engine.pool)


async def in_processes(work: Callable[..., Any], *arguments: tuple[Any, ...]) -> list[Any]:
    """Run the work once for each row of arguments, each in a process of its own."""
    with ProcessPoolExecutor(len(arguments), mp_context=get_context("spawn")) as processes:
        loop = asyncio.get_running_loop()
        return await asyncio.gather(*(loop.run_in_executor(processes, work, *row) for row in arguments))


async def post(engine: Engine, partner: int, key: str, command: AnyCommand) -> Outcome:
    """Submit one command."""
    owner = None if partner else "staff:somebody"
    prepared = await engine.intake.prepare(partner, key, command, owner=owner)  # type: ignore[arg-type]
    return await engine.posters.submit(prepared)


def earn(member: int, points: int) -> Earn:
    return Earn(programme="CITY", member=f"ref:m{member}", points=points, scene="food")


def id_of(outcome: Outcome) -> str:
    assert isinstance(outcome, Posted)
    posted, digest = outcome.own_entries[0].transaction, outcome.own_entries[0].hash
    return transaction_id(posted.recorded_at, posted.lane, posted.sequence, digest)


def draw(url: str, partner: int, name: str) -> Counter[str]:
    """One process: earns of all members at once, some of them taken back; what became of them."""

    async def run() -> Counter[str]:
        became: Counter[str] = Counter()
        async with Engine.open(url, LedgerKey(SECRET), groups=2) as engine:
            for number in range(ROUNDS):
                earns = [
                    post(engine, partner, f"{name}-{number}-{one}", earn(one % MEMBERS, 1 + number % 3))
                    for one in range(AT_ONCE)
                ]
                outcomes = await asyncio.gather(*earns)
                became.update(outcome.code if isinstance(outcome, Refused) else "posted" for outcome in outcomes)
                posted = [outcome for outcome in outcomes if isinstance(outcome, Posted)]
                if posted and number % 4 == 0:
                    back = Reverse(transaction=id_of(posted[0]), points=1)
                    await post(engine, partner, f"{name}-back-{number}", back)
        return became

    return asyncio.run(run())


async def test_a_cap_is_never_exceeded_and_its_last_point_usable_with_many_lanes_and_processes(
    database: LedgerDatabase, partner: int
) -> None:
    url = database.service_url
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("insert into caps (code, programme, home_lane) values ('ALL', 1, 2)")
        owner.execute("update registry set version = version + 1")
    async with Engine.open(url, KEY) as engine:
        await post(engine, 0, "grant", GrantCap(cap="ALL", points=GRANTED))
    became: Counter[str] = Counter()
    for of_one in await in_processes(draw, *((url, partner, f"p{number}") for number in range(PROCESSES))):
        became += of_one
    assert became.keys() == {"posted", "cap-exhausted"}
    async with Engine.open(url, KEY) as engine:
        last = [await post(engine, partner, f"last-{number}", earn(0, 1)) for number in range(2 * PROCESSES * ROUNDS)]
    assert isinstance(last[-1], Refused)
    with psycopg.connect(database.superuser_url) as connection:
        balances = {kind: balance for kind, balance, least in connection.execute(_CAP) if least >= 0 or kind == 12}
        [(given,)] = connection.execute("select sum(posted)::bigint from member_points").fetchall()
        assert connection.execute(_DEADLOCKS).fetchone() == (0,)
        assert connection.execute(_IN_TRANSIT).fetchall() == []
    assert (balances[13], balances[9], balances[11], balances[12]) == (GRANTED, 0, GRANTED, 0)
    assert balances.get(10, 0) == 0
    assert given == GRANTED
    assert (await audited(url)).differences == ()


def take_hold(url: str, partner: int, hold: str, name: str) -> int:
    """One process: captures of one hold, all at once; how many points it got."""

    async def run() -> int:
        async with Engine.open(url, LedgerKey(SECRET), groups=1) as engine:
            captures = [post(engine, partner, f"{name}-{number}", Capture(hold=hold, points=7)) for number in range(20)]
            outcomes = await asyncio.gather(*captures)
        codes = {outcome.code for outcome in outcomes if isinstance(outcome, Refused)}
        assert codes <= {"capture-exceeds-hold", "hold-not-open"}
        return sum(7 for outcome in outcomes if isinstance(outcome, Posted))

    return asyncio.run(run())


async def test_processes_that_capture_one_hold_at_once_take_no_more_than_it_holds(
    database: LedgerDatabase, partner: int
) -> None:
    url = database.service_url
    async with Engine.open(url, KEY) as engine:
        await post(engine, partner, "earn", earn(0, 150))
        held = await post(
            engine, partner, "hold", PlaceHold(programme="CITY", member="ref:m0", points=100, scene="food")
        )
    hold = id_of(held)
    taken = await in_processes(take_hold, *((url, partner, hold, f"p{number}") for number in range(PROCESSES)))
    assert sum(taken) == 98
    with psycopg.connect(database.service_url) as connection:
        assert connection.execute("select posted, held from member_points").fetchone() == (50, 2)
        assert connection.execute("select remaining from holds").fetchone() == (2,)
    assert (await audited(url)).differences == ()


def give(url: str, partner: int, giver: str, receiver: str, name: str) -> Counter[str]:
    """One process: gifts in one direction, all at once."""

    async def run() -> Counter[str]:
        command = Gift(programme="CITY", member=f"ref:{giver}", receiver=f"ref:{receiver}", points=3)
        became: Counter[str] = Counter()
        async with Engine.open(url, LedgerKey(SECRET), groups=1) as engine:
            for number in range(ROUNDS):
                gifts = [post(engine, partner, f"{name}-{number}-{one}", command) for one in range(AT_ONCE)]
                outcomes = await asyncio.gather(*gifts)
                became.update(type(outcome).__name__ for outcome in outcomes)
        return became

    return asyncio.run(run())


async def test_gifts_between_two_lanes_in_both_directions_at_once_never_wait_in_a_circle(
    database: LedgerDatabase, partner: int
) -> None:
    url = database.service_url
    here, there = await members_of_two_lanes(url, partner)
    async with Engine.open(url, KEY) as engine:
        for member in (here, there):
            await post(engine, partner, f"earn-{member}", earn(int(member[1:]), 2_000))
    became = await in_processes(give, (url, partner, here, there, "a"), (url, partner, there, here, "b"))
    assert became == [{"Posted": ROUNDS * AT_ONCE}] * 2
    with psycopg.connect(database.superuser_url) as connection:
        assert connection.execute(_DEADLOCKS).fetchone() == (0,)
        assert connection.execute(_IN_TRANSIT).fetchall() == []
        assert connection.execute("select posted from member_points").fetchall() == [(2_000,)] * 2
        legs = connection.execute("select count(*) from transactions where kind = 9 group by key_digest").fetchall()
    assert set(legs) == {(2,)}
    assert (await audited(url)).differences == ()


def give_for_ever(url: str, partner: int, here: str, there: str, turn: int) -> None:
    """One process: gifts in both directions, until it is killed."""

    async def run() -> None:
        async with Engine.open(url, LedgerKey(SECRET), groups=2) as engine:
            for number in range(100_000):
                pairs = [(here, there), (there, here)] * 4
                gifts = [
                    Gift(programme="CITY", member=f"ref:{giver}", receiver=f"ref:{receiver}", points=1)
                    for giver, receiver in pairs
                ]
                submitted = [
                    post(engine, partner, f"{turn}-{number}-{one}", command) for one, command in enumerate(gifts)
                ]
                await asyncio.gather(*submitted)

    asyncio.run(run())


async def test_a_process_killed_in_the_middle_of_gifts_leaves_both_legs_or_none(
    database: LedgerDatabase, partner: int
) -> None:
    url = database.service_url
    here, there = await members_of_two_lanes(url, partner)
    async with Engine.open(url, KEY) as engine:
        for member in (here, there):
            await post(engine, partner, f"earn-{member}", earn(int(member[1:]), 2_000))
    for turn in range(KILLS):
        before = legs_written(database)
        process = get_context("spawn").Process(target=give_for_ever, args=(url, partner, here, there, turn))
        process.start()
        for _ in range(MOST_WAITS):
            await asyncio.sleep(WAIT_SECONDS)
            if len(legs_written(database)) > len(before) + 20 * (turn + 1):
                break
        process.kill()
        process.join()
        legs = legs_written(database)
        assert len(legs) > len(before)
        assert set(legs) == {2}
    with psycopg.connect(url) as connection:
        assert connection.execute(_IN_TRANSIT).fetchall() == []
        assert connection.execute("select sum(posted) from member_points").fetchone() == (4_000,)
        keyed = connection.execute("select count(*) from idempotency_keys where sequence is not null").fetchone()
    assert keyed == (len(legs_written(database)) + 2,)
    assert (await audited(url)).differences == ()


def legs_written(database: LedgerDatabase) -> list[int]:
    """How many legs each gift has."""
    with psycopg.connect(database.service_url) as connection:
        rows = connection.execute("select count(*) from transactions where kind = 9 group by key_digest").fetchall()
    return [legs for (legs,) in rows]
