"""What a bank has booked on an account: the entries of statements and notifications."""

from collections.abc import Iterator
from datetime import date
from typing import Literal

from msgspec import Struct

from ledger.errors import BankFileInvalid
from settlement.bank_files.document import Node
from settlement.bank_files.payment_rules import check_unique, shown

Direction = Literal["credit", "debit"]

_DIRECTIONS: dict[str, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_BOOKED = "BOOK"
_NOT_PROVIDED = "NOTPROVIDED"


class StatusReason(Struct, frozen=True):
    """Why: ISO 20022's code, such as AC04, or the bank's own, and its words; either may be ""."""

    code: str
    text: str


class Entry(Struct, frozen=True, kw_only=True):
    """One booked movement; ``amount_minor`` is positive, in minor units of ``currency``.

    ``bank_reference`` names it among all of the account's, in every file that tells of it. ``counterparty`` is
    whom the money came from or went to. Texts that the bank left out are "". ``reason`` is there when a payment
    came back. ``remittance`` is line by line as the bank wrote it: it may have cut a reference in two.
    """

    direction: Direction
    amount_minor: int
    currency: str
    booked_on: date
    valued_on: date
    bank_reference: str
    end_to_end_id: str
    counterparty_name: str
    counterparty_account: str
    remittance: tuple[str, ...]
    creditor_reference: str
    reason: StatusReason | None

    @property
    def signed_minor(self) -> int:
        """The amount as it changes the account's balance: a debit is negative."""
        return self.amount_minor if self.direction == "credit" else -self.amount_minor


def read_entries(account: Node, currency: str) -> tuple[Entry, ...]:
    """The booked entries of a statement or notification, a collected one as one entry for each of its payments.

    What is only expected or for information is left out, and so is an entry of nothing. Raises BankFileInvalid
    for an entry in another currency than the account's and for a bank reference that is there twice.
    """
    entries = tuple(entry for node in account.each("Ntry") for entry in _booked(node, currency))
    check_unique([entry.bank_reference for entry in entries], f"{account.path}/Ntry/AcctSvcrRef")
    return entries


def read_account(node: Node) -> str:
    """The account's number, an IBAN or the bank's own; "" where there is none."""
    return node.text("Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN")


def read_direction(node: Node) -> Direction:
    """Credit or debit; raises BankFileInvalid for anything else."""
    text = node.needed_text("CdtDbtInd")
    if text not in _DIRECTIONS:
        raise BankFileInvalid(f"{node.path}/CdtDbtInd", shown(text), "CRDT or DBIT")
    return _DIRECTIONS[text]


def read_reason(node: Node | None, reason: str = "Rsn") -> StatusReason | None:
    """The code and the words beside it; None where there is neither."""
    if node is None:
        return None
    found = StatusReason(
        node.text(f"{reason}/Cd", f"{reason}/Prtry"), " ".join(line.own_text() for line in node.each("AddtlInf"))
    )
    return found if found.code or found.text else None


def end_to_end_id_of(text: str) -> str:
    """The payer's name of the payment; "" where it gave none."""
    return "" if text == _NOT_PROVIDED else text


def _booked(entry: Node, currency: str) -> Iterator[Entry]:
    # Up to version 2 the status is a text, later a choice.
    if entry.needed_text("Sts/Cd", "Sts") != _BOOKED:
        return
    amount_minor, amount_currency = entry.need("Amt").amount()
    if amount_currency != currency:
        raise BankFileInvalid(f"{entry.path}/Amt/@Ccy", amount_currency, f"{currency}, the account's")
    if amount_minor == 0:
        return
    details = [detail for group in entry.each("NtryDtls") for detail in group.each("TxDtls")]
    amounts = [_detail_amount(detail, currency) for detail in details]
    reference = entry.text("AcctSvcrRef") or (details[0].text("Refs/AcctSvcrRef") if len(details) == 1 else "")
    reference = reference or entry.needed_text("AcctSvcrRef", "NtryRef")
    if len(details) <= 1 or None in amounts:
        yield _entry(entry, details[0] if len(details) == 1 else None, (amount_minor, currency), reference)
        return
    parts = [amount for amount in amounts if amount is not None]
    if sum(parts) != amount_minor:
        raise BankFileInvalid(f"{entry.path}/Amt", str(amount_minor), f"{sum(parts)}, the sum of its payments")
    for number, (detail, part) in enumerate(zip(details, parts, strict=True), start=1):
        own = detail.text("Refs/AcctSvcrRef")
        part_reference = own if own and own != reference else f"{reference}#{number}"
        yield _entry(entry, detail, (part, currency), part_reference)


def _detail_amount(detail: Node, currency: str) -> int | None:
    """What the payment adds to its entry; None where the bank does not say it in the account's currency."""
    for path in ("Amt", "AmtDtls/TxAmt/Amt"):
        node = detail.find(path)
        if node is not None:
            amount_minor, amount_currency = node.amount()
            if amount_currency == currency:
                return amount_minor
    return None


def _entry(entry: Node, detail: Node | None, amount: tuple[int, str], reference: str) -> Entry:
    booked_on = entry.day("BookgDt", "ValDt")
    if booked_on is None:
        raise BankFileInvalid(f"{entry.path}/BookgDt", "missing", "a day")
    direction = read_direction(entry)
    name, account = _counterparty(detail, direction)
    return Entry(
        direction=direction,
        amount_minor=amount[0],
        currency=amount[1],
        booked_on=booked_on,
        valued_on=entry.day("ValDt") or booked_on,
        bank_reference=reference,
        end_to_end_id=end_to_end_id_of(detail.text("Refs/EndToEndId")) if detail is not None else "",
        counterparty_name=name,
        counterparty_account=account,
        remittance=_remittance(entry, detail),
        creditor_reference=detail.text("RmtInf/Strd/CdtrRefInf/Ref") if detail is not None else "",
        reason=read_reason(detail.find("RtrInf")) if detail is not None else None,
    )


def _counterparty(detail: Node | None, direction: Direction) -> tuple[str, str]:
    """Name and account of the other side; of a payment that came back, whom it had been meant for."""
    if detail is None:
        return "", ""
    for side in ("Dbtr", "Cdtr") if direction == "credit" else ("Cdtr", "Dbtr"):
        name = detail.text(f"RltdPties/{side}/Pty/Nm", f"RltdPties/{side}/Nm")
        account = detail.find(f"RltdPties/{side}Acct")
        number = read_account(account) if account is not None else ""
        if name or number:
            return name, number
    return "", ""


def _remittance(entry: Node, detail: Node | None) -> tuple[str, ...]:
    information = detail.find("RmtInf") if detail is not None else None
    if information is not None and (lines := tuple(line.own_text() for line in information.each("Ustrd"))):
        return lines
    told = (detail.text("AddtlTxInf") if detail is not None else "") or entry.text("AddtlNtryInf")
    return (told,) if told else ()
