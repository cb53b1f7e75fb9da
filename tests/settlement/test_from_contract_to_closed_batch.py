"""A finance clerk's day with a bank that answers: close, run, approve, pay, read the bank's files, close the batch."""

from datetime import date

import pytest

from ledger.audit import audit
from ledger.errors import BankFileInvalid, BatchNotInState, Forbidden, SecondPersonRequired
from settlement.approval import approve, close, submit
from settlement.audit import check_settlement
from settlement.batches import Batch
from settlement.payments import retry
from settlement.people import Person
from settlement.receipts import match
from settlement.reconciliation import import_bank_file
from settlement.run import run
from settlement.store.bank_rows import list_items
from settlement.store.batch_rows import read_batch
from settlement.store.money_rows import read_files
from tests.databases import LedgerDatabase
from tests.settlement.mock_bank import iban
from tests.settlement.office_with_bank import OPENING_MINOR, Office
from tests.settlement_days import CLERK


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
    report = await audit(office.engine.pool, more_checks=[check_settlement])
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
    assert (await audit(office.engine.pool, more_checks=[check_settlement])).is_clean


async def state_of(office: Office, batch: Batch) -> str:
    async with office.engine.pool.connection() as connection:
        found = await read_batch(connection, batch.id)
    assert found is not None
    return found.state


@pytest.mark.parametrize("is_closed", [False, True])
async def test_what_comes_back_after_all_was_confirmed_is_retried_and_the_audit_finds_nothing_wrong(
    office: Office, *, is_closed: bool
) -> None:
    batch = await office.settle()
    returned = f"{batch.id}-{office.worked.partners['CAFE']}-1"
    office.bank.return_later("HOUSE", returned, days=2)
    await office.instruct(batch)
    office.bank.advance(days=1)
    await office.read_bank()
    assert await state_of(office, batch) == "confirmed"
    if is_closed:
        await close(office.engine, CLERK, batch.id, "all paid")
    office.bank.advance(days=4)
    await office.read_bank()
    # A closed batch stays closed: what the party is owed again stands in the books and in the work list.
    assert await state_of(office, batch) == ("closed" if is_closed else "partly_confirmed")
    await retry(office.engine, CLERK, returned, "the account is right by now")
    report = await audit(office.engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences


async def test_a_batch_of_which_every_payment_was_rejected_is_retried_and_the_audit_finds_nothing_wrong(
    office: Office,
) -> None:
    office.bank.behave("HOUSE", "insufficient-funds")
    office.bank.set_balance("HOUSE", 0)
    batch = await office.settle()
    await office.instruct(batch)
    office.bank.advance(days=1)
    await office.read_bank()
    failed = await office.payments(batch)
    assert {one.state for one in failed.values()} == {"rejected"}
    office.bank.set_balance("HOUSE", OPENING_MINOR)
    for name in failed:
        await retry(office.engine, CLERK, name, "there is money now")
    async with office.engine.pool.connection() as connection:
        files = await read_files(connection, batch.id)
    for file in files[1:]:
        office.bank.send(file.content)
    office.bank.advance(days=2)
    await office.read_bank()
    await close(office.engine, CLERK, batch.id, "all paid")
    report = await audit(office.engine.pool, more_checks=[check_settlement])
    assert report.is_clean, report.differences


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
    assert (await audit(office.engine.pool, more_checks=[check_settlement])).is_clean


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
    assert (await audit(office.engine.pool, more_checks=[check_settlement])).is_clean


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
