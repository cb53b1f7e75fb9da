"""An audit beside live posting is exact: no false alarm, and what is wrong is found all the same."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from ledger.audit import AuditReport, audit, auditor, pages
from ledger.posting.engine import Engine
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Outcome, Posted
from ledger.store.ledger_row import create_ledger
from tests.audit.lively_ledger import KEY, LivelyTown
from tests.audit.told_stories import LANES
from tests.databases import LedgerDatabase

SHOPPERS = 24
PURCHASES = 60


@pytest.fixture
async def town(database: LedgerDatabase) -> AsyncIterator[LivelyTown]:
    """A town whose life goes on while it is audited; its clock stands still only between days."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=LANES, is_sandbox=True)
    async with Engine.open(database.service_url, KEY, groups=2) as engine:
        yield await LivelyTown.found(engine)


async def audits_until(engine: Engine, work: "asyncio.Task[None]") -> list[AuditReport]:
    """Audit over and over until the work is done."""
    reports = []
    while not work.done():
        reports.append(await audit(engine.pool))
        await asyncio.sleep(0)
    await work
    return reports


async def live(town: LivelyTown, days: int) -> None:
    for _ in range(days):
        await town.live_a_day()


@pytest.mark.parametrize("page", [3, 5_000])
async def test_days_that_pass_during_audits_give_no_false_alarm(
    town: LivelyTown, monkeypatch: pytest.MonkeyPatch, page: int
) -> None:
    monkeypatch.setattr(pages, "PAGE_TRANSACTIONS", page)
    reports = await audits_until(town.engine, asyncio.create_task(live(town, days=25)))
    assert [report.differences[:3] for report in reports if not report.is_clean] == []
    seen = [report.transactions for report in reports]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert (await audit(town.engine.pool)).is_clean


async def test_many_shoppers_at_once_give_no_false_alarm(town: LivelyTown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auditor, "REST_PER_WORK", 0.0)
    monkeypatch.setattr(pages, "PAGE_TRANSACTIONS", 200)

    async def shop(shopper: int) -> None:
        for purchase in range(PURCHASES):
            outcome = await buy(town, shopper, purchase)
            assert isinstance(outcome, Posted) or purchase % 3 == 2

    async def shop_all() -> None:
        await asyncio.gather(*(shop(shopper) for shopper in range(SHOPPERS)))

    reports = await audits_until(town.engine, asyncio.create_task(shop_all()))
    assert [report.differences[:3] for report in reports if not report.is_clean] == []
    final = await audit(town.engine.pool)
    assert final.is_clean
    assert final.transactions >= SHOPPERS * PURCHASES * 2 // 3
    assert any(report.transactions < final.transactions for report in reports)


async def buy(town: LivelyTown, shopper: int, purchase: int) -> Outcome:
    """Two earns, then a redemption, and so on; the shoppers share the town's members."""
    member = town.members[shopper % len(town.members)]
    if purchase % 3 == 2:
        return await town.post(town.partners[0], Redeem(programme="SHORT", member=member, points=9, scene="food"))
    return await town.post(town.partners[1], Earn(programme="SHORT", member=member, points=5, scene="food"))


async def test_what_is_wrong_is_found_beside_posting(town: LivelyTown, database: LedgerDatabase) -> None:
    await live(town, days=3)
    with psycopg.connect(database.superuser_url, autocommit=True) as owner:
        owner.execute("update transactions set scene = 'charity' where (lane, sequence) = (1, 2)")
    reports = await audits_until(town.engine, asyncio.create_task(live(town, days=4)))
    assert reports
    for report in reports:
        [difference] = report.differences
        assert (difference.lane, difference.place, difference.what) == (1, "transaction 2", "hash")
