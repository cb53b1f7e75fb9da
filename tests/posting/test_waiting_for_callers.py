"""A busy poster lets the callers that it has just answered come again before it begins the next unit of work."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ledger.posting import poster
from ledger.posting.poster import FEWEST_TO_WAIT_FOR
from ledger.rules.commands import Atomic, AtomicItem
from ledger.rules.outcomes import Posted
from tests.builders import earn
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger

CALLERS = 2 * FEWEST_TO_WAIT_FOR
FOR_EVER = 600.0
"""Seconds; whoever waits so long fails the test by its own limit."""

LIMIT_SECONDS = 60

# All that one unit of work records has one instant.
UNITS = "select count(*) from transactions group by recorded_at order by recorded_at"


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    async with open_ledger(database) as opened:
        yield opened


async def submit_together(desk: Desk, callers: int) -> None:
    """Let each of some callers submit one command, all of them before the poster has seen the first."""
    commands = [earn(1, member=desk.ledger.members[n % len(desk.ledger.members)]) for n in range(callers)]
    keys = [desk.ledger.next_key() for _ in commands]
    async with asyncio.timeout(LIMIT_SECONDS):
        outcomes = await desk.submit_together(commands, keys)
    assert all(isinstance(outcome, Posted) for outcome in outcomes)


async def units(ledger: LedgerInPostgres) -> list[int]:
    """How many transactions each unit of work has recorded, in their order."""
    return [count for (count,) in await ledger.rows(UNITS)]


async def test_callers_that_were_answered_together_are_posted_together_again(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "QUIET_SECONDS", FOR_EVER)
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", FOR_EVER)

    async def come_again(caller: int) -> None:
        for _ in range(3):
            await desk.post(earn(1, member=ledger.members[caller % len(ledger.members)]))
            await asyncio.sleep(0.001 * caller)

    async with ledger.posters() as desk, asyncio.timeout(LIMIT_SECONDS):
        await submit_together(desk, CALLERS)
        await asyncio.gather(*[come_again(caller) for caller in range(CALLERS)])
    assert await units(ledger) == [CALLERS] * 4


async def test_who_does_not_come_again_is_waited_for_no_longer_than_others_keep_coming(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", FOR_EVER)
    async with ledger.posters() as desk:
        await submit_together(desk, CALLERS)
        await submit_together(desk, CALLERS - 1)
    assert await units(ledger) == [CALLERS, CALLERS - 1]


async def test_a_caller_after_a_pause_is_posted_at_once(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "QUIET_SECONDS", FOR_EVER)
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", 0.0)
    async with ledger.posters() as desk:
        await submit_together(desk, CALLERS)
        await submit_together(desk, 1)
    assert await units(ledger) == [CALLERS, 1]


async def test_few_callers_wait_for_nobody(ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poster, "QUIET_SECONDS", FOR_EVER)
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", FOR_EVER)
    async with ledger.posters() as desk:
        await submit_together(desk, FEWEST_TO_WAIT_FOR - 1)
        await submit_together(desk, 1)
    assert await units(ledger) == [FEWEST_TO_WAIT_FOR - 1, 1]


async def test_it_waits_for_nobody_where_as_many_wait_already_as_were_answered(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "QUIET_SECONDS", FOR_EVER)
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", FOR_EVER)
    member = ledger.members[0]
    async with ledger.posters() as desk, asyncio.timeout(LIMIT_SECONDS):
        alone = [Atomic(items=(AtomicItem(ledger.next_key(), earn(1, member=member)),)) for _ in range(CALLERS)]
        outcomes = await desk.submit_together(alone, [ledger.next_key() for _ in alone])
    assert all(isinstance(outcome, Posted) for outcome in outcomes)
    assert await units(ledger) == [1] * CALLERS


async def test_a_poster_that_leaves_waits_for_nobody_and_posts_what_is_queued(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "QUIET_SECONDS", FOR_EVER)
    monkeypatch.setattr(poster, "LONGEST_WAIT_SECONDS", FOR_EVER)
    async with asyncio.timeout(LIMIT_SECONDS):
        async with ledger.posters() as desk:
            await submit_together(desk, CALLERS)
            last = desk.posters.enqueue(await desk.submission(earn(1, member=ledger.members[0])))
            await asyncio.sleep(0.01)
            assert not last.done()
        assert isinstance(await last, Posted)
    assert await units(ledger) == [CALLERS, 1]
