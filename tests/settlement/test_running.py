"""Running batches: one batch whatever happens, nothing kept where something is missing, days freed by cancelling."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import BatchInTheWay, ContractMissing, NothingToSettle
from ledger.posting.engine import Engine
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import create_ledger
from settlement.approval import approve, cancel, submit
from settlement.audit import check_settlement
from settlement.days import close_day
from settlement.proposals import TermsRequest
from settlement.run import run
from tests.acceptance.test_points_roll_forward import KEY, Worked, found
from tests.databases import LedgerDatabase
from tests.settlement.killing import Killed, counted
from tests.settlement.office_with_bank import PROGRAMME
from tests.settlement_days import APPROVER, CLERK, agree

DAY = date(2026, 11, 23)
BANK = TermsRequest(partner="BANK", starts_on=date(2026, 1, 1), reserve_micros=9_500, fee_micros=2_500)
CAFE = TermsRequest(partner="CAFE", starts_on=date(2026, 1, 1), reimbursement_micros=9_000, commission_micros=20_000)
FILE: dict[str, Any] = {
    "programme": PROGRAMME,
    "parties": ["BANK", "CAFE"],
    "events": [
        {
            "day": f"2026-11-{day}",
            "time": time,
            "id": f"{operation}-{day}-{time}",
            "op": operation,
            "party": party,
            "member": "m",
            "points": points,
        }
        for day in (23, 24)
        for time, operation, party, points in (
            ("00:00", "earn", "BANK", 1_000),
            ("10:00", "redeem", "CAFE", 400),
            ("23:59:59.999999", "earn", "BANK", 10),
        )
    ],
}


@dataclass
class Finance:
    """A ledger with two traded days, of which none is closed."""

    engine: Engine
    worked: Worked
    url: str

    @property
    def programme(self) -> Programme:
        return self.engine.registry.current.programmes["CITY"]

    async def close(self, days: int) -> None:
        for number in range(days):
            await close_day(self.engine, CLERK, self.programme, DAY + timedelta(days=number))

    def batches(self) -> list[tuple[str, str]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute("select batch, state from settlement_batches order by batch").fetchall()


@pytest.fixture
async def finance(database: LedgerDatabase) -> AsyncIterator[Finance]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=3, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        worked = await found(engine, FILE)
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        for event in FILE["events"]:
            await worked.load(event)
        await worked.set_clock("2026-11-26", "00:00")
        yield Finance(engine, worked, database.superuser_url)


@pytest.fixture
async def agreed(finance: Finance) -> Finance:
    """With contracts."""
    await agree(finance.engine, "CITY", [BANK, CAFE])
    return finance


async def test_a_second_run_returns_the_batch(agreed: Finance) -> None:
    await agreed.close(1)
    first = await run(agreed.engine, CLERK, agreed.programme)
    assert await run(agreed.engine, CLERK, agreed.programme) == first
    assert await run(agreed.engine, CLERK, agreed.programme, DAY) == first
    assert first.id == "CITY-20261123-1"
    assert agreed.batches() == [(first.id, "draft")]


async def test_runs_at_once_in_two_processes_give_one_batch(agreed: Finance, database: LedgerDatabase) -> None:
    await agreed.close(1)
    async with Engine.open(database.service_url, KEY) as other:
        engines = (agreed.engine, other, agreed.engine, other)
        batches = await asyncio.gather(*(run(engine, CLERK, agreed.programme) for engine in engines))
    assert {batch.digest for batch in batches} == {batches[0].digest}
    assert agreed.batches() == [("CITY-20261123-1", "draft")]


async def test_a_run_that_was_killed_anywhere_is_done_by_the_next(
    agreed: Finance, monkeypatch: pytest.MonkeyPatch
) -> None:
    await agreed.close(1)
    batch, kills = None, 0
    for _ in range(200):
        try:
            with counted(monkeypatch, dies_before=kills + 1):
                batch = await run(agreed.engine, CLERK, agreed.programme)
        except Killed:
            kills += 1
        except BaseExceptionGroup as errors:
            assert errors.subgroup(Killed) is not None  # noqa: PT017 - killed within a group of tasks
            kills += 1
        else:
            break
        assert len(agreed.batches()) <= 1
    assert kills > 10
    assert batch is not None
    assert agreed.batches() == [("CITY-20261123-1", "draft")]
    assert await run(agreed.engine, CLERK, agreed.programme) == batch


async def test_cancelling_frees_the_days_and_the_next_run_is_revision_two(agreed: Finance) -> None:
    await agreed.close(1)
    first = await run(agreed.engine, CLERK, agreed.programme)
    await cancel(agreed.engine, CLERK, first.id, "once more")
    second = await run(agreed.engine, CLERK, agreed.programme)
    assert (second.id, second.revision) == ("CITY-20261123-2", 2)
    assert second.figures == first.figures
    assert agreed.batches() == [(first.id, "cancelled"), (second.id, "draft")]


async def test_a_later_day_waits_while_a_batch_is_not_approved(agreed: Finance) -> None:
    await agreed.close(1)
    first = await run(agreed.engine, CLERK, agreed.programme)
    await agreed.close(2)
    with pytest.raises(BatchInTheWay) as refused:
        await run(agreed.engine, CLERK, agreed.programme)
    assert refused.value.facts["batch"] == first.id
    assert agreed.batches() == [(first.id, "draft")]


async def test_days_before_the_first_closed_one_and_open_days_have_nothing_to_settle(agreed: Finance) -> None:
    with pytest.raises(NothingToSettle):
        await run(agreed.engine, CLERK, agreed.programme)
    await agreed.close(1)
    for day in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
        with pytest.raises(NothingToSettle):
            await run(agreed.engine, CLERK, agreed.programme, day)
    assert agreed.batches() == []


async def test_an_empty_day_is_settled_with_nothing(agreed: Finance) -> None:
    await agreed.close(2)
    traded = await run(agreed.engine, CLERK, agreed.programme)
    await submit(agreed.engine, CLERK, traded.id, "looks right")
    await approve(agreed.engine, APPROVER, traded.id, "checked")
    with psycopg.connect(agreed.url) as superuser:
        superuser.execute("update settlement_batches set state = 'instructed'")
        superuser.execute(
            "insert into settlement_batch_steps select now(), 4, batch, 'instructed', 'Wang Fang', 'by hand' "
            "from settlement_batches"
        )
    await agreed.close(3)
    empty = await run(agreed.engine, CLERK, agreed.programme)
    assert (empty.figures.lines, empty.figures.money, empty.figures.points) == ((), (), ())
    assert empty.figures.obligation_closing_minor == traded.figures.obligation_closing_minor > 0
    await submit(agreed.engine, CLERK, empty.id, "nothing happened")
    approved = await approve(agreed.engine, APPROVER, empty.id, "nothing indeed")
    assert approved.state == "approved"
    report = await audit(agreed.engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences


@pytest.mark.parametrize(("present", "missing", "side"), [(CAFE, "BANK", "issuer"), (BANK, "CAFE", "acceptor")])
async def test_a_missing_contract_is_named_and_nothing_is_kept(
    finance: Finance, present: TermsRequest, missing: str, side: str
) -> None:
    await agree(finance.engine, "CITY", [present])
    await finance.close(1)
    with pytest.raises(ContractMissing) as refused:
        await run(finance.engine, CLERK, finance.programme)
    assert refused.value.facts == {"partner": missing, "programme": "CITY", "side": side}
    assert finance.batches() == []


async def test_terms_that_change_at_midnight_hold_from_its_first_microsecond(agreed: Finance) -> None:
    changed = TermsRequest(partner="BANK", starts_on=DAY + timedelta(days=1), reserve_micros=9_700, fee_micros=2_300)
    await agree(agreed.engine, "CITY", [changed])
    await agreed.close(2)
    batch = await run(agreed.engine, CLERK, agreed.programme)
    charges = [(line.version, line.points) for line in batch.figures.lines if line.kind == "issue_charge"]
    # On each day 1,000 points at its first moment and 10 at its last.
    assert charges == [(1, 1_010), (2, 1_010)]
    bank = agreed.worked.partners["BANK"]
    assert [(one.funding, one.version, one.closing) for one in batch.figures.positions] == [
        (bank, 1, 1_010 - 800),
        (bank, 2, 1_010),
    ]
