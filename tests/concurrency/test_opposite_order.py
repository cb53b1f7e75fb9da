"""The same keys in opposite order, on two lanes, from two processes: each is won once, and nobody waits in a circle."""

import asyncio
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any

import psycopg

from ledger.audit import audit
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.rules.commands import Earn
from ledger.rules.outcomes import KeyReused, Posted
from ledger.store.ledger_row import create_ledger
from tests.concurrency.test_processes_on_the_same_keys import KEY, LANES, MEMBERS, SECRET, found
from tests.databases import LedgerDatabase

ROUNDS = 250
KEYS_PER_ROUND = 12
MEETING_LIMIT_SECONDS = 30

_DEADLOCKS = "select deadlocks from pg_stat_database where datname = current_database()"


def post_rounds(url: str, partner: int, member: str, order: int, meeting: Any) -> list[str]:
    """One process: all keys of a round at once for its own member, in order (1) or turned (-1); what became of each."""

    async def run() -> list[str]:
        became: list[str] = []
        async with Engine.open(url, LedgerKey(SECRET), groups=1) as engine:
            for number in range(ROUNDS):
                keys = [f"{number}-{key}" for key in range(KEYS_PER_ROUND)]
                command = Earn(programme="CITY", member=f"ref:{member}", points=1, scene="food")
                submissions = [await engine.intake.prepare(partner, key, command) for key in keys]
                meeting.wait(MEETING_LIMIT_SECONDS)
                in_order = submissions[::order]
                outcomes = await asyncio.gather(*map(engine.posters.enqueue, in_order))
                names = [type(outcome).__name__ for outcome in outcomes]
                became += names[::order]
        return became

    return asyncio.run(run())


async def test_the_same_keys_in_opposite_order_on_two_lanes_never_deadlock(database: LedgerDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES)
    partner = await found(database.service_url)
    here, there = await members_of_two_lanes(database.service_url, partner)
    context = get_context("spawn")
    with context.Manager() as meetings, ProcessPoolExecutor(2, mp_context=context) as processes:
        meeting = meetings.Barrier(2)
        loop = asyncio.get_running_loop()
        first, second = await asyncio.gather(
            loop.run_in_executor(processes, post_rounds, database.service_url, partner, here, 1, meeting),
            loop.run_in_executor(processes, post_rounds, database.service_url, partner, there, -1, meeting),
        )

    winners = [{one, other} for one, other in zip(first, second, strict=True)]
    assert winners == [{Posted.__name__, KeyReused.__name__}] * (ROUNDS * KEYS_PER_ROUND)
    assert len(set(first)) == len(set(second)) == 2, "each process won sometimes, so they did meet"
    with psycopg.connect(database.superuser_url) as connection:
        assert connection.execute(_DEADLOCKS).fetchone() == (0,)
    async with Engine.open(database.service_url, KEY) as engine:
        report = await audit(engine.pool)
    assert report.is_clean, report.differences
    assert report.transactions == ROUNDS * KEYS_PER_ROUND


async def members_of_two_lanes(url: str, partner: int) -> tuple[str, str]:
    """Two members whose points are in different lanes."""
    lanes: dict[int, str] = {}
    async with Engine.open(url, KEY) as engine:
        for number in range(MEMBERS):
            member = await engine.intake.find_member(partner, f"ref:m{number}")
            assert member is not None
            lanes.setdefault(member.lane, f"m{number}")
    here, there, *_ = lanes.values()
    return here, there
