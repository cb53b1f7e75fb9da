"""Gathering a batch's flows against a naive walk over the whole journal of a lively ledger."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import date, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import AsyncConnection

from ledger.errors import ContractMissing
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.rules.commands import Gift
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import create_ledger
from settlement import gathering
from settlement.days import close_day
from settlement.flows import Flow, FlowKind
from settlement.gathering import Gathering
from settlement.run import funding_shares, ranges_of
from settlement.store.audit_rows import read_days
from settlement.terms import ContractTerms, TermsBook
from tests.acceptance.test_points_roll_forward import KEY as WORKED_KEY
from tests.acceptance.test_points_roll_forward import found
from tests.audit.lively_ledger import KEY, PROGRAMMES
from tests.databases import LedgerDatabase
from tests.settlement.naive_flows import Journal, Key
from tests.settlement_days import CLERK

CHANGES = (date(2030, 3, 9), date(2030, 3, 20), date(2030, 4, 1))
"""Days from which each partner's contract has another price."""

STORY: dict[str, Any] = {
    "programme": {
        "code": "CITY",
        "validity_days": 3,
        "time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "restore_grace_days": 0,
    },
    "parties": ["BANK", "CAFE"],
    "events": [
        {"day": "2026-11-23", "time": time, "id": identifier, "op": operation, "party": party, **what}
        for time, identifier, operation, party, what in (
            *((f"08:0{n}", f"own-{m}", "earn", "CAFE", {"member": m, "points": 1}) for n, m in enumerate("bcd")),
            ("09:00", "bank", "earn", "BANK", {"member": "a", "points": 100}),
            ("10:00", "spent", "redeem", "CAFE", {"member": "a", "points": 100}),
            ("11:00", "mistake", "reverse", "BANK", {"of": "bank", "points": 90}),
            ("12:00", "cafe", "earn", "CAFE", {"member": "a", "points": 90}),
            ("13:00", "returned", "reverse", "CAFE", {"of": "spent", "points": 100}),
        )
    ],
}


def book_of(programme: Programme, partners: list[int]) -> TermsBook:
    """Contracts that change on some days, a later one for a partner with a higher number."""
    versions = []
    for partner in partners:
        for number, day in enumerate((date(2030, 1, 1), *CHANGES[: 1 + partner % len(CHANGES)]), start=1):
            versions.append(
                ContractTerms(
                    partner=partner,
                    programme=programme.number,
                    version=number,
                    starts_on=day,
                    reserve_micros=9_000 + number,
                    reimbursement_micros=8_000 + number,
                    currency="CNY",
                )
            )
    return TermsBook(versions)


def key_of(flow: Flow) -> Key:
    acceptor = (flow.acceptor, flow.acceptor_version)
    return Key(flow.kind, flow.funding, flow.version, *acceptor, flow.debtor_funding, flow.debtor_version)


async def close_all(engine: Engine, programme: Programme, days: list[date]) -> list[date]:
    """Close every day from the first to the one before the last, when the ledger's clock stands still in it."""
    day, closed = days[0], []
    while day < days[-1]:
        closed.append((await close_day(engine, CLERK, programme, day)).day)
        day += timedelta(days=1)
    return closed


def in_batches(days: list[date], random: Random) -> list[tuple[date, date]]:
    """Cut days into batches of one to nine days."""
    batches, first = [], 0
    while first < len(days):
        last = min(first + random.randint(1, 9), len(days)) - 1
        batches.append((days[first], days[last]))
        first = last + 1
    return batches


async def gather(engine: Engine, programme: Programme, book: TermsBook, first: date, last: date) -> list[Flow]:
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    async with engine.pool.connection() as connection:
        fundings = await funding_shares(connection)
        ranges = await ranges_of(connection, programme, days)
    rates = engine.registry.current.exchange_rates
    return await Gathering(programme, book, fundings, first, rates).gather(engine.pool.connection, ranges)


@pytest.mark.parametrize("stretch", [7, 200_000])
@pytest.mark.parametrize("code", [programme.code for programme in PROGRAMMES])
async def test_flows_of_any_batches_are_those_of_a_naive_walk(
    lively: LedgerDatabase, code: str, stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "STRETCH_TRANSACTIONS", stretch)
    monkeypatch.setattr(gathering, "STRETCH_LANES", 2)
    async with Engine.open(lively.service_url, KEY) as engine:
        programme = engine.registry.current.programmes[code]
        journal = Journal(lively.superuser_url, programme)
        days = journal.days()
        closed = await close_all(engine, programme, days)
        batches = in_batches(closed, Random(stretch))
        book = book_of(programme, list(engine.registry.current.partners))
        gathered = [await gather(engine, programme, book, *batch) for batch in batches]
    expected = journal.walk([*batches, (days[-1], days[-1])], book)
    late = 0
    for batch, flows, walked in zip(batches, gathered, expected, strict=False):
        sums = {key_of(flow): [flow.points, flow.late_points, flow.transactions, flow.excess] for flow in flows}
        assert sums == dict(walked.sums), batch
        assert sum(flow.transactions for flow in flows) + walked.without_money == walked.postings
        late += sum(flow.late_points for flow in flows)
    assert late > 0
    kinds = {flow.kind for flows in gathered for flow in flows}
    assert kinds >= {FlowKind.ISSUE, FlowKind.CLAWBACK, FlowKind.REDEEM, FlowKind.RETURN, FlowKind.EXPIRE}


async def test_what_comes_back_beyond_the_original_is_excess_also_at_whom_it_was_given_to(
    database: LedgerDatabase,
) -> None:
    """BANK's 100 are charged once and come back twice: repaid by CAFE's points, and lapsed after their return."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, WORKED_KEY, lanes=3, is_sandbox=True)
    async with Engine.open(database.service_url, WORKED_KEY) as engine:
        worked = await found(engine, STORY)
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        programme = engine.registry.current.programmes["CITY"]
        for event in STORY["events"]:
            await worked.load(event)
        for number, receiver in enumerate("bcd"):
            gift = Gift(programme="CITY", member="ref:a", receiver=f"ref:{receiver}", points=20 + number)
            submission = await engine.intake.prepare(worked.partners["CAFE"], f"gift-{receiver}", gift)
            assert isinstance(await engine.posters.submit(submission), Posted)
        await worked.set_clock("2026-11-27", "00:00")
        await post_lapses(engine)
        await worked.set_clock("2026-11-28", "00:00")
        journal = Journal(database.superuser_url, programme)
        closed = await close_all(engine, programme, [*journal.days(), date(2026, 11, 28)])
        book = book_of(programme, list(worked.partners.values()))
        both = [(day, day) for day in closed]
        flows = [await gather(engine, programme, book, *batch) for batch in both]
    expired = [
        (flow.funding, flow.points, flow.excess) for day in flows for flow in day if flow.kind == FlowKind.EXPIRE
    ]
    assert expired == [(worked.partners["BANK"], 100, 90), (worked.partners["CAFE"], 3, 0)]
    for day, walked in zip(flows, journal.walk(both, book), strict=True):
        assert {key_of(flow): flow.excess for flow in day} == {key: sums[3] for key, sums in walked.sums.items()}


async def test_a_pair_of_accounts_that_no_rule_knows_is_an_error_that_names_its_place(lively: LedgerDatabase) -> None:
    with psycopg.connect(lively.superuser_url, autocommit=True) as superuser:
        place = superuser.execute(
            "update postings p set credit_kind = 7 from transactions t "
            "where t.lane = p.lane and t.sequence = p.sequence and t.programme = 1 and p.credit_kind = 5 "
            "and (p.lane, p.sequence) = (select lane, sequence from postings join transactions using (lane, sequence) "
            "where programme = 1 and credit_kind = 5 order by lane desc, sequence limit 1) returning p.lane, p.sequence"
        ).fetchone()
    assert place is not None
    async with Engine.open(lively.service_url, KEY) as engine:
        programme = engine.registry.current.numbered[1]
        days = Journal(lively.superuser_url, programme).days()
        closed = await close_all(engine, programme, days)
        book = book_of(programme, list(engine.registry.current.partners))
        with pytest.raises(ValueError, match=f"no posting from .* to 7 .lane {place[0]}, sequence {place[1]}"):
            await gather(engine, programme, book, closed[0], closed[-1])


async def test_a_partner_without_contract_is_named(lively: LedgerDatabase) -> None:
    async with Engine.open(lively.service_url, KEY) as engine:
        programme = engine.registry.current.numbered[1]
        closed = await close_all(engine, programme, Journal(lively.superuser_url, programme).days())
        first, *others = engine.registry.current.partners
        with pytest.raises(ContractMissing) as refused:
            await gather(engine, programme, book_of(programme, others), closed[0], closed[-1])
    assert refused.value.facts["partner"] == first


async def test_one_connection_is_enough_to_gather(lively: LedgerDatabase) -> None:
    lock = asyncio.Lock()
    async with Engine.open(lively.service_url, KEY) as engine:
        programme = engine.registry.current.numbered[1]
        closed = await close_all(engine, programme, Journal(lively.superuser_url, programme).days())
        book = book_of(programme, list(engine.registry.current.partners))
        expected = await gather(engine, programme, book, closed[0], closed[-1])
        async with engine.pool.connection() as connection:
            fundings = await funding_shares(connection)
            ranges = await ranges_of(connection, programme, closed)
            days = [day.day for day in await read_days(connection, programme.number)]
            gathering = Gathering(programme, book, fundings, closed[0], engine.registry.current.exchange_rates)
            flows = await gathering.gather(_alone(connection, lock), ranges)
    assert days == closed
    assert flows == expected


async def test_a_stretch_is_joined_by_hashing_however_few_rows_the_database_believes_in(
    lively: LedgerDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, plans = AsyncConnection.execute, list[str]()

    async def explaining(connection: AsyncConnection, query: Any, *rest: Any, **options: Any) -> Any:
        text = query.decode() if isinstance(query, bytes) else str(query)
        if "with moved as" in text:
            rows = await execute(connection, f"explain (costs off) {text}".encode(), *rest, **options)
            plans.append("\n".join(line for (line,) in await rows.fetchall()))
        return await execute(connection, query, *rest, **options)

    monkeypatch.setattr(AsyncConnection, "execute", explaining)
    with psycopg.connect(lively.superuser_url) as superuser:
        # As of a journal that has grown since it was last analysed, for instance by an import.
        superuser.execute(
            "update pg_class set reltuples = 1, relpages = 1000 where relname ~ '^(transactions|postings)'"
        )
    async with Engine.open(lively.service_url, KEY) as engine:
        programme = engine.registry.current.numbered[1]
        closed = await close_all(engine, programme, Journal(lively.superuser_url, programme).days())
        book = book_of(programme, list(engine.registry.current.partners))
        await gather(engine, programme, book, closed[0], closed[-1])
    assert plans
    for plan in plans:
        assert re.search(r"Hash Cond: \(\((\w+)\.lane = (\w+)\.lane\) AND \(\1\.sequence = \2\.sequence\)\)", plan), (
            plan
        )


def _alone(
    connection: AsyncConnection, lock: asyncio.Lock
) -> Callable[[], AbstractAsyncContextManager[AsyncConnection]]:
    """Lends one connection, to one borrower at a time."""

    class Loan(AbstractAsyncContextManager[AsyncConnection]):
        async def __aenter__(self) -> AsyncConnection:
            await lock.acquire()
            return connection

        async def __aexit__(self, *error: object) -> None:
            lock.release()

    return Loan
