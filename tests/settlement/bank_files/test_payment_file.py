"""The payment file: its bytes, its schema, and what it refuses before the bank would."""

from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.errors import BankFileInvalid
from settlement.bank_files.payment_file import (
    DebtorAccount,
    PaymentOrder,
    check_against_schema,
    write_payment_file,
)
from tests.settlement.mock_bank import iban

GOLDEN = Path(__file__).parent / "golden_payment_file.xml"
CREATED_AT = 1_795_399_200_000_000  # 2026-11-23 18:00 in Shanghai
TUESDAY = date(2026, 11, 24)
DEBTOR = DebtorAccount("城市积分清算有限公司", "110060149013000891234", "102100000012", "CNY")
COFFEE = PaymentOrder(
    "CITY-20261123-1-7-1", 40_080_060, "CNY", "某某咖啡有限公司", "6222020200112233445", "102290000010", "积分结算"
)
SIAM = PaymentOrder("CITY-20261123-1-8-1", 123_456, "THB", "Siam Coffee Co., Ltd.", "1234567890", "BKKBTHBK")
NS = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def written(*orders: PaymentOrder, message_id: str = "CITY-20261123-1", debtor: DebtorAccount = DEBTOR) -> bytes:
    return write_payment_file(message_id, CREATED_AT, debtor, TUESDAY, orders)


def test_a_file_has_the_very_bytes_that_were_reviewed_once() -> None:
    assert written(COFFEE, SIAM) == GOLDEN.read_bytes()


def test_the_same_orders_give_the_same_bytes() -> None:
    assert written(COFFEE, SIAM) == written(COFFEE, SIAM)


def test_counts_and_sums_stand_on_the_file_and_on_each_currency() -> None:
    second = replace(COFFEE, end_to_end_id="CITY-20261123-1-9-1", amount_minor=1)
    root = ET.fromstring(written(COFFEE, SIAM, second))  # noqa: S314 - written here
    sums = [
        (e.findtext("p:NbOfTxs", None, NS), e.findtext("p:CtrlSum", None, NS))
        for e in root.iterfind(".//*[p:NbOfTxs]", NS)
    ]
    assert sums == [("3", "402035.17"), ("2", "400800.61"), ("1", "1234.56")]


@pytest.mark.parametrize(
    ("currency", "amount_minor", "written_as"),
    [
        ("CNY", 1, "0.01"),
        ("CNY", 100, "1.00"),
        ("CNY", 10**18 - 1, "9999999999999999.99"),
        ("JPY", 7, "7"),
        ("KWD", 7, "0.007"),
    ],
)
def test_amounts_are_written_to_the_last_minor_unit(currency: str, amount_minor: int, written_as: str) -> None:
    bank = "102290000010" if currency == "CNY" else "BKKBTHBK"
    order = PaymentOrder("E-1", amount_minor, currency, "Payee", "1", bank)
    assert f'<InstdAmt Ccy="{currency}">{written_as}</InstdAmt>'.encode() in written(order)


def test_an_iban_is_written_as_one_and_a_chinese_account_as_itself() -> None:
    german = replace(COFFEE, creditor_account="DE89370400440532013000")
    assert b"<IBAN>DE89370400440532013000</IBAN>" in written(german)
    mistyped = replace(COFFEE, creditor_account="DE89370400440532013001")
    assert b"<IBAN>" not in written(mistyped)
    assert iban("CN", "HOUSE").encode() in written(replace(COFFEE, creditor_account=iban("CN", "HOUSE")))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount_minor": 0}, "orders[0].amount_minor"),
        ({"amount_minor": -1}, "orders[0].amount_minor"),
        ({"amount_minor": 10**18}, "orders[0].amount_minor"),
        ({"end_to_end_id": "E" * 36}, "orders[0].end_to_end_id"),
        ({"end_to_end_id": ""}, "orders[0].end_to_end_id"),
        ({"end_to_end_id": "积分-1"}, "orders[0].end_to_end_id"),
        ({"end_to_end_id": "E//1"}, "orders[0].end_to_end_id"),
        ({"currency": "cny"}, "orders[0].currency"),
        ({"creditor_name": "名" * 71}, "orders[0].creditor_name"),
        ({"creditor_name": ""}, "orders[0].creditor_name"),
        ({"creditor_name": " 某某"}, "orders[0].creditor_name"),
        ({"creditor_name": "某\n某"}, "orders[0].creditor_name"),
        ({"creditor_name": "某\x00某"}, "orders[0].creditor_name"),
        ({"creditor_name": "咖啡☕"}, "orders[0].creditor_name"),
        ({"creditor_name": "\ud800"}, "orders[0].creditor_name"),
        ({"creditor_account": ""}, "orders[0].creditor_account"),
        ({"creditor_account": "6" * 35}, "orders[0].creditor_account"),
        ({"creditor_account": "6222 0202"}, "orders[0].creditor_account"),
        ({"creditor_clearing_code": "10229000001"}, "orders[0].creditor_clearing_code"),
        ({"creditor_clearing_code": "1022900000１0"}, "orders[0].creditor_clearing_code"),
        ({"creditor_clearing_code": "BKCHCNBJ"}, "orders[0].creditor_clearing_code"),
        ({"remittance": "积" * 141}, "orders[0].remittance"),
        ({"currency": "THB", "creditor_clearing_code": "BKKBTHBK"}, "orders[0].creditor_name"),
        ({"currency": "THB", "creditor_name": "Siam", "remittance": ""}, "orders[0].creditor_clearing_code"),
    ],
)
def test_what_the_bank_could_not_carry_out_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BankFileInvalid) as caught:
        written(replace(COFFEE, **change))
    assert caught.value.facts["field"] == field
    assert str(caught.value).startswith(f"{field} is ")
    assert isinstance(caught.value, ValueError)


def test_the_longest_of_everything_is_written() -> None:
    longest = replace(
        COFFEE, end_to_end_id="E" * 35, creditor_name="名" * 70, creditor_account="6" * 34, remittance="积" * 140
    )
    assert "名".encode() * 70 in written(longest, message_id="M" * 31)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"clearing_code": "1"}, "debtor.clearing_code"),
        ({"name": ""}, "debtor.name"),
        ({"account": ""}, "debtor.account"),
    ],
)
def test_a_debtor_that_cannot_be_is_refused_by_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(BankFileInvalid) as caught:
        written(COFFEE, debtor=replace(DEBTOR, **change))
    assert caught.value.facts["field"] == field


def test_a_file_without_orders_with_one_twice_or_with_too_long_a_name_is_refused() -> None:
    with pytest.raises(BankFileInvalid, match="orders is none"):
        written()
    with pytest.raises(BankFileInvalid, match="end_to_end_id is 'CITY-20261123-1-7-1' twice"):
        written(COFFEE, replace(COFFEE, amount_minor=1))
    with pytest.raises(BankFileInvalid, match=r"orders is a sum of 10000000000000000\.00; wanted is at most 18 digits"):
        written(replace(COFFEE, amount_minor=10**18 - 1), replace(COFFEE, amount_minor=1, end_to_end_id="E-2"))
    with pytest.raises(BankFileInvalid, match="message_id"):
        written(COFFEE, message_id="M" * 32)


def test_the_schema_finds_what_is_not_valid() -> None:
    broken = written(COFFEE).replace(b"<PmtMtd>TRF</PmtMtd>", b"<PmtMtd>CASH</PmtMtd>")
    with pytest.raises(BankFileInvalid, match="PmtMtd"):
        check_against_schema(broken)


@given(
    st.lists(
        st.tuples(st.integers(1, 10**17), st.text(alphabet="某咖啡店A1&<>\"'·（）", min_size=1, max_size=70)),
        min_size=1,
        max_size=5,
    )
)
def test_whatever_is_not_refused_is_valid_and_says_what_was_ordered(orders: list[tuple[int, str]]) -> None:
    content = written(
        *(
            replace(COFFEE, end_to_end_id=f"E-{n}", amount_minor=a, creditor_name=name)
            for n, (a, name) in enumerate(orders)
        )
    )
    root = ET.fromstring(content)  # noqa: S314 - written here
    found = [
        (int((e.findtext(".//p:InstdAmt", "", NS)).replace(".", "")), e.findtext("p:Cdtr/p:Nm", "", NS))
        for e in root.iterfind(".//p:CdtTrfTxInf", NS)
    ]
    assert found == orders
