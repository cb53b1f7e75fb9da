"""The audit covers settlement: it is clean beside traffic, and names whatever was changed behind the service's back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from ledger.audit import AuditReport, audit
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.rules.commands import Earn
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import create_ledger
from settlement.approval import approve, cancel, submit
from settlement.audit import check_settlement
from settlement.days import close_day
from settlement.payments import instruct
from settlement.proposals import TermsRequest, approve_proposal, propose
from settlement.run import run
from settlement.set_up import AccountRequest
from settlement.terms import Beneficiary
from tests.acceptance.test_points_roll_forward import KEY, Worked, found
from tests.databases import LedgerDatabase
from tests.settlement_days import APPROVER, CLERK, agree

DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")
FILE: dict[str, Any] = {
    "programme": {
        "code": "CITY",
        "validity_days": 2,
        "time_zone": "Asia/Shanghai",
        "currency": "CNY",
        "restore_grace_days": 0,
    },
    "parties": ["BANK", "CAFE"],
    "events": [
        {"day": day, "time": time, "id": f"{operation}-{day}", "op": operation, "party": party, "member": "m", **points}
        for day in DAYS
        for time, operation, party, points in (
            ("09:00", "earn", "BANK", {"points": 1_001}),
            ("10:00", "redeem", "CAFE", {"points": 333}),
        )
    ],
}


@dataclass
class Settled:
    """Three settled days: the first two approved, the third cancelled once and drafted again."""

    engine: Engine
    programme: Programme
    worked: Worked
    url: str

    async def audit(self) -> AuditReport:
        return await audit(self.engine.pool, more_checks=[check_settlement])

    def tamper(self, *statements: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as superuser:
            superuser.execute("set session_replication_role = replica")
            for statement in statements:
                assert superuser.execute(statement.encode()).rowcount != 0, statement


async def set_up(engine: Engine) -> tuple[Worked, Programme]:
    worked = await found(engine, FILE)
    async with engine.pool.connection() as connection:
        await engine.registry.refresh(connection)
    programme = engine.registry.current.programmes["CITY"]
    since = date(2026, 1, 1)
    paid_at = Beneficiary("Cafe", "6222020200112233445", "102290000010")
    await agree(
        engine,
        "CITY",
        [
            TermsRequest(partner="BANK", starts_on=since, reserve_micros=9_500, fee_micros=2_500, beneficiary=paid_at),
            TermsRequest(
                partner="CAFE",
                starts_on=since,
                reimbursement_micros=9_000,
                commission_micros=20_000,
                beneficiary=paid_at,
            ),
        ],
    )
    house = AccountRequest("CNY", "Clearing", "6222020200112233446", "102100000012")
    proposal = await propose(engine, CLERK, programme, house, "our account", uuid4())
    await approve_proposal(engine, APPROVER, proposal.proposal, "seen")
    return worked, programme


@pytest.fixture
async def settled(database: LedgerDatabase) -> AsyncIterator[Settled]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=3, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        worked, programme = await set_up(engine)
        for day in DAYS:
            await worked.set_clock(day, "00:00")
            await post_lapses(engine)
            for event in (event for event in FILE["events"] if event["day"] == day):
                await worked.load(event)
            following = date.fromordinal(date.fromisoformat(day).toordinal() + 1).isoformat()
            await worked.set_clock(following, "00:00")
            await close_day(engine, CLERK, programme, date.fromisoformat(day))
            batch = await run(engine, CLERK, programme)
            if day != DAYS[-1]:
                await submit(engine, CLERK, batch.id, "looks right")
                await approve(engine, APPROVER, batch.id, "checked")
                await instruct(engine, CLERK, batch.id, "pay")
        await cancel(engine, CLERK, "CITY-20261125-1", "once more")
        assert (await run(engine, CLERK, programme)).id == "CITY-20261125-2"
        yield Settled(engine, programme, worked, database.superuser_url)


async def test_settled_days_are_clean_and_stay_so_beside_traffic(settled: Settled) -> None:
    async def trade() -> None:
        for number in range(60):
            command = Earn(programme="CITY", member="ref:m", points=3, scene="food")
            submission = await settled.engine.intake.prepare(settled.worked.partners["BANK"], f"t{number}", command)
            assert isinstance(await settled.engine.posters.submit(submission), Posted)
        await submit(settled.engine, CLERK, "CITY-20261125-2", "looks right")
        await approve(settled.engine, APPROVER, "CITY-20261125-2", "checked")
        await settled.worked.set_clock("2026-11-27", "00:00")
        await close_day(settled.engine, CLERK, settled.programme, date(2026, 11, 26))

    trading = asyncio.create_task(trade())
    reports = []
    while not trading.done():
        reports.append(await settled.audit())
    await trading
    reports.append(await settled.audit())
    assert [report.differences for report in reports if not report.is_clean] == []
    assert len(reports) > 1


BATCH_1, BATCH_2 = "CITY-20261123-1", "CITY-20261124-1"
TAMPERED: dict[str, tuple[tuple[str, ...], str, str]] = {
    "the digest of a batch": (
        ("update settlement_batches set digest = sha256(digest) where batch = 'CITY-20261123-1'",),
        f"batch {BATCH_1}",
        "digest",
    ),
    "figures with their digest": (
        (
            "update settlement_batches set figures = convert_to(replace(convert_from(figures, 'UTF8'), "
            "'\"commission_minor\":6', '\"commission_minor\":7'), 'UTF8') where batch = 'CITY-20261123-1'",
            "update settlement_batches set digest = sha256(inputs || '\\x0a'::bytea || figures) "
            "where batch = 'CITY-20261123-1'",
        ),
        f"batch {BATCH_1}",
        "figures: commission_minor",
    ),
    "documents that are none": (
        ("update settlement_batches set inputs = '\\x7b' where batch = 'CITY-20261123-1'",),
        f"batch {BATCH_1}",
        "documents",
    ),
    "the state of a batch": (
        ("update settlement_batches set state = 'closed' where batch = 'CITY-20261124-1'",),
        f"batch {BATCH_2}",
        "state",
    ),
    "who approved": (
        (
            "update settlement_batch_steps set person = 'Wang Fang' where batch = 'CITY-20261124-1' and state = 'approved'",
        ),
        f"batch {BATCH_2}",
        "approved by",
    ),
    "a step that is missing": (
        ("delete from settlement_batch_steps where batch = 'CITY-20261124-1' and state = 'submitted'",),
        f"batch {BATCH_2}",
        "step",
    ),
    "the place of what was posted": (
        ("update settlement_batches set sequence = 2 where batch = 'CITY-20261123-1'",),
        f"batch {BATCH_1}",
        "kind, programme and subject posted",
    ),
    "points that were posted": (
        ("update postings set amount = amount + 1 where (debit_kind, credit_kind) = (5, 1)",),
        f"batch {BATCH_1}",
        "points posted",
    ),
    "money that was posted": (
        ("update money_postings set amount_minor = amount_minor + 1 where debit = 1100 and credit = 2000",),
        f"batch {BATCH_1}",
        "money posted",
    ),
    "what is owed to members": (
        ("update money_postings set amount_minor = amount_minor + 1 where debit = 1100 and credit = 2000",),
        f"batch {BATCH_1}",
        "owed on 2000",
    ),
    "a batch that is gone": (
        (
            "delete from settlement_batches where batch = 'CITY-20261124-1'",
            "delete from settlement_batch_days where batch = 'CITY-20261124-1'",
        ),
        "transaction ",
        "settlement",
    ),
    "a day that is gone": (
        ("delete from settlement_days where day = '2026-11-24'",),
        "day 2026-11-25 of CITY",
        "the closed day before",
    ),
    "the day of a batch": (
        ("delete from settlement_days where day = '2026-11-24'",),
        f"batch {BATCH_2}",
        "day",
    ),
    "a cut-off": (
        ("update settlement_days set cut_off_at = cut_off_at - interval '1 hour' where day = '2026-11-24'",),
        "day 2026-11-24 of CITY",
        "cut-off",
    ),
    "a day that was closed too soon": (
        ("update settlement_days set closed_at = cut_off_at - interval '1 second' where day = '2026-11-24'",),
        "day 2026-11-24 of CITY",
        "closed",
    ),
    "a day that ends too soon": (
        (
            "update settlement_ranges set last_sequence = last_sequence - 1 "
            "where day = '2026-11-24' and last_sequence > 3",
        ),
        "day 2026-11-24 of CITY",
        "end of the day",
    ),
    "a day that ends too late": (
        (
            "update settlement_ranges set last_sequence = last_sequence + 1 "
            "where day = '2026-11-24' and last_sequence > 3",
        ),
        "day 2026-11-24 of CITY",
        "end of the day",
    ),
    "a day that ends beyond its lane": (
        ("update settlement_ranges set last_sequence = 99 where day = '2026-11-25'",),
        "day 2026-11-25 of CITY",
        "end of the day",
    ),
    "an end that is missing": (
        ("delete from settlement_ranges where day = '2026-11-24' and lane = 2",),
        "day 2026-11-24 of CITY",
        "end of the day",
    ),
    "an end of a day that is open": (
        ("insert into settlement_ranges (programme, day, lane, last_sequence) values (1, '2026-12-09', 1, 0)",),
        "day 2026-12-09 of CITY",
        "end of the day",
    ),
    "a lane that could go back": (
        ("update lanes set recorded_at = recorded_at - interval '30 days'",),
        "day 2026-11-25 of CITY",
        "last instant of the lane",
    ),
    "the days that a batch took": (
        ("update settlement_batch_days set is_freed = true where batch = 'CITY-20261124-1'",),
        f"batch {BATCH_2}",
        "days taken",
    ),
    "a day that two batches took": (
        (
            "drop index settlement_batch_days_once_index",
            "insert into settlement_batch_days (batch, programme, day) values ('CITY-20261124-1', 1, '2026-11-23')",
        ),
        "day 2026-11-23 of CITY",
        "batches",
    ),
    "the ranges of a batch": (
        (
            "update settlement_ranges set last_sequence = last_sequence - 1 "
            "where day = '2026-11-23' and last_sequence > 1",
        ),
        f"batch {BATCH_1}",
        "ranges",
    ),
    "a price that was agreed": (
        (
            "update contract_terms set document = convert_to(replace(convert_from(document, 'UTF8'), "
            "'9500', '9600'), 'UTF8') where partner = 1",
        ),
        f"batch {BATCH_2}",
        "figures: lines",
    ),
    "a contract that is gone": (
        ("delete from contract_terms where partner = 1",),
        f"batch {BATCH_1}",
        "figures",
    ),
    "where a batch began": (
        (
            "update settlement_batches set figures = convert_to(replace(convert_from(figures, 'UTF8'), "
            "'\"issued\":1001', '\"issued\":1002'), 'UTF8') where batch = 'CITY-20261123-1'",
        ),
        f"batch {BATCH_2}",
        "figures: positions",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_changed_is_named(settled: Settled, what: str) -> None:
    statements, place, difference = TAMPERED[what]
    settled.tamper(*statements)
    report = await settled.audit()
    named = [(one.place, one.what) for one in report.differences]
    assert any(where.startswith(place) and about == difference for where, about in named), named
