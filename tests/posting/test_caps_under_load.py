"""Caps under load: many earns at once draw a cap to its last point, and refusals cost no more than earns."""

from collections import Counter
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.posting import batch_poster
from ledger.rules.outcomes import Posted, Refused
from ledger.rules.state import LedgerState
from ledger.store import lane_writes
from tests.builders import earn
from tests.databases import LedgerDatabase
from tests.rarer_builders import grant_cap
from tests.store.ledger_in_postgres import LANES, Desk, LedgerInPostgres, open_ledger

EARNS = 300
HOME = 2

_OF_CAP = """
select kind, sum(balance)::bigint, min(balance) from party_balances where kind between 9 and 13 group by kind
"""


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A live ledger with a cap on all that its programme gives."""
    async with open_ledger(database) as opened:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("insert into caps (code, programme, home_lane) values ('ALL', 1, %s)", [HOME])
            owner.execute("update registry set version = version + 1")
        yield opened


@pytest.fixture
def units(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Counts the units of work that posters of this process commit."""
    write, counted = lane_writes.write_state, Counter[str]()

    async def write_and_count(connection: AsyncConnection, state: LedgerState) -> None:
        await write(connection, state)
        counted["units"] += 1

    monkeypatch.setattr(batch_poster, "write_state", write_and_count)
    return lambda: counted.pop("units", 0)


async def earn_at_once(desk: Desk, count: int, points: int = 1) -> Counter[str]:
    """Earn for all members at once; how many were posted, and why the others were not."""
    members = desk.ledger.members
    commands = [earn(points, member=members[number % len(members)]) for number in range(count)]
    outcomes = await desk.submit_together(commands, [desk.ledger.next_key() for _ in commands])
    return Counter(outcome.code if isinstance(outcome, Refused) else type(outcome).__name__ for outcome in outcomes)


async def grant(desk: Desk, points: int) -> None:
    submission = await desk.intake.prepare(0, desk.ledger.next_key(), grant_cap(points), owner="staff:a")
    assert isinstance(await desk.posters.submit(submission), Posted)


async def used(ledger: LedgerInPostgres) -> int:
    """What is used of the cap; it is what it was granted less what is still to be had."""
    balances = {kind: balance for kind, balance, _ in await ledger.rows(_OF_CAP)}
    smallest = {kind: least for kind, _, least in await ledger.rows(_OF_CAP)}
    assert balances[13] == balances[9] + balances.get(10, 0) + balances.get(11, 0)
    assert balances.get(12, 0) == 0
    assert min(smallest[9], smallest.get(10, 0)) >= 0
    return int(balances.get(11, 0))


@pytest.mark.parametrize("groups", [1, 2])
async def test_a_cap_gives_its_last_point_and_then_refuses_everybody(ledger: LedgerInPostgres, groups: int) -> None:
    async with ledger.posters(groups=groups) as desk:
        await grant(desk, EARNS - 60)
        became = await earn_at_once(desk, EARNS)
        assert became == {"Posted": EARNS - 60, "cap-exhausted": 60}
        assert await used(ledger) == EARNS - 60
        assert await earn_at_once(desk, 20) == {"cap-exhausted": 20}


async def test_refusals_of_an_exhausted_cap_are_answered_in_batches(
    ledger: LedgerInPostgres, units: Callable[[], int]
) -> None:
    async with ledger.posters() as desk:
        await grant(desk, 10)
        await earn_at_once(desk, 30)
        units()
        assert await earn_at_once(desk, EARNS) == {"cap-exhausted": EARNS}
        assert units() <= 3


async def test_running_dry_costs_few_units_of_work(ledger: LedgerInPostgres, units: Callable[[], int]) -> None:
    async with ledger.posters() as desk:
        await grant(desk, EARNS // 2)
        units()
        await earn_at_once(desk, EARNS)
        assert units() <= 4 * LANES + 10


async def test_an_earn_under_many_nearly_exhausted_caps_is_posted(ledger: LedgerInPostgres) -> None:
    with psycopg.connect(ledger.database.owner_url) as owner:
        for number in range(10):
            owner.execute(
                "insert into caps (code, programme, home_lane) values (%s, 1, %s)", [f"C{number}", number % LANES]
            )
        owner.execute("update registry set version = version + 1")
    async with ledger.posters() as desk:
        codes = ["ALL", *(f"C{number}" for number in range(10))]
        for code in codes:
            submission = await desk.intake.prepare(0, code, grant_cap(10, code), owner="staff:a")
            assert isinstance(await desk.posters.submit(submission), Posted)
        assert await earn_at_once(desk, 1, points=10) == {"Posted": 1}
        assert await earn_at_once(desk, 4) == {"cap-exhausted": 4}
