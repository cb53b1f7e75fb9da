"""Money in: a receipt pays what a party was asked for, oldest first, and what is over is kept for it.

A receipt is placed by the reference of a notice in what the payer wrote, else by the payer's account where the amount
is exactly that of one open notice. Else it stands in suspense (9000) until a clerk matches it.
"""

import re
from uuid import UUID, uuid5

from ledger.errors import NotFound
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.commands import Clear
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.programmes import Programme
from settlement.bank_files.entries import Entry
from settlement.covers import give_back
from settlement.netting import PartyBalances
from settlement.people import Person
from settlement.store.bank_rows import SuspenseItem, add_item, match_item, read_item
from settlement.store.batch_rows import party_balances, read_balances
from settlement.store.money_rows import Notice, read_notice, read_open_notices, receive
from settlement.store.term_rows import read_book
from settlement.vocabulary import CLERK, MANAGER

_A = MoneyAccount
_WORD = re.compile(r"[A-Za-z0-9.-]+")
_ITEMS = UUID("a3c1f6de-2d0a-4b4b-8a60-3b8e3c6f1d57")
_LONGEST_TEXT = 500

Source = tuple[MoneyAccount, int]


class Receipts:
    """Places the receipts of one unit of work; balances move along with what it posts."""

    def __init__(self, unit: ClearingUnit, programme: Programme) -> None:
        self._unit = unit
        self._programme = programme
        self._balances: dict[tuple[int, str], PartyBalances] | None = None

    async def place(self, entry: Entry, account: str) -> bool:
        """Post a receipt; whether a notice was found for it."""
        key = f"receipt:{account}:{entry.bank_reference}"
        notice = await self._notice_of(entry)
        if notice is None:
            await self._suspend(entry, key)
            return False
        await self.pay(notice, entry.amount_minor, (_A.SETTLEMENT_BANK, OPERATOR), key)
        return True

    async def pay(self, notice: Notice, amount_minor: int, source: Source, key: str) -> None:
        """Pay a notice, then the party's other notices, oldest first; what is over stands to its credit (2120)."""
        rest_minor = amount_minor
        asked = await read_open_notices(self._unit.connection, notice.programme, notice.party, notice.currency)
        for one in sorted(asked, key=lambda other: other.reference != notice.reference):
            part_minor = min(rest_minor, one.open_minor)
            if part_minor:
                await receive(self._unit.connection, one.reference, part_minor)
                rest_minor -= part_minor
        balances = await self._of(notice.party, notice.currency)
        postings: list[MoneyPosting] = []
        left_minor = amount_minor
        for account, most_minor in (
            (_A.ISSUER_RECEIVABLE, max(balances.receivable, 0)),
            (_A.ACCEPTOR_PAYABLE, max(-balances.payable, 0)),
            (_A.PREFUNDING, left_minor),
        ):
            part_minor = min(left_minor, most_minor)
            if part_minor:
                postings.append(MoneyPosting(notice.currency, *source, account, notice.party, part_minor))
                balances.add(account, -part_minor)
                left_minor -= part_minor
        command = Clear(programme=self._programme.code, about=notice.reference, money=tuple(postings))
        self._unit.post(command, key)
        as_issuer = sum(posting.amount_minor for posting in postings if posting.credit != _A.ACCEPTOR_PAYABLE)
        await give_back(self._unit, notice.programme, notice.party, as_issuer, key)

    async def suspend_payment(self, entry: Entry, account: str) -> None:
        """Put a debit that no payment of ours explains on the work list."""
        await self._suspend(entry, f"debit:{account}:{entry.bank_reference}")

    async def _suspend(self, entry: Entry, key: str) -> None:
        bank, suspense = (_A.SETTLEMENT_BANK, OPERATOR), (_A.SUSPENSE, OPERATOR)
        debit, credit = (bank, suspense) if entry.direction == "credit" else (suspense, bank)
        posting = MoneyPosting(entry.currency, *debit, *credit, entry.amount_minor)
        item = SuspenseItem(
            item=uuid5(_ITEMS, f"{self._programme.number}:{key}"),
            programme=self._programme.number,
            currency=entry.currency,
            amount_minor=entry.signed_minor,
            booked_on=entry.booked_on,
            payer=f"{entry.counterparty_name} {entry.counterparty_account}".strip()[:_LONGEST_TEXT],
            remittance=" ".join((*entry.remittance, entry.creditor_reference)).strip()[:_LONGEST_TEXT],
        )
        await add_item(self._unit.connection, item)
        self._unit.post(Clear(programme=self._programme.code, about=f"suspense {item.item}", money=(posting,)), key)

    async def _notice_of(self, entry: Entry) -> Notice | None:
        texts = (entry.creditor_reference, entry.end_to_end_id, "".join(entry.remittance), *entry.remittance)
        for word in dict.fromkeys(word for text in texts for word in _WORD.findall(text)):
            notice = await read_notice(self._unit.connection, word)
            if notice is not None and self._fits(notice, entry):
                return notice
        book = await read_book(self._unit.connection, self._programme.number)
        payers = [
            partner
            for partner in book.partners
            if entry.counterparty_account
            and any(
                terms.beneficiary is not None and terms.beneficiary.account == entry.counterparty_account
                for terms in book.versions(partner)
            )
        ]
        found: list[Notice] = []
        for payer in payers:
            number = self._programme.number
            found += await read_open_notices(self._unit.connection, number, payer, entry.currency)
        exact = [notice for notice in found if notice.open_minor == entry.amount_minor]
        return exact[0] if len(exact) == 1 else None

    def _fits(self, notice: Notice, entry: Entry) -> bool:
        return notice.programme == self._programme.number and notice.currency == entry.currency

    async def _of(self, party: int, currency: str) -> PartyBalances:
        if self._balances is None:
            standing = await read_balances(self._unit.connection, self._programme.number)
            self._balances = party_balances(standing)
        return self._balances.setdefault((party, currency), PartyBalances())


async def match(engine: Engine, person: Person, item: UUID, reference: str) -> SuspenseItem:
    """Place a receipt of the work list with a notice; again it is as it was. Raises Forbidden and NotFound."""
    person.refuse_without(CLERK, MANAGER)

    async def step(unit: ClearingUnit) -> SuspenseItem:
        found = await read_item(unit.connection, item)
        if found is None:
            raise NotFound("Nothing on the work list has this id.")
        if found.matched_by is not None:
            return found
        notice = await read_notice(unit.connection, reference)
        is_fit = notice is not None and (notice.programme, notice.currency) == (found.programme, found.currency)
        if notice is None or not is_fit or found.amount_minor < 0:
            raise NotFound("No notice of this programme and currency has this reference.", reference=reference)
        programme = unit.registry.programme_numbered(found.programme)
        receipts = Receipts(unit, programme)
        await receipts.pay(notice, found.amount_minor, (_A.SUSPENSE, OPERATOR), f"match:{item}")
        await match_item(unit.connection, item, person.name, reference)
        matched = await read_item(unit.connection, item)
        assert matched is not None  # noqa: S101 - it was read above
        return matched

    return await clear(engine, step)
