"""Settlement killed before every statement of every step: taken again, there is one batch, one file, one payment."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import psycopg
import pytest

from ledger.audit import audit
from settlement.approval import approve, close, submit
from settlement.audit import check_settlement
from settlement.payments import instruct, retry
from settlement.reconciliation import BankFileOutcome, import_bank_file
from settlement.run import run
from settlement.store.money_rows import read_files
from settlement.store.tables import SETTLEMENT_TABLES
from tests.databases import LedgerDatabase
from tests.settlement.killing import Killed, counted
from tests.settlement.office_with_bank import OPENING_MINOR, Office
from tests.settlement_days import APPROVER, CLERK

T = TypeVar("T")
MOST_STATEMENTS = 200
# Whatever a step changes, it changes at once: a table is as it was before the step, or as it is after it.
TABLES = (*(table.name for table in SETTLEMENT_TABLES), "money_postings", "money_balances", "transactions", "caps")


class Killer:
    """Takes a step to its end however often it is killed, and sees after each death that nothing was half-done."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, database: LedgerDatabase) -> None:
        self._monkeypatch = monkeypatch
        self._url = database.superuser_url
        self.kills = 0

    async def finish(self, step: Callable[[], Awaitable[T]]) -> T:
        """Kill the step before its first statement, then before its second, until it comes through."""
        before = self._rows()
        for number in range(1, MOST_STATEMENTS):
            try:
                with counted(self._monkeypatch, dies_before=number):
                    done = await step()
            except Killed:
                self.kills += 1
                assert self._rows() == before
                continue
            after = self._rows()
            assert await step() == done
            assert self._rows() == after
            return done
        pytest.fail(f"not through after {MOST_STATEMENTS} statements")

    def _rows(self) -> dict[str, str]:
        """A digest of every table's rows."""
        digest = "select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} t"
        with psycopg.connect(self._url) as connection:
            return {table: connection.execute(digest.format(table)).fetchall()[0][0] for table in TABLES}


def taking(office: Office, message: bytes) -> Callable[[], Awaitable[BankFileOutcome]]:
    """The step that takes a bank's file over."""
    return lambda: import_bank_file(office.engine, CLERK, message)


async def test_steps_that_are_killed_anywhere_and_taken_again_pay_once(
    office: Office, database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, killer = office.engine, Killer(monkeypatch, database)
    programme = engine.registry.current.programmes["CITY"]
    batch = (await run(engine, CLERK, programme)).id
    await killer.finish(lambda: submit(engine, CLERK, batch, "agrees"))
    await killer.finish(lambda: approve(engine, APPROVER, batch, "checked"))
    await killer.finish(lambda: instruct(engine, CLERK, batch, "pay"))
    async with engine.pool.connection() as connection:
        [file] = await read_files(connection, batch)
    office.bank.send(file.content)
    office.bank.advance(days=1)

    messages = [*office.bank.messages("pain.002"), *office.bank.messages("camt.053", "HOUSE")]
    outcomes = [await killer.finish(taking(office, message)) for message in messages]
    assert sum(outcome.confirmed for outcome in outcomes) == 2
    closed = await killer.finish(lambda: close(engine, CLERK, batch, "all paid"))
    assert closed.state == "closed"
    # Each step reads, posts and commits: fewer deaths would mean that statements went by uncounted.
    assert killer.kills > 60
    assert office.bank.balance_minor("HOUSE") == OPENING_MINOR - 29_40 - 4_90
    report = await audit(engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences


async def test_a_return_that_is_killed_anywhere_is_booked_once_and_retried_once(
    office: Office, database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, killer = office.engine, Killer(monkeypatch, database)
    batch = await office.settle()
    cafe = office.worked.partners["CAFE"]
    failed = f"{batch.id}-{cafe}-1"
    office.bank.return_later("HOUSE", failed, days=1)
    await office.instruct(batch)
    office.bank.advance(days=3)
    messages = [*office.bank.messages("pain.002"), *office.bank.messages("pacs.004")]
    for message in [*messages, *office.bank.messages("camt.053", "HOUSE")]:
        await killer.finish(taking(office, message))
    assert office.balances(database)[2100, cafe] == -29_40
    await killer.finish(lambda: retry(engine, CLERK, failed, "the account is right by now"))
    async with engine.pool.connection() as connection:
        assert len(await read_files(connection, batch.id)) == 2
    assert [one.state for one in (await office.payments(batch)).values()].count("instructed") == 1
    report = await audit(engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences
