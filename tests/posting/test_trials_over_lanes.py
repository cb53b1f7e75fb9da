"""Quotes of commands over several lanes: what a posting would do at that moment, and nothing is recorded."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest

from ledger.posting.trial import Trials
from ledger.rules.outcomes import Posted, Refused
from tests.builders import earn, redeem, reverse
from tests.databases import LedgerDatabase
from tests.rarer_builders import capture, gift, grant_cap, hold, move
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A live ledger with a cap on what is given for leisure."""
    async with open_ledger(database) as opened:
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("insert into caps (code, programme, scene, home_lane) values ('FAIR', 1, 'leisure', 3)")
            owner.execute("update registry set version = version + 1")
        yield opened


@asynccontextmanager
async def trials(ledger: LedgerInPostgres, desk: Desk) -> AsyncIterator[Trials]:
    opened = Trials(ledger.database.service_url, desk.posters.registry)
    yield opened
    await opened.close()


async def tried_then_posted(desk: Desk, quotes: Trials, command: Any) -> tuple[Any, Any]:
    """What a quote says of a command, and what posting it then does; the quote itself records nothing."""
    before = await desk.ledger.transactions()
    tried = await quotes.run(await desk.submission(command))
    assert await desk.ledger.transactions() == before
    return tried, await desk.submit(command)


def shapes(outcome: Any) -> list[tuple[int, int, int, int]]:
    assert isinstance(outcome, Posted), outcome
    posted = [entry.transaction for entry in outcome.own_entries]
    return [(one.kind, one.lane, one.points, one.available_after) for one in posted]


async def test_a_quote_of_a_gift_a_moved_hold_and_a_late_return_is_what_posting_does(ledger: LedgerInPostgres) -> None:
    giver, receiver = ledger.members[:2]
    async with ledger.posters() as desk, trials(ledger, desk) as quotes:
        await desk.post(earn(100, member=giver))
        [held] = (await desk.post(hold(30, member=giver))).own_entries
        [used] = (await desk.post(redeem(20, member=giver))).own_entries
        moved = await desk.intake.prepare(0, "move", move(3, giver), owner="staff:a")
        assert isinstance(await desk.posters.submit(moved), Posted)
        for command in (
            gift(10, member=giver, receiver=receiver),
            capture(held, 10, final=True),
            reverse(used, points=5),
        ):
            tried, posted = await tried_then_posted(desk, quotes, command)
            assert shapes(tried) == shapes(posted)


@pytest.mark.parametrize(("points", "is_posted"), [(40, True), (41, False)])
async def test_a_quote_under_a_nearly_exhausted_cap_sees_all_allotments_and_leaves_them(
    ledger: LedgerInPostgres, points: int, is_posted: bool
) -> None:
    async with ledger.posters() as desk, trials(ledger, desk) as quotes:
        granted = await desk.intake.prepare(0, "grant", grant_cap(100, "FAIR"), owner="staff:a")
        await desk.posters.submit(granted)
        for member in ledger.members[:3]:
            await desk.post(earn(2, member=member, scene="leisure"))
        await desk.post(earn(54, member=ledger.members[2], scene="leisure"))
        tried, posted = await tried_then_posted(desk, quotes, earn(points, member=ledger.members[3], scene="leisure"))
        assert isinstance(tried, Posted) == isinstance(posted, Posted) == is_posted
        if isinstance(tried, Refused):
            assert tried.code == posted.code == "cap-exhausted"
