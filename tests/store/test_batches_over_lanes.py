"""Commands over two lanes that happen to be decided in one batch, since another command has locked the other lane."""

from collections.abc import AsyncIterator

import psycopg
import pytest
from msgspec.structs import replace

from ledger.rules.outcomes import Posted, Refused
from tests.builders import NOON, earn, take_back
from tests.databases import LedgerDatabase
from tests.rarer_builders import gift, merge, move
from tests.store.ledger_in_postgres import Desk, LedgerInPostgres, open_ledger


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A live ledger of this test's own; members 0 and 4 are in lane 1, member 1 in lane 2."""
    async with open_ledger(database) as opened:
        yield opened


async def post_together(desk: Desk, *submissions: object) -> list[Posted]:
    futures = [desk.posters.enqueue(submission) for submission in submissions]  # type: ignore[arg-type]
    outcomes = [await future for future in futures]
    assert all(isinstance(outcome, Posted) for outcome in outcomes), outcomes
    return outcomes  # type: ignore[return-value]


async def test_both_legs_of_a_gift_record_one_instant_though_one_lane_is_ahead_of_the_clock(
    ledger: LedgerInPostgres,
) -> None:
    giver, receiver = ledger.members[:2]
    async with ledger.posters() as desk:
        await desk.post(earn(50, member=giver))
        with psycopg.connect(ledger.database.owner_url) as owner:
            owner.execute("update lanes set recorded_at = now() + interval '30 seconds' where lane = 2")
        _, given = await post_together(
            desk,
            await desk.submission(earn(1, member=receiver)),
            await desk.submission(gift(20, member=giver, receiver=receiver)),
        )
    out, into = (entry.transaction for entry in given.entries)
    assert (out.lane, into.lane) == (1, 2)
    assert out.recorded_at == into.recorded_at


async def test_names_lead_to_the_end_where_a_batch_merges_and_moves(ledger: LedgerInPostgres) -> None:
    first, other, *_, second = ledger.members[:5]
    async with ledger.posters() as desk:
        prepare = desk.intake.prepare
        await post_together(
            desk,
            await prepare(0, "a", merge(first, second), owner="staff:a"),
            await desk.submission(earn(1, member=other)),
            await prepare(0, "b", move(2, second), owner="staff:a"),
        )
        desk.intake.forget_members()
        found = {await desk.intake.find_member(0, name) for name in (first, second)}
    assert [(member.lane, member.number) for member in found if member] == [(2, 9)]


async def test_what_follows_a_merge_in_its_batch_sees_all_that_has_come_along(ledger: LedgerInPostgres) -> None:
    first, other, *_, second = ledger.members[:5]
    async with ledger.posters() as desk:
        await desk.post(earn(spend_minor=600_000, member=first))
        await desk.post(gift(4_900, member=first, receiver=other))
        merged = await desk.intake.prepare(0, "a", merge(first, second), owner="staff:a")
        back = take_back(100, member=second, occurred_at=NOON)
        futures = [
            desk.posters.enqueue(submission)
            for submission in (
                merged,
                await desk.submission(replace(back, occurred_at=await now(ledger))),
                await desk.submission(gift(101, member=second, receiver=other)),
            )
        ]
        posted, taken_back, refused = [await future for future in futures]
    assert isinstance(posted, Posted)
    assert isinstance(taken_back, Posted)
    assert isinstance(refused, Refused)
    assert refused.code == "limit-exceeded"


async def now(ledger: LedgerInPostgres) -> int:
    return int(await ledger.value("select ledger_now()"))
