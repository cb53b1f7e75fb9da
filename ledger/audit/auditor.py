"""The audit: lane by lane, then each lane's share of the keys, then what must hold over all lanes.

How it stays exact while others post. All lane rows are read in one statement: a cut that no unit of work
straddles. Each lane's journal is walked up to its cut in pages, each in statements of its own, since what
is before the cut never changes. At last one short unit of work that sees a single moment reads the lane's
row, the few transactions since, and the projections, which must then be equal. So nothing is locked, no
snapshot outlasts one lane's open state, and traffic gives no false alarm.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.audit import queries
from ledger.audit.approvals import check_approvals
from ledger.audit.crossing import Crossing
from ledger.audit.epochs import check_epochs, read_epoch_rows
from ledger.audit.keys import check_keys
from ledger.audit.money import check_money
from ledger.audit.pages import PAGE_TRANSACTIONS, Lane, read_lane, read_lanes
from ledger.audit.projections import compare_projections, read_projections
from ledger.audit.report import AuditReport, Findings
from ledger.audit.set_up import SetUp
from ledger.audit.walk import Walk
from ledger.errors import NotFound
from ledger.store.ledger_row import read_ledger
from ledger.store.unit_of_work import unit_of_work

CATCH_UPS = 20
"""How often a lane's walk runs after new transactions before its projections are read."""

REST_PER_WORK = 1.0
"""Seconds of rest for each second of work, while others post."""

Progress = Callable[[int, int], None]
Check = Callable[[AsyncConnection, Findings], Awaitable[None]]
"""A check of another part, such as settlement: it reads, and notes differences in the findings."""


async def audit(
    connection_or_pool: AsyncConnection | AsyncConnectionPool[AsyncConnection],
    *,
    progress: Progress | None = None,
    more_checks: Sequence[Check] = (),
) -> AuditReport:
    """Rebuild everything from the journal and compare; runs beside live traffic with the service's rights.

    ``connection_or_pool`` comes from ``open_pool``. ``progress`` is told the transactions done and their
    total. Raises NotFound where the database holds no ledger yet, and what the database raises.
    """
    async with connection_of(connection_or_pool) as connection:
        return await _Audit(connection, progress).run(more_checks)


@asynccontextmanager
async def connection_of(
    source: AsyncConnection | AsyncConnectionPool[AsyncConnection],
) -> AsyncIterator[AsyncConnection]:
    """The connection itself, or one of the pool's for as long as the context lasts."""
    if isinstance(source, AsyncConnection):
        yield source
    else:
        async with source.connection() as connection:
            yield connection


class _Audit:
    def __init__(self, connection: AsyncConnection, progress: Progress | None) -> None:
        self._connection = connection
        self._progress = progress
        self._findings = Findings()
        self._set_up = SetUp()
        self._crossing = Crossing({})
        self._done = 0
        self._total = 0
        self._posted: int | None = None
        self._worked_since = perf_counter()

    async def run(self, more_checks: Sequence[Check]) -> AuditReport:
        started = perf_counter()
        ledger = await read_ledger(self._connection)
        if ledger is None:
            raise NotFound("The database holds no ledger yet.")
        # Before the lanes: what these rows say has begun lies before the ends that the lanes are walked to.
        epochs = await read_epoch_rows(self._connection)
        lanes = await read_lanes(self._connection)
        self._crossing = Crossing({lane.lane: lane.next_sequence for lane in lanes})
        self._total = sum(max(lane.next_sequence - 1, 0) for lane in lanes)
        await self._check_lanes(lanes, ledger.lanes)
        for index, lane in enumerate(lanes):
            await self._check_lane(lane)
            await check_keys(self._connection, self._findings, index, len(lanes), self._rest)
        self._crossing.compare(self._findings)
        await check_epochs(self._connection, self._findings, self._crossing.epochs, epochs, ledger.lanes)
        await check_approvals(self._connection, self._findings)
        await check_money(self._connection, self._findings)
        for check in more_checks:
            await check(self._connection, self._findings)
        findings = self._findings
        return AuditReport(
            transactions=findings.transactions,
            lanes=len(lanes),
            keys=findings.keys,
            erased_details=findings.erased_details,
            difference_count=findings.count,
            differences=tuple(findings.differences),
            seconds=round(perf_counter() - started, 3),
            seals=findings.seals,
        )

    async def _check_lanes(self, lanes: list[Lane], count: int) -> None:
        """Every lane has its row, and no row of any table is in a lane that is not there."""
        found = [lane.lane for lane in lanes]
        self._findings.compare(None, "lanes", "rows of lanes", found, list(range(count)))
        cursor = await self._connection.execute(queries.READ_LANES_NAMED)
        for table, first, last in await cursor.fetchall():
            for lane in {first, last} - {None, *found}:
                self._findings.differ(lane, f"table {table}", "lane of its rows", lane, f"0 to {count - 1}")

    async def _check_lane(self, cut: Lane) -> None:
        walk = Walk(self._connection, cut.lane, self._set_up, self._findings, self._crossing)
        before = self._done
        await walk.follow(cut.next_sequence, self._after_page(before, cut))
        self._tell(before + max(cut.next_sequence - 1, 0))
        self._crossing.note_parties(walk.books.parties)
        await self._catch_up(walk, cut.lane)
        async with unit_of_work(self._connection) as moment:
            await moment.execute(queries.ONE_MOMENT)
            head = await read_lane(moment, cut.lane)
            await walk.follow(head.next_sequence)
            found = await read_projections(moment, head, walk.chain.next_lot, walk.books)
        walk.chain.end(head)
        walk.end()
        compare_projections(found, walk.books, head, self._findings, self._crossing)

    async def _catch_up(self, walk: Walk, lane: int) -> None:
        """Walk after a busy lane until so little is new that it fits into one short unit of work."""
        for _ in range(CATCH_UPS):
            head = await read_lane(self._connection, lane)
            if head.next_sequence - walk.position < PAGE_TRANSACTIONS // 10:
                return
            await walk.follow(head.next_sequence)

    def _after_page(self, before: int, cut: Lane) -> Callable[[int], Awaitable[None]]:
        async def after_page(position: int) -> None:
            self._tell(before + min(position, cut.next_sequence) - 1)
            await self._rest()

        return after_page

    def _tell(self, done: int) -> None:
        self._done = done
        if self._progress is not None:
            self._progress(done, self._total)

    async def _rest(self) -> None:
        """While others post, rest as long as was worked: the auditor shares the machine with the poster."""
        cursor = await self._connection.execute(queries.READ_POSTED)
        [(posted,)] = await cursor.fetchall()
        worked = perf_counter() - self._worked_since
        if self._posted is not None and posted != self._posted:
            await asyncio.sleep(worked * REST_PER_WORK)
        self._posted = posted
        self._worked_since = perf_counter()
