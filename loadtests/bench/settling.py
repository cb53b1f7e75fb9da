"""A settlement run over what the benchmark has recorded, against the plainest sum over the same rows."""

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from uuid import uuid4

import msgspec
from psycopg import AsyncConnection

from ledger.posting.engine import Engine
from ledger.rules.business_day import first_instant_after, to_instant
from ledger.store.unit_of_work import unit_of_work
from loadtests.bench.city import PROGRAMME, City, read_city
from settlement.approval import cancel
from settlement.people import Person
from settlement.proposals import TermsRequest, approve_proposal, propose
from settlement.run import run
from settlement.store.day_rows import ClosedDay, add_day, add_ranges

CLERK = Person("bench clerk", frozenset({"finance-clerk"}))
APPROVER = Person("bench approver", frozenset({"finance-approver"}))
ROUNDS = 3

_PLAIN = """
select t.partner, sum(p.amount) from transactions t join postings p using (lane, sequence) group by t.partner
"""
_LANES = "select lane, next_sequence - 1 from lanes"


class Result(msgspec.Struct, frozen=True):
    """Seconds of the run and of the plain sum, and how many transactions both read."""

    run_seconds: float
    plain_seconds: float
    transactions: int


async def measure(path: Path) -> Result:
    """Settle everything as one day's batch; the plain sum is the mean of a few, half before and half after."""
    city = read_city(path)
    async with Engine.open(city.url, city.key()) as engine:
        await _agree(engine, city)
        programme = engine.registry.current.programmes[PROGRAMME]
        async with engine.pool.connection() as connection:
            transactions = await _close(connection, programme.number, programme.zone)
            plain = [await _plain(connection) for _ in range(ROUNDS)]
            started = perf_counter()
            await run(engine, CLERK, programme)
            run_seconds = perf_counter() - started
            plain += [await _plain(connection) for _ in range(ROUNDS)]
    return Result(run_seconds, sum(plain) / len(plain), transactions)


async def settle_until(path: Path, stop: threading.Event) -> None:
    """Cancel the draft and run the settlement anew, again and again, until told to stop."""
    city = read_city(path)
    async with Engine.open(city.url, city.key()) as engine:
        programme = engine.registry.current.programmes[PROGRAMME]
        while not stop.is_set():
            batch = await run(engine, CLERK, programme)
            await cancel(engine, CLERK, batch.id, "bench")


async def _agree(engine: Engine, city: City) -> None:
    """Give every merchant a contract on both sides."""
    programme = engine.registry.current.programmes[PROGRAMME]
    for partner in city.partners:
        request = TermsRequest(
            partner=engine.registry.current.partners[partner].code,
            starts_on=date(2020, 1, 1),
            reserve_micros=9_500,
            fee_micros=2_500,
            reimbursement_micros=9_000,
            commission_micros=20_000,
        )
        proposal = await propose(engine, CLERK, programme, request, "bench", uuid4())
        await approve_proposal(engine, APPROVER, proposal.proposal, "bench")


async def _close(connection: AsyncConnection, programme: int, zone: str) -> int:
    """Close a day with everything in it, which the calendar would not let end yet; the number of transactions."""
    today = datetime.now(UTC).date() + timedelta(days=1)
    lasts: dict[int, int] = dict(await (await connection.execute(_LANES)).fetchall())
    closed = ClosedDay(today, first_instant_after(today, zone, 0), to_instant(datetime.now(UTC)), CLERK.name)
    async with unit_of_work(connection):
        await add_ranges(connection, programme, today, lasts)
        await add_day(connection, programme, closed)
    return sum(lasts.values())


async def _plain(connection: AsyncConnection) -> float:
    started = perf_counter()
    await connection.execute(_PLAIN)
    return perf_counter() - started
