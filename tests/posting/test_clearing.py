"""Steps of settlement on a real ledger: rows, points and money together, one after the other, or not at all."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import psycopg
import pytest

from ledger.audit.auditor import audit
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.commands import Clear
from ledger.rules.decisions.clearing import settled
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.store.unit_of_work import open_pool
from tests.audit.conftest import audit_of
from tests.builders import LEDGER_KEY
from tests.databases import LedgerDatabase
from tests.store.ledger_in_postgres import open_ledger


def charge(amount_minor: int = 1200) -> tuple[MoneyPosting, ...]:
    return (MoneyPosting("CNY", MoneyAccount.ISSUER_RECEIVABLE, 1, MoneyAccount.SERVICE_FEE, OPERATOR, amount_minor),)


@pytest.fixture
async def engines(database: LedgerDatabase) -> AsyncIterator[list[Engine]]:
    """Two processes' engines on one ledger."""
    async with open_ledger(database), AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Engine.open(database.service_url, LEDGER_KEY)) for _ in range(2)]


def rows(database: LedgerDatabase, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute(query).fetchall()


async def test_points_and_money_are_in_the_journal_and_balances_follow(
    engines: list[Engine], database: LedgerDatabase
) -> None:
    async def step(unit: ClearingUnit) -> None:
        command = Clear(programme="CITY", about="CITY-20261123-1", points=(settled(1, 1, 40),), money=charge())
        unit.post(command, "approve:CITY-20261123-1")

    await clear(engines[0], step)
    assert rows(database, "select kind, points from transactions where lane = 0") == [(19, 40)]
    expected = [(1100, 1, 1200), (4000, 0, -1200)]
    assert rows(database, "select account, party, balance_minor from money_balances order by account") == expected
    assert (await audit_of(database)).is_clean


async def test_steps_at_once_come_one_after_the_other_and_one_that_was_done_is_seen(
    engines: list[Engine], database: LedgerDatabase
) -> None:
    async def step(unit: ClearingUnit) -> bool:
        cursor = await unit.connection.execute("select count(*) from money_postings")
        [(posted,)] = await cursor.fetchall()
        if posted:
            return False
        unit.post(Clear(programme="CITY", about="once", money=charge()), "once")
        return True

    done = await asyncio.gather(*(clear(engines[number % 2], step) for number in range(8)))
    assert sorted(done) == [False] * 7 + [True]
    assert (await audit_of(database)).is_clean


async def test_a_step_that_fails_leaves_nothing(engines: list[Engine], database: LedgerDatabase) -> None:
    async def step(unit: ClearingUnit) -> None:
        unit.post(Clear(programme="CITY", about="never", money=charge()), "never")
        await unit.connection.execute("select 1 / 0")

    with pytest.raises(psycopg.errors.DivisionByZero):
        await clear(engines[0], step)
    assert rows(database, "select count(*) from transactions where lane = 0 and kind >= 19") == [(0,)]
    async with open_pool(database.service_url) as pool:
        assert (await audit(pool)).is_clean


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("update money_postings set amount_minor = amount_minor + 1", "commitment to money"),
        ("update money_postings set credit_party = 2", "commitment to money"),
        ("update money_postings set programme = 7", "lines and programme of money"),
        ("update money_postings set line = 2", "lines and programme of money"),
        ("delete from money_postings", "commitment to money"),
        ("update money_balances set balance_minor = 0 where account = 1100", "balance of money"),
        ("update particulars set about = 'another'", "hash"),
    ],
)
async def test_money_changed_behind_the_ledger_is_found(
    engines: list[Engine], database: LedgerDatabase, change: str, what: str
) -> None:
    async def step(unit: ClearingUnit) -> None:
        unit.post(Clear(programme="CITY", about="a payment", money=charge()), "a payment")

    await clear(engines[0], step)
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute(change)
    assert what in {difference.what for difference in (await audit_of(database)).differences}
