"""Payments: an approved batch's payables are paid by file, once; what comes back is owed again and may be retried.

Money leaves the books with the instruction: from then on no later batch can pay it again. A payment that the bank
rejects or returns comes back to what the party is owed.
"""

from collections.abc import Mapping, Sequence

from psycopg import AsyncConnection

from ledger.errors import AccountMissing, BatchNotInState, BeneficiaryMissing, NotFound
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.business_day import civil_day
from ledger.rules.commands import Clear
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.programmes import Programme
from settlement.approval import end_to_end_id, find_batch
from settlement.bank_files.payment_file import DebtorAccount, PaymentOrder, write_payment_file
from settlement.batches import NOTHING_TO_PAY, RETRIED, Batch, Step, refuse_transition
from settlement.calendars import banking_day_after, is_banking_day
from settlement.people import Person
from settlement.set_up import AccountRequest, read_accounts
from settlement.store.batch_rows import add_step, note_step
from settlement.store.day_rows import read_bank_days
from settlement.store.money_rows import (
    Payment,
    PaymentFile,
    add_file,
    add_payment,
    count_files,
    read_payment,
    read_payments,
    set_payment,
)
from settlement.store.term_rows import read_book
from settlement.terms import Beneficiary
from settlement.vocabulary import CLERK, FAILED_PAYMENTS, MANAGER

_A = MoneyAccount


async def instruct(engine: Engine, person: Person, batch: str, reason: str) -> Batch:
    """Order an approved batch's payments: write the files, book them, once. Again it changes nothing.

    Raises Forbidden, NotFound, BatchNotInState, BeneficiaryMissing and AccountMissing, which name what is missing,
    and BankFileInvalid for what the bank could not carry out.
    """
    person.refuse_without(CLERK, MANAGER)

    async def step(unit: ClearingUnit) -> Batch:
        found = await find_batch(unit, batch)
        if found.state not in ("draft", "submitted", "cancelled", "approved"):
            return found
        refuse_transition(found, "instructed")
        payments = [one for one in await read_payments(unit.connection, batch) if one.state == "planned"]
        current = found.inputs.current_terms
        frozen = {party: terms.beneficiary for party, terms in current.items() if terms.beneficiary is not None}
        # A party that had none when the batch was run is paid where its contract says by now.
        await _order(unit, found, payments, await paid_at(unit.connection, found.programme) | frozen)
        await add_step(unit.connection, found, Step("instructed", person.name, unit.now, reason))
        if not payments:
            await add_step(unit.connection, found, Step("confirmed", person.name, unit.now, NOTHING_TO_PAY))
        return await find_batch(unit, batch)

    return await clear(engine, step)


async def retry(engine: Engine, person: Person, failed: str, reason: str) -> Batch:
    """Order a payment again that was rejected or returned, as a new attempt to where the party is paid by now.

    Retrying again is the same attempt. Raises as ``instruct``; BatchNotInState where it did not fail.
    """
    person.refuse_without(CLERK, MANAGER)

    async def step(unit: ClearingUnit) -> Batch:
        payment = await read_payment(unit.connection, failed)
        if payment is None:
            raise NotFound("No payment has this id.")
        batch = await find_batch(unit, payment.batch)
        if payment.is_superseded_by(await read_payments(unit.connection, batch.id)):
            return batch
        if payment.state not in FAILED_PAYMENTS:
            raise BatchNotInState(
                f"Payment {failed} is {payment.state}; to be retried it must be rejected or returned.",
                batch=batch.id,
                state=payment.state,
                wanted=sorted(FAILED_PAYMENTS),
            )
        again = _again(batch, payment)
        await add_payment(unit.connection, again)
        await _order(unit, batch, [again], await paid_at(unit.connection, batch.programme))
        noted = Step(batch.state, person.name, unit.now, f"{RETRIED}{failed}: {reason}")
        await note_step(unit.connection, batch.id, noted)
        return await find_batch(unit, batch.id)

    return await clear(engine, step)


async def paid_at(connection: AsyncConnection, programme: int) -> dict[int, Beneficiary]:
    """Where each party of a programme is paid by the last version of its contract."""
    book = await read_book(connection, programme)
    last = {partner: book.versions(partner)[-1].beneficiary for partner in book.partners}
    return {partner: beneficiary for partner, beneficiary in last.items() if beneficiary is not None}


def _again(batch: Batch, payment: Payment) -> Payment:
    attempt = payment.attempt + 1
    return Payment(
        end_to_end_id=end_to_end_id(batch, payment.party, attempt),
        batch=payment.batch,
        programme=payment.programme,
        party=payment.party,
        attempt=attempt,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        refundable_minor=0,
        booked_minor=payment.booked_minor,
    )


async def _order(
    unit: ClearingUnit, batch: Batch, payments: Sequence[Payment], beneficiaries: Mapping[int, Beneficiary]
) -> None:
    """Write one file for each paying account and book every payment."""
    programme = unit.registry.programme_numbered(batch.programme)
    accounts = await read_accounts(unit.connection, batch.programme)
    number = await count_files(unit.connection, batch.id)
    for currency in sorted({payment.currency for payment in payments}):
        account = accounts.get(currency) or accounts.get(programme.currency)
        if account is None:
            raise AccountMissing(f"No account of ours in {currency} is set up to pay from.", currency=currency)
        number += 1
        of_currency = [payment for payment in payments if payment.currency == currency]
        orders = [_payment_order(unit, payment, beneficiaries.get(payment.party)) for payment in of_currency]
        file = await _file(unit, batch, programme, account, number, orders)
        await add_file(unit.connection, batch.id, number, unit.now, file)
        for payment in of_currency:
            about, money = payment.end_to_end_id, paid(payment, programme.currency)
            unit.post(Clear(programme=programme.code, about=about, money=money), f"pay:{about}")
            await set_payment(unit.connection, payment, "instructed", message_id=file.message_id)


async def _file(
    unit: ClearingUnit,
    batch: Batch,
    programme: Programme,
    account: AccountRequest,
    number: int,
    orders: Sequence[PaymentOrder],
) -> PaymentFile:
    calendar = await read_bank_days(unit.connection)
    today = civil_day(unit.now, programme.zone)
    pays_on = today if is_banking_day(today, calendar) else banking_day_after(today, calendar)
    debtor = DebtorAccount(account.name, account.account, account.clearing_code, account.currency)
    message_id = f"{programme.number}-{batch.last_day:%Y%m%d}-{batch.revision}-{number}"
    content = write_payment_file(message_id, unit.now, debtor, pays_on, orders)
    return PaymentFile(message_id, orders[0].currency, content)


def _payment_order(unit: ClearingUnit, payment: Payment, beneficiary: Beneficiary | None) -> PaymentOrder:
    if beneficiary is None:
        code = unit.registry.partners[payment.party].code
        raise BeneficiaryMissing(f"The contract of {code} does not say where it is paid.", partner=code)
    return PaymentOrder(
        end_to_end_id=payment.end_to_end_id,
        amount_minor=payment.amount_minor,
        currency=payment.currency,
        creditor_name=beneficiary.name,
        creditor_account=beneficiary.account,
        creditor_clearing_code=beneficiary.clearing_code,
        remittance=payment.end_to_end_id,
    )


def paid(payment: Payment, currency: str) -> tuple[MoneyPosting, ...]:
    """The postings of a payment: what the party is owed becomes less, and so does the bank account.

    Of a foreign party its position is closed in both currencies, at what it was booked at.
    """
    party, bank = payment.party, (_A.SETTLEMENT_BANK, OPERATOR)
    owed = [
        (_A.ACCEPTOR_PAYABLE, payment.amount_minor - payment.refundable_minor),
        (_A.REFUNDABLE, payment.refundable_minor),
    ]
    if payment.currency == currency:
        return tuple(MoneyPosting(currency, account, party, *bank, amount) for account, amount in owed if amount)
    position = (_A.FX_POSITION, party)
    foreign = [MoneyPosting(payment.currency, account, party, *position, amount) for account, amount in owed if amount]
    return (*foreign, MoneyPosting(currency, *position, *bank, payment.booked_minor))


def returned(payment: Payment, currency: str) -> tuple[MoneyPosting, ...]:
    """The postings of a payment that came back: the party is owed it again, as an acceptor."""
    bank, payable = (_A.SETTLEMENT_BANK, OPERATOR), (_A.ACCEPTOR_PAYABLE, payment.party)
    if payment.currency == currency:
        return (MoneyPosting(currency, *bank, *payable, payment.amount_minor),)
    position = (_A.FX_POSITION, payment.party)
    return (
        MoneyPosting(currency, *bank, *position, payment.booked_minor),
        MoneyPosting(payment.currency, *position, *payable, payment.amount_minor),
    )
