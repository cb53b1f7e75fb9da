"""A redemption reads only as many lots as it is likely to need; one that needs more reads all and runs again."""

from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

import pytest

from ledger.rules.commands import Adjust
from ledger.rules.outcomes import Posted, Replayed
from ledger.store.wanted_state import MOST_LOTS_AT_FIRST, lots_at_first
from tests.builders import earn, redeem
from tests.databases import LedgerDatabase
from tests.rarer_builders import adjust, capture, gift, hold
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger

LOTS = 20


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A ledger whose first member has twenty lots of one point."""
    async with open_ledger(database) as opened:
        async with opened.posters() as desk:
            commands = [earn(1, member=opened.members[0])] * LOTS
            await desk.submit_together(commands, [f"lot-{number}" for number in range(LOTS)])
        yield opened


async def lots_used(desk: Desk, points: int) -> list[int | None]:
    """The lots that a redemption of the first member uses, in order."""
    posted = await desk.post(redeem(points, member=desk.ledger.members[0]))
    return [posting.lot for posting in posted.own_entries[0].transaction.postings]


def test_the_lots_read_at_first_grow_with_the_points_wanted_and_an_earn_reads_none() -> None:
    assert [lots_at_first(points) for points in (0, 1, 60, 10_000)] == [0, 2, 5, MOST_LOTS_AT_FIRST]


@pytest.mark.parametrize("points", [1, MOST_LOTS_AT_FIRST, MOST_LOTS_AT_FIRST + 1, LOTS])
async def test_lots_are_used_in_their_order_however_many_it_takes(ledger: LedgerInPostgres, points: int) -> None:
    async with ledger.posters() as desk:
        assert await lots_used(desk, points) == list(range(1, points + 1))
        left = LOTS - points
        if left:
            assert await lots_used(desk, left) == list(range(points + 1, LOTS + 1))
    assert await ledger.value("select sum(remaining)::bigint from lots") == 0
    assert await ledger.value("select count(*) from lots where is_open") == 0


async def test_the_same_key_twice_in_a_batch_that_reads_again_has_one_effect(ledger: LedgerInPostgres) -> None:
    command = redeem(19, member=ledger.members[0])
    async with ledger.posters() as desk:
        outcomes = await desk.submit_together([command, command], ["k", "k"])
    assert [type(outcome) for outcome in outcomes] == [Posted, Replayed]
    assert await ledger.value("select posted from member_points where posted > 0") == 1


async def test_all_redemptions_of_one_batch_together_use_each_lot_once(ledger: LedgerInPostgres) -> None:
    commands = [redeem(points, member=ledger.members[0]) for points in (9, 2, 9)]
    async with ledger.posters() as desk:
        outcomes = await desk.submit_together(commands, ["a", "b", "c"])
    assert [type(outcome) for outcome in outcomes] == [Posted] * 3
    used = await ledger.rows("select lot from postings where debit_kind = 2 order by lot")
    assert [lot for (lot,) in used] == list(range(1, LOTS + 1))


@pytest.mark.parametrize("command", [hold, gift, partial(adjust, takes=True)], ids=["hold", "gift", "adjustment"])
async def test_holds_gifts_and_corrections_over_more_lots_than_were_read_take_them_all_in_order(
    ledger: LedgerInPostgres, command: Callable[..., Any]
) -> None:
    others = {"receiver": ledger.members[1]} if command is gift else {}
    async with ledger.posters() as desk:
        wanted = command(LOTS - 1, member=ledger.members[0], **others)
        owner = "staff:a" if isinstance(wanted, Adjust) else None
        submitted = await desk.intake.prepare(0 if owner else ledger.partners[0], "k", wanted, owner=owner)
        posted = await desk.posters.submit(submitted)
    assert isinstance(posted, Posted)
    used = [posting.lot for posting in posted.own_entries[0].transaction.postings]
    assert used == list(range(1, LOTS))


async def test_lots_that_are_all_held_do_not_hide_the_free_ones_behind_them(ledger: LedgerInPostgres) -> None:
    async with ledger.posters() as desk:
        [held] = (await desk.post(hold(LOTS - 5, member=ledger.members[0]))).own_entries
        assert await lots_used(desk, 2) == [16, 17]
        await desk.post(capture(held, 1, final=True))
        assert await lots_used(desk, 2) == [2, 3]
