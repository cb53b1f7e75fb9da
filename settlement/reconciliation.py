"""Reconciliation: what banks say of our payments and of money that came in, taken over once, whole or not at all."""

import hashlib
from collections import Counter
from collections.abc import Sequence

import msgspec

from ledger.errors import BankFileInvalid
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.commands import Clear
from ledger.rules.money import from_minor
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.programmes import Programme
from settlement.approval import find_batch
from settlement.bank_files.entries import Entry, StatusReason
from settlement.bank_files.payment_returns import PaymentReturn
from settlement.bank_files.readers import read_bank_file
from settlement.bank_files.statements import NotificationFile, StatementFile
from settlement.bank_files.status_report import PaymentStatusReport
from settlement.batches import BY_BANK_FILES, Step
from settlement.payments import returned
from settlement.people import Person
from settlement.receipts import Receipts
from settlement.set_up import read_accounts
from settlement.store.bank_rows import add_bank_file, is_known_message, is_new_entry, read_outcome
from settlement.store.batch_rows import add_step
from settlement.store.money_rows import (
    Payment,
    read_payment,
    read_payments,
    read_payments_of_message,
    set_payment,
)
from settlement.vocabulary import CLERK, FAILED_PAYMENTS, MANAGER

REJECTED = "RJCT"
DUPLICATE = "DUPL"
LARGEST_BYTES = 20_000_000

_A = MoneyAccount
_OPEN = frozenset({"instructed", "accepted"})
_PAYING = frozenset({"instructed", "partly_confirmed", "confirmed"})
_encode = msgspec.json.Encoder().encode


class BankFileOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a bank's file: how many payments and receipts of each sort; ``repeated`` were told before."""

    kind: str
    message_id: str
    accepted: int = 0
    confirmed: int = 0
    rejected: int = 0
    returned: int = 0
    received: int = 0
    suspended: int = 0
    repeated: int = 0


_decode = msgspec.json.Decoder(BankFileOutcome).decode


async def import_bank_file(engine: Engine, person: Person, content: bytes) -> BankFileOutcome:
    """Take over a pain.002, camt.053, camt.054 or pacs.004; the same file again changes nothing.

    Raises Forbidden, and BankFileInvalid for what is damaged, foreign, or contradicts what we know; nothing of
    such a file is used.
    """
    person.refuse_without(CLERK, MANAGER)
    file = read_bank_file(content, largest_bytes=LARGEST_BYTES)
    digest = hashlib.sha256(content).digest()

    async def step(unit: ClearingUnit) -> BankFileOutcome:
        known = await read_outcome(unit.connection, digest)
        if known is not None:
            return _decode(known)
        if await is_known_message(unit.connection, file.kind, file.message_id):
            raise BankFileInvalid(
                "MsgId", f"{file.message_id!r}, imported before with other content", "a message id of its own"
            )
        taking = _Taking(unit, person, digest)
        if isinstance(file, PaymentStatusReport):
            await taking.take_statuses(file)
        elif isinstance(file, PaymentReturn):
            for payment in file.payments:
                await taking.take_return(payment.original_end_to_end_id, payment.amount_minor, payment.reason)
        elif isinstance(file, StatementFile):
            for statement in file.statements:
                await taking.take_entries(statement.account, statement.entries)
        else:
            assert isinstance(file, NotificationFile)  # noqa: S101 - the last of the union
            for notification in file.notifications:
                await taking.take_entries(notification.account, notification.entries)
        await taking.move_batches()
        outcome = BankFileOutcome(kind=file.kind, message_id=file.message_id, **taking.counts)
        name = (file.kind, file.message_id)
        await add_bank_file(unit.connection, digest, name, person.name, unit.now, _encode(outcome))
        return outcome

    return await clear(engine, step)


class _Taking:
    """Takes one file over, in one unit of work."""

    def __init__(self, unit: ClearingUnit, person: Person, digest: bytes) -> None:
        self._unit = unit
        self._person = person
        self._digest = digest
        self._batches: set[str] = set()
        self._receipts: dict[int, Receipts] = {}
        self.counts: Counter[str] = Counter()

    async def take_statuses(self, report: PaymentStatusReport) -> None:
        """A status of the whole file holds for every payment that is not named; a repeated file says nothing."""
        named = {payment.end_to_end_id: payment for payment in report.payments}
        of_file = await read_payments_of_message(self._unit.connection, report.original_message_id)
        if not of_file:
            raise BankFileInvalid("OrgnlMsgId", repr(report.original_message_id), "the id of a payment file of ours")
        for name in named.keys() - {payment.end_to_end_id for payment in of_file}:
            raise BankFileInvalid("OrgnlEndToEndId", repr(name), f"a payment of {report.original_message_id}")
        is_repeated = report.group_reason is not None and report.group_reason.code == DUPLICATE
        for payment in of_file:
            status = named.get(payment.end_to_end_id)
            said, reason = report.group_status, report.group_reason
            if status is not None and status.status:
                said, reason = status.status, status.reason
            if said == REJECTED and not is_repeated:
                await self._come_back(payment, "rejected", reason)
            elif payment.state == "instructed" and said != REJECTED:
                await self._set(payment, "accepted", None)
            else:
                self.counts["repeated"] += 1

    async def take_return(self, end_to_end_id: str, amount_minor: int, reason: StatusReason | None) -> None:
        """A payment that came back after it was paid is owed again."""
        payment = await read_payment(self._unit.connection, end_to_end_id)
        if payment is None:
            raise BankFileInvalid("OrgnlEndToEndId", repr(end_to_end_id), "a payment of ours")
        self._refuse_other_amount(payment, amount_minor, payment.currency)
        await self._come_back(payment, "returned", reason)

    async def take_entries(self, account: str, entries: Sequence[Entry]) -> None:
        """Every entry once, whichever file tells of it: our payments, what came back, and what came in."""
        programme = await self._programme_of(account)
        for entry in entries:
            if not await is_new_entry(self._unit.connection, account, entry.bank_reference, self._digest):
                self.counts["repeated"] += 1
                continue
            payment = await read_payment(self._unit.connection, entry.end_to_end_id) if entry.end_to_end_id else None
            if payment is not None and entry.direction == "debit":
                await self._confirm(payment, entry, programme)
            elif payment is not None and entry.reason is not None:
                self._refuse_other_amount(payment, entry.amount_minor, entry.currency)
                await self._come_back(payment, "returned", entry.reason)
            elif entry.direction == "debit":
                await self._receipts_of(programme).suspend_payment(entry, account)
                self.counts["suspended"] += 1
            elif await self._receipts_of(programme).place(entry, account):
                self.counts["received"] += 1
            else:
                self.counts["suspended"] += 1

    async def move_batches(self) -> None:
        """Bring the batches of the payments concerned to where their payments are by now."""
        for batch_id in sorted(self._batches):
            batch = await find_batch(self._unit, batch_id)
            latest: dict[tuple[int, str], Payment] = {}
            for payment in await read_payments(self._unit.connection, batch_id):
                latest[payment.party, payment.currency] = payment
            confirmed = [payment.state == "confirmed" for payment in latest.values()]
            state = "confirmed" if all(confirmed) else "partly_confirmed"
            if batch.state in _PAYING - {state} and (any(confirmed) or batch.state == "confirmed"):
                step = Step(state, self._person.name, self._unit.now, BY_BANK_FILES)
                await add_step(self._unit.connection, batch, step)

    async def _confirm(self, payment: Payment, entry: Entry, programme: Programme) -> None:
        if payment.state not in _OPEN:
            self.counts["repeated"] += 1
            return
        if entry.currency == payment.currency:
            self._refuse_other_amount(payment, entry.amount_minor, entry.currency)
        else:
            self._book_difference(payment, entry, programme)
        await self._set(payment, "confirmed", None)

    def _book_difference(self, payment: Payment, entry: Entry, programme: Programme) -> None:
        """A foreign payment cost what the bank says, not what it was booked at."""
        difference_minor = entry.amount_minor - payment.booked_minor
        if entry.currency != programme.currency or difference_minor == 0:
            return
        bank, difference = (_A.SETTLEMENT_BANK, OPERATOR), (_A.FX_DIFFERENCE, OPERATOR)
        debit, credit = (difference, bank) if difference_minor > 0 else (bank, difference)
        posting = MoneyPosting(programme.currency, *debit, *credit, abs(difference_minor))
        about = payment.end_to_end_id
        self._unit.post(Clear(programme=programme.code, about=about, money=(posting,)), f"difference:{about}")

    async def _come_back(self, payment: Payment, state: str, reason: StatusReason | None) -> None:
        if payment.state in FAILED_PAYMENTS:
            self.counts["repeated"] += 1
            return
        if payment.state == "planned" or (state == "rejected" and payment.state == "confirmed"):
            raise BankFileInvalid(payment.end_to_end_id, f"{state}, but it is {payment.state}", "an instructed payment")
        programme = self._unit.registry.programme_numbered(payment.programme)
        about, money = payment.end_to_end_id, returned(payment, programme.currency)
        self._unit.post(Clear(programme=programme.code, about=about, money=money), f"{state}:{about}")
        await self._set(payment, state, None if reason is None else f"{reason.code} {reason.text}".strip())

    async def _set(self, payment: Payment, state: str, reason: str | None) -> None:
        await set_payment(self._unit.connection, payment, state, reason)
        self._batches.add(payment.batch)
        self.counts[state] += 1

    def _refuse_other_amount(self, payment: Payment, amount_minor: int, currency: str) -> None:
        if (amount_minor, currency) != (payment.amount_minor, payment.currency):
            got = f"{from_minor(amount_minor, currency)} {currency}"
            wanted = f"{from_minor(payment.amount_minor, payment.currency)} {payment.currency}, as it was instructed"
            raise BankFileInvalid(f"the amount of {payment.end_to_end_id}", got, wanted)

    async def _programme_of(self, account: str) -> Programme:
        for programme in self._unit.registry.programmes.values():
            accounts = await read_accounts(self._unit.connection, programme.number)
            if any(one.account == account for one in accounts.values()):
                return programme
        raise BankFileInvalid("Acct", repr(account), "an account of ours")

    def _receipts_of(self, programme: Programme) -> Receipts:
        return self._receipts.setdefault(programme.number, Receipts(self._unit, programme))
