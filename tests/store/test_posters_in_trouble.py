"""Posters in trouble: a command that is never content, a lost connection, a clock that has jumped."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.errors import ClockBehind, DatabaseUnavailable
from ledger.posting import batch_poster
from ledger.rules.business_day import to_instant
from ledger.rules.commands import Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Decision, NeedsLanes, Posted, Replayed
from ledger.rules.state import LedgerState
from ledger.store import lane_state, lane_writes
from ledger.store.ledger_row import set_sandbox_clock
from tests.builders import SECOND, earn
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import LedgerInPostgres, open_ledger

POISON = "poison"


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    """A live ledger of this test's own."""
    async with open_ledger(database) as opened:
        yield opened


async def test_a_command_that_asks_for_its_lanes_again_fails_alone(ledger: LedgerInPostgres) -> None:
    def never_content(submission: Submission, state: LedgerState) -> Decision:
        if submission.command.reference == POISON:
            return NeedsLanes(frozenset(ledger.lanes))
        return decide(submission, state)

    commands = [earn(1, member=ledger.members[0], reference=text) for text in ("fine", POISON, "fine too")]
    async with ledger.posters(decide_command=never_content) as desk:
        outcomes = await desk.submit_together(commands, ["a", "b", "c"])
    assert [type(outcome) for outcome in outcomes[::2]] == [Posted, Posted]
    assert isinstance(outcomes[1], RuntimeError)
    assert await ledger.transactions() == 2


def kill_posters(database: LedgerDatabase) -> int:
    """Cut the connections of all posters of the database, and say how many there were."""
    with psycopg.connect(database.superuser_url) as connection:
        killed = connection.execute(
            "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
            " where application_name = 'citypoints-poster' and datname = %s",
            [database.name],
        ).fetchall()
    return len(killed)


async def test_a_connection_lost_in_mid_batch_is_made_again_and_the_batch_has_one_effect(
    ledger: LedgerInPostgres,
) -> None:
    killed: list[int] = []

    def cut_once(submission: Submission, state: LedgerState) -> Decision:
        if not killed:
            killed.append(kill_posters(ledger.database))
        return decide(submission, state)

    async with ledger.posters(decide_command=cut_once) as desk:
        commands = [earn(1, member=member) for member in ledger.members]
        outcomes = await desk.submit_together(commands, [f"k{n}" for n in range(8)])
    assert killed == [1]
    assert [type(outcome) for outcome in outcomes] == [Posted] * 8
    assert await ledger.transactions() == 8


async def test_a_set_up_that_changes_before_every_locking_of_lanes_only_delays(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, changes = lane_state.read_state, 3 * batch_poster.ATTEMPTS

    async def read_too_late(*arguments: Any) -> LedgerState:
        nonlocal changes
        if changes:
            changes -= 1
            with psycopg.connect(ledger.database.owner_url, autocommit=True) as other:
                other.execute("update registry set version = version + 1")
        return await read(*arguments)

    async with ledger.posters() as desk:
        monkeypatch.setattr(batch_poster, "read_state", read_too_late)
        [outcome] = await desk.submit_together([earn(1, member=ledger.members[0])], ["a"])
    assert isinstance(outcome, Posted)
    assert changes == 0
    assert await ledger.transactions() == 1


async def test_a_set_up_that_never_stands_still_is_told_as_such(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read_too_late(*_: Any) -> LedgerState:
        raise lane_state.RegistryChanged

    async with ledger.posters() as desk:
        monkeypatch.setattr(batch_poster, "read_state", read_too_late)
        [outcome] = await desk.submit_together([earn(1, member=ledger.members[0])], ["a"])
    assert isinstance(outcome, DatabaseUnavailable)
    assert "set-up kept changing" in str(outcome)
    assert await ledger.transactions() == 0


async def test_a_connection_lost_after_the_commit_gives_the_recorded_answer(
    ledger: LedgerInPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, lost = lane_writes.write_state, list[int]()

    async def write_and_lose(connection: AsyncConnection, state: LedgerState) -> None:
        await write(connection, state)
        if not lost:
            lost.append(kill_posters(ledger.database))
            await connection.execute("select 1")

    monkeypatch.setattr(batch_poster, "write_state", write_and_lose)
    async with ledger.posters() as desk:
        outcome = await desk.submit(earn(7, member=ledger.members[0]))
    assert lost == [1]
    assert isinstance(outcome, Replayed)
    assert (outcome.record.lane, outcome.record.sequence) == (ledger.lanes[0], 1)
    assert await ledger.transactions() == 1


async def test_an_idle_posters_lost_connection_costs_no_command(ledger: LedgerInPostgres) -> None:
    async with ledger.posters() as desk:
        await desk.post(earn(1, member=ledger.members[0]))
        assert kill_posters(ledger.database) == 1
        await desk.post(earn(1, member=ledger.members[0]))
    assert await ledger.transactions() == 2


NINE = to_instant(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))


def set_clock_back(database: LedgerDatabase, now: datetime) -> None:
    """What a jump of a real clock would do; the service itself refuses it."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("update sandbox_clock set now = %s", [now])


@pytest.mark.parametrize(("ahead_seconds", "posts"), [(60, True), (61, False)])
async def test_a_lane_over_a_minute_ahead_of_the_clock_waits_and_records_nothing(
    database: LedgerDatabase, ahead_seconds: int, posts: Any
) -> None:
    async with open_ledger(database, is_sandbox=True) as ledger, ledger.posters() as desk:
        async with ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NINE + ahead_seconds * SECOND)
        await desk.post(earn(1, member=ledger.members[0]))
        set_clock_back(database, datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
        if posts:
            late = await desk.post(earn(1, member=ledger.members[0]), "k")
            assert late.entries[0].transaction.recorded_at == NINE + ahead_seconds * SECOND
            return
        with pytest.raises(ClockBehind):
            await desk.submit(earn(1, member=ledger.members[0]), "k")
        assert await ledger.value("select count(*) from idempotency_keys") == 1
        async with ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NINE + SECOND)
        await desk.post(earn(1, member=ledger.members[0]), "k")


async def test_other_lanes_go_on_while_one_is_ahead_of_the_clock(database: LedgerDatabase) -> None:
    async with open_ledger(database, is_sandbox=True) as ledger, ledger.posters() as desk:
        async with ledger.pool.connection() as connection:
            await set_sandbox_clock(connection, NINE + 100 * SECOND)
        await desk.post(earn(1, member=ledger.members[0]))
        set_clock_back(database, datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
        commands = [earn(1, member=member) for member in ledger.members[:2]]
        ahead, other = await desk.submit_together(commands, ["a", "b"])
    assert isinstance(ahead, ClockBehind)
    assert isinstance(other, Posted)
