"""camt.053 and camt.054: what a bank says it has booked, at a day's end and in between."""

from datetime import date, tzinfo
from typing import Literal

from msgspec import Struct

from ledger.errors import BankFileInvalid
from ledger.rules.money import from_minor
from settlement.bank_files.document import Node
from settlement.bank_files.entries import Entry, read_account, read_direction, read_entries


class Statement(Struct, frozen=True, kw_only=True):
    """One account's statement: opening balance + entries = closing balance, in minor units, debts negative."""

    statement_id: str
    account: str
    currency: str
    sequence: int | None
    closed_on: date
    opening_minor: int
    closing_minor: int
    entries: tuple[Entry, ...]


class StatementFile(Struct, frozen=True, kw_only=True):
    """A camt.053; ``created_at`` in microseconds since 1970 UTC."""

    kind: Literal["camt.053"] = "camt.053"
    message_id: str
    created_at: int
    statements: tuple[Statement, ...]


class Notification(Struct, frozen=True, kw_only=True):
    """What was booked on one account, told before the statement that will list it again."""

    notification_id: str
    account: str
    currency: str
    entries: tuple[Entry, ...]


class NotificationFile(Struct, frozen=True, kw_only=True):
    """A camt.054; ``created_at`` in microseconds since 1970 UTC."""

    kind: Literal["camt.054"] = "camt.054"
    message_id: str
    created_at: int
    notifications: tuple[Notification, ...]


def read_statements(body: Node, zone: tzinfo) -> StatementFile:
    """Read a camt.053; raises BankFileInvalid where it is incomplete or its balances do not add up."""
    statements = tuple(_statement(node) for node in body.each("Stmt"))
    if not statements:
        raise BankFileInvalid(f"{body.path}/Stmt", "missing", "at least one statement")
    header = body.need("GrpHdr")
    return StatementFile(
        message_id=header.needed_text("MsgId"), created_at=header.instant("CreDtTm", zone), statements=statements
    )


def read_notifications(body: Node, zone: tzinfo) -> NotificationFile:
    """Read a camt.054; raises BankFileInvalid where it is incomplete."""
    notifications = tuple(_notification(node) for node in body.each("Ntfctn"))
    if not notifications:
        raise BankFileInvalid(f"{body.path}/Ntfctn", "missing", "at least one notification")
    header = body.need("GrpHdr")
    return NotificationFile(
        message_id=header.needed_text("MsgId"), created_at=header.instant("CreDtTm", zone), notifications=notifications
    )


def _statement(node: Node) -> Statement:
    opening_minor, currency, _ = _balance(node, "OPBD", "PRCD")
    closing_minor, closing_currency, closed_on = _balance(node, "CLBD")
    if closing_currency != currency:
        raise BankFileInvalid(f"{node.path}/Bal", f"{currency} and {closing_currency}", "one currency")
    entries = read_entries(node, currency)
    expected_minor = opening_minor + sum(entry.signed_minor for entry in entries)
    if expected_minor != closing_minor:
        opening, moved = from_minor(opening_minor, currency), from_minor(expected_minor - opening_minor, currency)
        got = f"closing {from_minor(closing_minor, currency)} {currency}"
        wanted = f"{from_minor(expected_minor, currency)}: opening {opening} and entries of {moved}"
        raise BankFileInvalid(f"{node.path}/Bal", got, wanted)
    return Statement(
        statement_id=node.needed_text("Id"),
        account=_account(node),
        currency=currency,
        sequence=node.whole_number("ElctrncSeqNb", "LglSeqNb"),
        closed_on=closed_on,
        opening_minor=opening_minor,
        closing_minor=closing_minor,
        entries=entries,
    )


def _balance(node: Node, *codes: str) -> tuple[int, str, date]:
    """The balance of the first code that is there: signed minor units, currency, day."""
    balances = {balance.text("Tp/CdOrPrtry/Cd"): balance for balance in node.each("Bal")}
    balance = next((balances[code] for code in codes if code in balances), None)
    if balance is None:
        raise BankFileInvalid(f"{node.path}/Bal", "missing", f"a balance {' or '.join(codes)}")
    amount_minor, currency = balance.need("Amt").amount()
    day = balance.day("Dt")
    if day is None:
        raise BankFileInvalid(f"{balance.path}/Dt", "missing", "a day")
    return (amount_minor if read_direction(balance) == "credit" else -amount_minor), currency, day


def _notification(node: Node) -> Notification:
    first = node.find("Ntry/Amt")
    currency = node.text("Acct/Ccy") or (first.amount()[1] if first is not None else "")
    return Notification(
        notification_id=node.needed_text("Id"),
        account=_account(node),
        currency=currency,
        entries=read_entries(node, currency),
    )


def _account(node: Node) -> str:
    account = read_account(node.need("Acct"))
    if not account:
        raise BankFileInvalid(f"{node.path}/Acct/Id", "missing", "an account")
    return account
