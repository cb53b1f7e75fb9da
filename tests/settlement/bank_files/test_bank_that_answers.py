"""A payment file sent to a real server of the package mock-bank, and all of its answers read."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger.errors import BankFileInvalid
from settlement.bank_files.entries import Entry, StatusReason
from settlement.bank_files.payment_file import DebtorAccount, PaymentOrder, write_payment_file
from settlement.bank_files.payment_returns import PaymentReturn
from settlement.bank_files.readers import read_bank_file
from settlement.bank_files.statements import NotificationFile, StatementFile
from settlement.bank_files.status_report import PaymentStatusReport
from tests.settlement.mock_bank import MockBank, iban

TUESDAY = date(2026, 11, 24)
NINE_O_CLOCK = 1_795_482_000_000_000
OPENING_MINOR = 100_000_000
HOUSE = DebtorAccount("城市积分清算有限公司", iban("CN", "HOUSE"), "102100000012", "CNY")
COFFEE = PaymentOrder(
    "CITY-1-7-1", 40_080_060, "CNY", "某某咖啡有限公司", "6222020200112233445", "102290000010", "积分"
)
TEA = PaymentOrder("CITY-1-8-1", 1, "CNY", "某某茶馆", "6222020200112233446", "103290000011")


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[MockBank]:
    with MockBank.start(tmp_path) as running:
        account = running.add_account("HOUSE", HOUSE.name, balance_minor=OPENING_MINOR)
        assert account == HOUSE.account
        yield running


def send(bank: MockBank, *orders: PaymentOrder, message_id: str = "CITY-20261123-1") -> PaymentStatusReport:
    """Send a payment file and read the bank's latest word on it."""
    bank.send(write_payment_file(message_id, NINE_O_CLOCK, HOUSE, TUESDAY, orders))
    report = read_bank_file(bank.messages("pain.002")[-1])
    assert isinstance(report, PaymentStatusReport)
    assert report.original_message_id == message_id
    return report


def statements(bank: MockBank) -> list[StatementFile]:
    read = [read_bank_file(content) for content in bank.messages("camt.053", "HOUSE")]
    return [file for file in read if isinstance(file, StatementFile)]


def notified(bank: MockBank) -> list[Entry]:
    read = [read_bank_file(content) for content in bank.messages("camt.054", "HOUSE")]
    return [e for file in read if isinstance(file, NotificationFile) for n in file.notifications for e in n.entries]


def test_payments_are_accepted_notified_and_on_the_statement_to_the_fen(bank: MockBank) -> None:
    report = send(bank, COFFEE, TEA)
    assert (report.group_status, [p.status for p in report.payments]) == ("ACCP", ["ACCP", "ACCP"])
    assert [p.end_to_end_id for p in report.payments] == [COFFEE.end_to_end_id, TEA.end_to_end_id]
    told = notified(bank)
    assert [(e.end_to_end_id, e.signed_minor, e.booked_on) for e in told] == [
        (COFFEE.end_to_end_id, -COFFEE.amount_minor, TUESDAY),
        (TEA.end_to_end_id, -TEA.amount_minor, TUESDAY),
    ]
    assert (told[0].counterparty_name, told[0].counterparty_account) == (COFFEE.creditor_name, COFFEE.creditor_account)
    bank.advance(days=1)
    ((statement,),) = [file.statements for file in statements(bank)]
    assert (statement.account, statement.currency, statement.closed_on) == (HOUSE.account, "CNY", TUESDAY)
    assert (statement.opening_minor, statement.closing_minor) == (OPENING_MINOR, OPENING_MINOR - 40_080_061)
    assert list(statement.entries) == told, "an entry has one reference in every file that tells of it"
    assert bank.balance_minor("HOUSE") == statement.closing_minor


def test_a_payment_that_comes_back_is_returned_credited_and_names_its_reason(bank: MockBank) -> None:
    bank.return_later("HOUSE", TEA.end_to_end_id, days=2)
    send(bank, COFFEE, TEA)
    bank.advance(days=3)
    (returned,) = [read_bank_file(content) for content in bank.messages("pacs.004")]
    assert isinstance(returned, PaymentReturn)
    assert returned.original_message_id == "CITY-20261123-1"
    ((payment),) = returned.payments
    assert (payment.original_end_to_end_id, payment.amount_minor, payment.currency) == (TEA.end_to_end_id, 1, "CNY")
    assert (payment.settled_on, payment.reason) == (date(2026, 11, 26), StatusReason("AC04", ""))
    (credit,) = [e for e in notified(bank) if e.direction == "credit"]
    assert (credit.end_to_end_id, credit.amount_minor, credit.reason) == (
        TEA.end_to_end_id,
        1,
        StatusReason("AC04", ""),
    )
    assert [s.closing_minor for file in statements(bank) for s in file.statements] == [
        OPENING_MINOR - 40_080_061,
        OPENING_MINOR - 40_080_061,
        OPENING_MINOR - 40_080_060,
    ]


def test_a_payment_to_a_closed_account_is_rejected_and_never_booked(bank: MockBank) -> None:
    closed = bank.add_account("CLOSED", "某某歇业店")
    bank.close_account("CLOSED")
    report = send(bank, COFFEE, PaymentOrder("CITY-1-9-1", 500, "CNY", "某某歇业店", closed, "102290000010"))
    assert report.group_status == "PART"
    accepted, rejected = report.payments
    assert (accepted.status, rejected.status, rejected.end_to_end_id) == ("ACCP", "RJCT", "CITY-1-9-1")
    assert rejected.reason is not None
    assert rejected.reason.code == "AC04"
    assert [e.end_to_end_id for e in notified(bank)] == [COFFEE.end_to_end_id]


def test_a_file_that_is_sent_twice_is_rejected_as_a_whole(bank: MockBank) -> None:
    send(bank, COFFEE)
    again = send(bank, COFFEE)
    assert (again.group_status, again.payments) == ("RJCT", ())
    assert again.group_reason is not None
    assert again.group_reason.code == "DUPL"
    assert bank.balance_minor("HOUSE") == OPENING_MINOR - COFFEE.amount_minor


def test_more_than_there_is_is_rejected(bank: MockBank) -> None:
    bank.behave("HOUSE", "insufficient-funds")
    report = send(bank, COFFEE, PaymentOrder("CITY-1-9-1", OPENING_MINOR, "CNY", "某某", "1", "102290000010"))
    assert [(p.status, p.reason.code if p.reason else "") for p in report.payments] == [("ACCP", ""), ("RJCT", "AM04")]


def test_money_that_comes_in_names_its_payer_and_reference(bank: MockBank) -> None:
    payer = iban("CN", "SHOP")
    bank.credit(
        "HOUSE", 12_345, "结算款 CITY-20261123-1-9", debtor={"name": "某某超市", "iban": payer}, reference="N-9"
    )
    (entry,) = notified(bank)
    assert (entry.signed_minor, entry.end_to_end_id, entry.reason) == (12_345, "", None)
    assert (entry.counterparty_name, entry.counterparty_account) == ("某某超市", payer)
    assert (entry.remittance, entry.creditor_reference) == (("结算款 CITY-20261123-1-9",), "N-9")


def test_a_statement_with_an_entry_left_out_is_refused(bank: MockBank) -> None:
    bank.behave("HOUSE", "statement-gap")
    send(bank, COFFEE, TEA)
    bank.advance(days=1)
    (content,) = bank.messages("camt.053", "HOUSE")
    with pytest.raises(BankFileInvalid, match=r"closing 599199\.39 CNY; wanted is 599199\.40"):
        read_bank_file(content)


def test_an_account_in_baht_pays_in_baht_and_one_in_yuan_does_not(bank: MockBank) -> None:
    siam = PaymentOrder("CITY-1-8-1", 123_456, "THB", "Siam Coffee Co., Ltd.", "1234567890", "BKKBTHBK")
    (payment,) = send(bank, siam).payments
    assert (payment.status, payment.reason.code if payment.reason else "") == ("RJCT", "AM03")
    account = bank.add_account("BAHT", "City Points Clearing Co., Ltd.", currency="THB", balance_minor=200_000)
    debtor = DebtorAccount("City Points Clearing Co., Ltd.", account, "BKKBTHBK", "THB")
    bank.send(write_payment_file("CITY-20261123-1-B", NINE_O_CLOCK, debtor, TUESDAY, [siam]))
    assert bank.balance_minor("BAHT") == 200_000 - 123_456
