"""A deep queue is posted over two connections at once, half of the lanes each; nothing else changes by that."""

from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import DatabaseUnavailable
from ledger.posting.poster import FEWEST_TO_DIVIDE
from ledger.rules.commands import Earn, Redeem, Submission
from ledger.rules.decide import decide
from ledger.rules.outcomes import Decision, Posted, Refused
from ledger.rules.state import LedgerState
from tests.builders import earn, redeem
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import LedgerInPostgres, open_ledger

ROUNDS = 3 * FEWEST_TO_DIVIDE // 8
"""So many times eight commands, one of each member, wait together."""

_OF_POSTERS = "from pg_stat_activity where application_name = 'citypoints-poster' and datname = %s"
CONNECTIONS = f"select count(*) {_OF_POSTERS}"
CUT = f"select pg_terminate_backend(pid) {_OF_POSTERS}"


@pytest.fixture
async def ledger(database: LedgerDatabase) -> AsyncIterator[LedgerInPostgres]:
    async with open_ledger(database) as opened:
        assert {lane % 2 for lane in opened.lanes} == {0, 1}
        yield opened


def of_all_members(ledger: LedgerInPostgres, rounds: int = ROUNDS) -> list[tuple[Earn, str]]:
    """Earns of every member in turn, with keys that tell their order."""
    pairs = [(number, member) for number in range(rounds) for member in ledger.members]
    return [(earn(number + 1, member=member), f"{number:04}-{member}") for number, member in pairs]


async def connections(ledger: LedgerInPostgres) -> int:
    """How many connections of posters there are; asked of the server itself, which shows all roles."""
    with psycopg.connect(ledger.database.superuser_url) as connection:
        [(count,)] = connection.execute(CONNECTIONS.encode(), [ledger.database.name]).fetchall()
    return int(count)


async def test_only_a_deep_queue_makes_a_second_connection(ledger: LedgerInPostgres) -> None:
    async with ledger.posters() as desk:
        await desk.submit_together(*zip(*of_all_members(ledger, 1), strict=True))
        assert await connections(ledger) == 1
        outcomes = await desk.submit_together(*zip(*of_all_members(ledger), strict=True))
        assert await connections(ledger) == 2
    assert all(isinstance(outcome, Posted) for outcome in outcomes[len(ledger.members) :])


async def test_each_member_is_posted_in_the_order_of_the_queue(ledger: LedgerInPostgres) -> None:
    async with ledger.posters() as desk:
        await desk.submit_together(*zip(*of_all_members(ledger), strict=True))
    points = await ledger.rows("select array_agg(points order by lane, sequence) from transactions group by member")
    assert points == [([*range(1, ROUNDS + 1)],)] * len(ledger.members)
    assert (await audit(ledger.pool)).is_clean


async def test_what_fails_in_one_half_fails_nothing_in_the_other(ledger: LedgerInPostgres) -> None:
    def fail_in_odd_lanes(submission: Submission, state: LedgerState) -> Decision:
        if submission.lane % 2:
            raise DatabaseUnavailable("not now")
        return decide(submission, state)

    async with ledger.posters(decide_command=fail_in_odd_lanes) as desk:
        outcomes = await desk.submit_together(*zip(*of_all_members(ledger), strict=True))
    became = {(lane % 2, type(outcome)) for lane, outcome in zip(ledger.lanes * ROUNDS, outcomes, strict=True)}
    assert became == {(0, Posted), (1, DatabaseUnavailable)}
    assert await ledger.value("select count(*) from transactions where lane %% 2 = 1") == 0
    assert (await audit(ledger.pool)).is_clean


async def test_a_half_whose_connection_is_cut_is_posted_again(ledger: LedgerInPostgres) -> None:
    cut: list[int] = []

    def cut_once(submission: Submission, state: LedgerState) -> Decision:
        if submission.lane % 2 and not cut:
            with psycopg.connect(ledger.database.superuser_url, autocommit=True) as connection:
                cut.append(connection.execute(CUT.encode(), [ledger.database.name]).rowcount)
        return decide(submission, state)

    async with ledger.posters(decide_command=cut_once) as desk:
        outcomes = await desk.submit_together(*zip(*of_all_members(ledger), strict=True))
    assert cut == [2]
    assert {type(outcome) for outcome in outcomes} == {Posted}
    assert await ledger.transactions() == ROUNDS * len(ledger.members)
    assert (await audit(ledger.pool)).is_clean


async def test_a_member_cannot_spend_more_than_it_has_however_its_commands_are_divided(
    ledger: LedgerInPostgres,
) -> None:
    commands: list[tuple[Any, str]] = [(earn(10, member=member), f"earn-{member}") for member in ledger.members]
    commands += [(redeem(3, member=member), f"{n}-{member}") for n in range(ROUNDS) for member in ledger.members]
    async with ledger.posters() as desk:
        outcomes = await desk.submit_together(*zip(*commands, strict=True))
    posted = [
        c for (c, _), o in zip(commands, outcomes, strict=True) if isinstance(c, Redeem) and isinstance(o, Posted)
    ]
    assert len(posted) == 3 * len(ledger.members)
    assert {outcome.code for outcome in outcomes if isinstance(outcome, Refused)} == {"insufficient-points"}
    assert await ledger.value("select sum(posted)::bigint from member_points") == len(ledger.members)
