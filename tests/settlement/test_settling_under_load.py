"""Days that are closed and settled while points are posted and read all the time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count, cycle
from time import perf_counter
from typing import Any

import psycopg

from ledger.audit import audit
from ledger.posting.engine import Engine
from ledger.reading.balances import BalanceReader
from ledger.rules.business_day import business_day
from ledger.rules.commands import Earn, Redeem
from ledger.rules.outcomes import Posted
from ledger.store.ledger_row import create_ledger
from ledger.store.members import Member
from settlement.approval import approve, submit
from settlement.audit import check_settlement
from settlement.batches import Batch
from settlement.days import close_day
from settlement.payments import instruct
from settlement.run import run
from tests.acceptance.test_points_roll_forward import KEY, Worked, found
from tests.databases import LedgerDatabase
from tests.settlement.office_with_bank import PROGRAMME, agree_all
from tests.settlement_days import APPROVER, CLERK

FIRST, DAYS = date(2026, 11, 23), 4
MEMBERS = [f"m-{number}" for number in range(24)]
TRADERS = 8
# Longer than any wait of this test on a slow machine, shorter than a stop of postings that a citizen would notice.
LONGEST_WAIT_SECONDS = 5.0
FILE: dict[str, Any] = {
    "programme": PROGRAMME,
    "parties": ["BANK", "CAFE"],
    "issuer_terms": [{"party": "BANK", "from": "2026-01-01", "reserve": "0.01", "fee": "0.002"}],
    "acceptor_terms": [{"party": "CAFE", "from": "2026-01-01", "reimbursement": "0.01", "commission": "0.02"}],
    "events": [{"member": name} for name in MEMBERS],
}
Points = Counter[tuple[date, str]]


@dataclass
class Town:
    """Members that earn and pay without a pause; what each posting said of itself is kept."""

    worked: Worked
    points: Points = field(default_factory=Counter)
    posted: int = 0
    reads: int = 0
    waits: list[float] = field(default_factory=list)
    stopping: bool = False

    async def trade(self, trader: int) -> None:
        """Two earnings and a payment of each of the trader's members, again and again."""
        mine = MEMBERS[trader::TRADERS]
        for turn in count():
            for member in mine:
                for party, points in (("BANK", 7), ("BANK", 5), ("CAFE", 11)):
                    if self.stopping:
                        return
                    await self._post(f"{trader}-{turn}-{member}-{points}", member, party, points)

    async def _post(self, key: str, member: str, party: str, points: int) -> None:
        engine, kind = self.worked.engine, Earn if party == "BANK" else Redeem
        command = kind(programme="CITY", member=f"ref:{member}", points=points, scene="food")
        submission = await engine.intake.prepare(self.worked.partners[party], key, command)
        started = perf_counter()
        outcome = await engine.posters.submit(submission)
        self.waits.append(perf_counter() - started)
        assert isinstance(outcome, Posted)
        recorded = outcome.own_entries[0].transaction.recorded_at
        self.points[business_day(recorded, "Asia/Shanghai", 0), party] += points
        self.posted += 1

    async def read(self) -> None:
        """Read balances, one member's after the other's."""
        engine = self.worked.engine
        balances, programme = BalanceReader(engine.pool), engine.registry.current.programmes["CITY"]
        async with engine.pool.connection() as connection:
            rows = await connection.execute("select lane, member from members order by lane, member")
            members = [Member(lane, number) for lane, number in await rows.fetchall()]
        for member in cycle(members):
            if self.stopping:
                return
            started = perf_counter()
            # Each turn earns 12 and pays 11: nobody is seen below zero, whatever is going on.
            assert (await balances.get(member, programme)).available >= 0
            self.waits.append(perf_counter() - started)
            self.reads += 1
            await asyncio.sleep(0.002)

    async def wait_for(self, more: int) -> None:
        """Wait until so many more are posted."""
        wanted = self.posted + more
        while self.posted < wanted:  # noqa: ASYNC110 - an event for each posting would slow what is measured
            await asyncio.sleep(0.005)


@asynccontextmanager
async def busy(town: Town) -> AsyncIterator[None]:
    """Trade and read as long as the context lasts."""
    async with asyncio.TaskGroup() as group:
        for trader in range(TRADERS):
            group.create_task(town.trade(trader))
        group.create_task(town.read())
        try:
            yield
        finally:
            town.stopping = True


async def settle(town: Town, day: date) -> tuple[Batch, bool]:
    """Close a day and bring its batch to its payments; the batch, and whether points were posted and read meanwhile."""
    engine, before = town.worked.engine, (town.posted, town.reads)
    programme = engine.registry.current.programmes["CITY"]
    await close_day(engine, CLERK, programme, day)
    drafted = await run(engine, CLERK, programme)
    await submit(engine, CLERK, drafted.id, "agrees")
    await approve(engine, APPROVER, drafted.id, "checked")
    batch = await instruct(engine, CLERK, drafted.id, "pay")
    return batch, town.posted > before[0] and town.reads > before[1]


def told(batch: Batch, partners: dict[str, int]) -> dict[str, int]:
    """The points that a batch charges to the issuer and pays to the acceptor."""
    of = {(line.party, line.kind): line.points for line in batch.figures.lines}
    return {"BANK": of[partners["BANK"], "issue_charge"], "CAFE": of[partners["CAFE"], "redemption_gross"]}


async def test_batches_are_exact_while_points_are_posted_and_read_and_neither_waits(database: LedgerDatabase) -> None:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        town = Town(await found(engine, FILE))
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        await agree_all(engine, FILE)
        await town.worked.set_clock(FIRST.isoformat(), "12:00")
        batches: list[Batch] = []
        async with busy(town):
            for number in range(DAYS):
                await town.wait_for(300)
                # The clock jumps over the cut-off while all of them post.
                await town.worked.set_clock((FIRST + timedelta(days=number + 1)).isoformat(), "00:00")
                batch, meanwhile = await settle(town, FIRST + timedelta(days=number))
                batches.append(batch)
                assert meanwhile
        last = FIRST + timedelta(days=DAYS)
        await town.worked.set_clock((last + timedelta(days=1)).isoformat(), "00:00")
        batches.append((await settle(town, last))[0])
        for number, batch in enumerate(batches):
            day = FIRST + timedelta(days=number)
            assert told(batch, town.worked.partners) == {party: town.points[day, party] for party in ("BANK", "CAFE")}
        assert len(batches) == DAYS + 1
        assert max(town.waits) < LONGEST_WAIT_SECONDS
        report = await audit(engine.pool, more_checks=[check_settlement])
        assert report.is_clean, report.differences
