"""A finance clerk's day with a bank that answers: close, run, approve, pay, read the bank's files, close the batch."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import msgspec
import psycopg
import pytest

from ledger.audit import audit
from ledger.errors import BankFileInvalid, BatchNotInState, Forbidden, SecondPersonRequired
from ledger.posting.engine import Engine
from ledger.rules.business_day import to_instant
from ledger.store.ledger_row import create_ledger, set_sandbox_clock
from settlement.approval import approve, close, submit
from settlement.batches import Batch
from settlement.days import close_day
from settlement.payments import instruct, retry
from settlement.people import Person
from settlement.proposals import approve_proposal, propose
from settlement.receipts import match
from settlement.reconciliation import BankFileOutcome, import_bank_file
from settlement.run import run
from settlement.set_up import AccountRequest
from settlement.store.bank_rows import list_items
from settlement.store.batch_rows import read_batch
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


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[MockBank]:
    with MockBank.start(tmp_path, clock="2026-11-24T09:00") as running:
        assert running.add_account("HOUSE", HOUSE.name, balance_minor=OPENING_MINOR) == HOUSE.account
        yield running


@pytest.fixture
async def office(database: LedgerDatabase, bank: MockBank) -> AsyncIterator[Office]:
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    async with Engine.open(database.service_url, KEY) as engine:
        worked = await found(engine, FILE)
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        paid_at = {
            "CAFE": Beneficiary("某某咖啡有限公司", "6222020200112233445", "102290000010"),
            "CINEMA": Beneficiary("某某影院", iban("CN", "CINEMA"), "103290000011"),
            "BANK": Beneficiary("某某银行", iban("CN", "PAYER"), "104290000012"),
        }
        terms = [msgspec.structs.replace(one, beneficiary=paid_at[one.partner]) for one in contracts(FILE)]
        await agree(engine, "CITY", terms)
        programme = engine.registry.current.programmes["CITY"]
        account = await propose(engine, CLERK, programme, HOUSE, "our account", uuid4())
        await approve_proposal(engine, APPROVER, account.proposal, "seen")
        for event in EVENTS:
            await worked.load(event)
        await set_clock(engine, datetime(2026, 11, 24, 9, 0, tzinfo=ZONE))
        await close_day(engine, CLERK, programme, DAY)
        yield Office(engine, bank, worked)


async def set_clock(engine: Engine, moment: datetime) -> None:
    async with engine.pool.connection() as connection:
        await set_sandbox_clock(connection, to_instant(moment))


async def test_a_batch_is_paid_once_confirmed_by_the_statement_and_closed(
    office: Office, database: LedgerDatabase
) -> None:
    batch = await office.settle()
    first = await office.instruct(batch)
    assert await office.instruct(batch) == first
    office.bank.advance(days=1)
    outcomes = await office.read_bank()
    assert sum(outcome.confirmed for outcome in outcomes) == 2
    assert (await office.read_bank()) == outcomes
    closed = await close(office.engine, CLERK, batch.id, "all paid")
    assert [step.state for step in closed.steps] == [
        *("draft", "submitted", "approved", "instructed", "confirmed", "closed")
    ]
    assert office.bank.balance_minor("HOUSE") == OPENING_MINOR - 29_40 - 4_90
    cafe, cinema, bank = (office.worked.partners[code] for code in ("CAFE", "CINEMA", "BANK"))
    assert {one.party: one.amount_minor for one in (await office.payments(batch)).values()} == {
        cafe: 29_40,
        cinema: 4_90,
    }
    # 10,000 points: reserve 100.00, fee 20.00; 3,500 used: 35.00 less 0.70 commission.
    assert office.balances(database) == {
        (1000, 0): -34_30,
        (1100, bank): 120_00,
        (2000, 0): -65_00,
        (4000, 0): -20_00,
        (4010, 0): -70,
    }
    report = await audit(office.engine.pool)
    assert report.is_clean, report.differences


async def test_a_payment_that_comes_back_is_owed_again_and_retried_as_a_new_attempt(
    office: Office, database: LedgerDatabase
) -> None:
    batch = await office.settle()
    cafe = office.worked.partners["CAFE"]
    returned = f"{batch.id}-{cafe}-1"
    office.bank.return_later("HOUSE", returned, days=1)
    await office.instruct(batch)
    office.bank.advance(days=3)
    await office.read_bank()
    assert (await office.payments(batch))[returned].state == "returned"
    assert office.balances(database)[2100, cafe] == -29_40
    with pytest.raises(BatchNotInState):
        await close(office.engine, CLERK, batch.id, "all paid")
    for _ in range(2):
        await retry(office.engine, CLERK, returned, "the account is right by now")
    async with office.engine.pool.connection() as connection:
        files = await read_files(connection, batch.id)
    assert len(files) == 2
    office.bank.behave("HOUSE", "accept")
    office.bank.send(files[-1].content)
    office.bank.advance(days=2)
    await office.read_bank()
    payments = await office.payments(batch)
    assert payments[f"{batch.id}-{cafe}-2"].state == "confirmed"
    assert (2100, cafe) not in office.balances(database)
    await close(office.engine, CLERK, batch.id, "all paid")
    assert (await audit(office.engine.pool)).is_clean


async def test_a_receipt_pays_its_notice_in_parts_and_what_is_over_stands_to_the_payers_credit(
    office: Office, database: LedgerDatabase
) -> None:
    batch = await office.settle()
    [notice] = await office.notices(batch)
    bank = office.worked.partners["BANK"]
    assert (notice.party, notice.amount_minor, notice.due_on) == (bank, 120_00, date(2026, 11, 30))
    payer = {"name": "某某银行", "iban": iban("CN", "PAYER")}
    office.bank.credit("HOUSE", 50_00, f"结算 {notice.reference}", debtor=payer)
    office.bank.credit("HOUSE", 75_00, "rest", debtor=payer, reference=notice.reference)
    await office.read_bank()
    [paid] = await office.notices(batch)
    assert (paid.received_minor, paid.state) == (120_00, "paid")
    balances = office.balances(database)
    assert (1100, bank) not in balances
    assert (balances[2120, bank], balances[1000, 0]) == (-5_00, 125_00)
    assert (await audit(office.engine.pool)).is_clean


async def test_a_receipt_without_reference_is_placed_by_account_and_exact_amount_else_by_hand(
    office: Office, database: LedgerDatabase
) -> None:
    batch = await office.settle()
    [notice] = await office.notices(batch)
    bank = office.worked.partners["BANK"]
    office.bank.credit("HOUSE", 119_99, "结算", debtor={"name": "某某银行", "iban": iban("CN", "PAYER")})
    await office.read_bank()
    async with office.engine.pool.connection() as connection:
        [item] = await list_items(connection, 10)
    assert office.balances(database)[9000, 0] == -119_99
    for _ in range(2):
        matched = await match(office.engine, CLERK, item.item, notice.reference)
        assert matched.matched_to == notice.reference
    balances = office.balances(database)
    assert (9000, 0) not in balances
    assert balances[1100, bank] == 1
    office.bank.credit("HOUSE", 1, "rest", debtor={"name": "某某银行", "iban": iban("CN", "PAYER")})
    await office.read_bank()
    assert [one.state for one in await office.notices(batch)] == ["paid"]
    assert (await audit(office.engine.pool)).is_clean


async def test_an_amount_that_differs_by_one_fen_is_refused_with_the_whole_file(
    office: Office, database: LedgerDatabase
) -> None:
    batch = await office.settle()
    await office.instruct(batch)
    office.bank.advance(days=1)
    before = office.balances(database)
    [statement] = office.bank.messages("camt.053", "HOUSE")
    wrong = statement.replace(b"29.40", b"29.41").replace(b"999965.70", b"999965.69")
    with pytest.raises(BankFileInvalid, match=r"29\.41"):
        await import_bank_file(office.engine, CLERK, wrong)
    assert office.balances(database) == before
    assert {one.state for one in (await office.payments(batch)).values()} == {"instructed"}


async def test_a_rejected_payment_is_owed_again_and_the_others_are_paid(
    office: Office, database: LedgerDatabase
) -> None:
    office.bank.add_account("CINEMA", "某某影院")
    office.bank.close_account("CINEMA")
    batch = await office.settle()
    await office.instruct(batch)
    office.bank.advance(days=1)
    await office.read_bank()
    cafe, cinema = (office.worked.partners[code] for code in ("CAFE", "CINEMA"))
    states = {one.party: (one.state, one.reason) for one in (await office.payments(batch)).values()}
    assert states[cafe] == ("confirmed", None)
    assert states[cinema][0] == "rejected"
    assert "AC04" in str(states[cinema][1])
    assert office.balances(database)[2100, cinema] == -4_90
    async with office.engine.pool.connection() as connection:
        found = await read_batch(connection, batch.id)
    assert found is not None
    assert found.state == "partly_confirmed"


async def test_who_submitted_cannot_approve_under_another_key_and_a_clerk_cannot_at_all(office: Office) -> None:
    programme = office.engine.registry.current.programmes["CITY"]
    batch = await run(office.engine, CLERK, programme)
    await submit(office.engine, CLERK, batch.id, "right")
    with pytest.raises(Forbidden):
        await approve(office.engine, CLERK, batch.id, "me")
    with pytest.raises(SecondPersonRequired):
        await approve(office.engine, Person(CLERK.name, frozenset({"manager"})), batch.id, "me again")
