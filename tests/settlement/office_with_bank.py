"""A finance office in process, with contracts, a traded day that is closed, and a bank that answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import psycopg

from ledger.posting.engine import Engine
from ledger.rules.business_day import to_instant
from ledger.store.ledger_row import create_ledger, set_sandbox_clock
from settlement.approval import approve, submit
from settlement.batches import Batch
from settlement.days import close_day
from settlement.payments import instruct
from settlement.proposals import approve_proposal, propose
from settlement.reconciliation import BankFileOutcome, import_bank_file
from settlement.run import run
from settlement.set_up import AccountRequest
from settlement.store.money_rows import Notice, Payment, read_files, read_notices, read_payments
from settlement.terms import Beneficiary
from tests.acceptance.test_points_roll_forward import KEY, Worked, found
from tests.databases import LedgerDatabase
from tests.settlement.mock_bank import MockBank, iban
from tests.settlement_days import APPROVER, CLERK, agree, contracts

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 23)
HOUSE = AccountRequest("CNY", "城市积分清算有限公司", iban("CN", "HOUSE"), "102100000012")
OPENING_MINOR = 1_000_000_00
PARTIES = ("BANK", "CAFE", "CINEMA")

PROGRAMME = {
    "code": "CITY",
    "validity_days": 365,
    "time_zone": "Asia/Shanghai",
    "currency": "CNY",
    "restore_grace_days": 0,
}
EVENTS = [
    {"day": "2026-11-23", "time": "09:00", "id": "e1", "op": "earn", "party": "BANK", "member": "m", "points": 10000},
    {
        "day": "2026-11-23",
        "time": "10:00",
        "id": "r1",
        "op": "redeem",
        "party": "CAFE",
        "member": "m",
        "points": 3_000,
    },
    {
        "day": "2026-11-23",
        "time": "11:00",
        "id": "r2",
        "op": "redeem",
        "party": "CINEMA",
        "member": "m",
        "points": 500,
    },
]
FILE: dict[str, Any] = {
    "programme": PROGRAMME,
    "parties": list(PARTIES),
    "issuer_terms": [{"party": "BANK", "from": "2026-01-01", "reserve": "0.01", "fee": "0.002"}],
    "acceptor_terms": [
        {"party": party, "from": "2026-01-01", "reimbursement": "0.01", "commission": "0.02"}
        for party in ("CAFE", "CINEMA")
    ],
    "events": EVENTS,
}


@dataclass
class Office:
    """A finance office on one ledger, with its bank."""

    engine: Engine
    bank: MockBank
    worked: Worked
    batch: str = ""
    batches: list[Batch] = field(default_factory=list)

    async def settle(self) -> Batch:
        """Run, submit and approve what is closed."""
        programme = self.engine.registry.current.programmes["CITY"]
        drafted = await run(self.engine, CLERK, programme)
        await submit(self.engine, CLERK, drafted.id, "agrees with the partners' books")
        return await approve(self.engine, APPROVER, drafted.id, "checked")

    async def instruct(self, batch: Batch) -> bytes:
        """Instruct a batch and send its file to the bank."""
        await instruct(self.engine, CLERK, batch.id, "pay")
        async with self.engine.pool.connection() as connection:
            files = await read_files(connection, batch.id)
        self.bank.send(files[-1].content)
        return files[-1].content

    async def instruct_nothing(self, batch: Batch) -> None:
        """Instruct a batch that pays nobody."""
        instructed = await instruct(self.engine, CLERK, batch.id, "nothing to pay")
        assert instructed.state == "confirmed"

    async def read_bank(self) -> list[BankFileOutcome]:
        """Import all that the bank has sent so far; what was imported before changes nothing."""
        contents = self.bank.messages("pain.002") + self.bank.messages("camt.054", "HOUSE")
        contents += self.bank.messages("pacs.004") + self.bank.messages("camt.053", "HOUSE")
        return [await import_bank_file(self.engine, CLERK, content) for content in contents]

    async def payments(self, batch: Batch) -> dict[str, Payment]:
        async with self.engine.pool.connection() as connection:
            return {one.end_to_end_id: one for one in await read_payments(connection, batch.id)}

    async def notices(self, batch: Batch) -> list[Notice]:
        async with self.engine.pool.connection() as connection:
            return await read_notices(connection, batch.id)

    def balances(self, database: LedgerDatabase) -> dict[tuple[int, int], int]:
        with psycopg.connect(database.superuser_url) as connection:
            rows = connection.execute(
                "select account, party, balance_minor from money_balances where balance_minor <> 0"
            )
            return {(account, party): balance for account, party, balance in rows}


async def set_clock(engine: Engine, moment: datetime) -> None:
    async with engine.pool.connection() as connection:
        await set_sandbox_clock(connection, to_instant(moment))


async def agree_all(engine: Engine, file: dict[str, Any]) -> None:
    """Have a file's contracts approved, each with an account at a bank, and ours."""
    paid_at = {
        "CAFE": Beneficiary("某某咖啡有限公司", "6222020200112233445", "102290000010"),
        "CINEMA": Beneficiary("某某影院", iban("CN", "CINEMA"), "103290000011"),
        "BANK": Beneficiary("某某银行", iban("CN", "PAYER"), "104290000012"),
    }
    terms = [msgspec.structs.replace(one, beneficiary=paid_at[one.partner]) for one in contracts(file)]
    await agree(engine, "CITY", terms)
    programme = engine.registry.current.programmes["CITY"]
    account = await propose(engine, CLERK, programme, HOUSE, "our account", uuid4())
    await approve_proposal(engine, APPROVER, account.proposal, "seen")


@asynccontextmanager
async def open_office(database: LedgerDatabase, bank: MockBank) -> AsyncIterator[Office]:
    """An office on a fresh ledger: contracts agreed, our account known, the day traded and closed."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        worked = await found(engine, FILE)
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        await agree_all(engine, FILE)
        programme = engine.registry.current.programmes["CITY"]
        for event in EVENTS:
            await worked.load(event)
        await set_clock(engine, datetime(2026, 11, 24, 9, 0, tzinfo=ZONE))
        await close_day(engine, CLERK, programme, DAY)
        yield Office(engine, bank, worked)
