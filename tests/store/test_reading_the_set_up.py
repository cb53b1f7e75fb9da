"""The set-up is read as of one instant, whatever is changed while it is read."""

from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.rules.programmes import EarnRate, Registry
from ledger.store.registry import read_registry
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import connect_poster, unit_of_work
from tests.databases import LedgerDatabase
from tests.service import make_ledger

# What one reading sends: eleven, the version first and last, and one more.
STATEMENTS = 12


async def add_town(url: str) -> None:
    """Add a programme and a partner that issues in it, in one unit of work."""
    connection = await connect_poster(url)
    async with connection, unit_of_work(connection):
        rules = NewRules(EarnRate(1, 100), validity_months=24)
        new = NewProgramme(code="TOWN", currency="CNY", zone="Asia/Shanghai", rules=rules)
        partner = await add_partner(connection, "BANK", "Bank", "bank")
        await permit(connection, await add_programme(connection, new), partner, may_issue=True, may_accept=True)


def refuse_torn(registry: Registry) -> None:
    """Check that the programme is there with its rules and its partner, or that none of them is."""
    assert ("TOWN" in registry.programmes) == (registry.partner_coded("BANK") is not None)
    for programme in registry.programmes.values():
        assert programme.versions
        assert programme.issuers <= registry.partners.keys()
    for shares in registry.fundings.values():
        assert {partner for partner, _ in shares} <= registry.partners.keys()


@pytest.mark.parametrize("number", range(1, STATEMENTS + 1))
async def test_what_is_added_before_any_statement_of_the_reading_is_read_whole_or_not_at_all(
    database: LedgerDatabase, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    make_ledger(database)
    execute, sent = AsyncConnection.execute, 0
    async with await connect_poster(database.service_url) as reading:

        async def executing(connection: AsyncConnection, query: Any, *rest: Any, **options: Any) -> Any:
            nonlocal sent
            if connection is reading:
                sent += 1
                if sent == number:
                    await add_town(database.service_url)
            return await execute(connection, query, *rest, **options)

        with monkeypatch.context() as patched:
            patched.setattr(AsyncConnection, "execute", executing)
            registry = await read_registry(reading)
        refuse_torn(registry)
        assert reading.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if number < STATEMENTS:
            again = await read_registry(reading)
            refuse_torn(again)
            assert "TOWN" in again.programmes
    assert number <= sent or number == STATEMENTS


async def test_within_a_unit_of_work_its_own_changes_are_read(database: LedgerDatabase) -> None:
    make_ledger(database)
    async with await connect_poster(database.service_url) as connection:
        async with unit_of_work(connection):
            before = await read_registry(connection)
            await add_partner(connection, "BANK", "Bank", "bank")
            during = await read_registry(connection)
            assert (before.partner_coded("BANK"), during.partner_coded("BANK") is None) == (None, False)
            assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS
        assert (await read_registry(connection)).partner_coded("BANK") is not None
