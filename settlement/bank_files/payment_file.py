"""The payment file: orders to pay, as a pain.001.001.09 that is valid under its published schema."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path

import xmlschema
from msgspec import Struct
from pyiso20022.pain.pain_001_001_09 import (
    AccountIdentification4Choice,
    ActiveOrHistoricCurrencyAndAmount,
    AmountType4Choice,
    BranchAndFinancialInstitutionIdentification6,
    CashAccount38,
    ChargeBearerType1Code,
    ClearingSystemIdentification2Choice,
    ClearingSystemMemberIdentification2,
    CreditTransferTransaction34,
    CustomerCreditTransferInitiationV09,
    DateAndDateTime2Choice,
    Document,
    FinancialInstitutionIdentification18,
    GenericAccountIdentification1,
    GroupHeader85,
    PartyIdentification135,
    PaymentIdentification6,
    PaymentInstruction30,
    PaymentMethod3Code,
    RemittanceInformation16,
)
from xsdata.formats.dataclass.serializers import XmlSerializer
from xsdata.formats.dataclass.serializers.config import SerializerConfig
from xsdata.models.datatype import XmlDate, XmlDateTime

from ledger.errors import BankFileInvalid
from settlement.bank_files.payment_rules import (
    LONGEST_ID,
    LONGEST_NAME,
    LONGEST_REMITTANCE,
    as_decimal,
    check_account,
    check_amount,
    check_currency,
    check_identifier,
    check_text,
    check_unique,
    clearing_system,
    is_iban,
)

PAYMENT_FILE_TYPE = "pain.001.001.09"

_NAMESPACE = f"urn:iso:std:iso:20022:tech:xsd:{PAYMENT_FILE_TYPE}"
_SCHEMA = Path(__file__).parent / "schemas" / f"{PAYMENT_FILE_TYPE}.xsd"
# A currency's part of the file is named by the message and "-CNY".
_LONGEST_MESSAGE_ID = LONGEST_ID - 4
_DIGITS_OF_A_SUM = 18
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DebtorAccount(Struct, frozen=True):
    """The account that pays: ``clearing_code`` is its bank's CNAPS code, or a BIC where the currency is not CNY."""

    name: str
    account: str
    clearing_code: str
    currency: str


class PaymentOrder(Struct, frozen=True):
    """One payment: ``amount_minor`` in minor units of ``currency``; ``remittance`` is what the creditor reads, or "".

    ``creditor_clearing_code`` is the CNAPS code (12 digits) for CNY; for THB a Thai bank code (3 digits) or a
    BIC; for other currencies a BIC.
    """

    end_to_end_id: str
    amount_minor: int
    currency: str
    creditor_name: str
    creditor_account: str
    creditor_clearing_code: str
    remittance: str = ""


def write_payment_file(
    message_id: str, created_at: int, debtor: DebtorAccount, requested_on: date, orders: Sequence[PaymentOrder]
) -> bytes:
    """Write the orders, in the order given and grouped by currency; the same input gives the same bytes.

    ``created_at`` is an instant in microseconds since 1970 UTC, written in whole seconds; the bank is asked to
    pay on ``requested_on``. Raises BankFileInvalid that names the field for whatever the bank could not carry out.
    """
    _check(message_id, debtor, orders)
    header = GroupHeader85(
        msg_id=message_id,
        cre_dt_tm=XmlDateTime.from_datetime(_EPOCH + timedelta(seconds=created_at // 1_000_000)),
        nb_of_txs=str(len(orders)),
        ctrl_sum=_sum(orders),
        initg_pty=PartyIdentification135(nm=debtor.name),
    )
    instructions = [
        _instruction(message_id, debtor, requested_on, [order for order in orders if order.currency == currency])
        for currency in sorted({order.currency for order in orders})
    ]
    document = Document(cstmr_cdt_trf_initn=CustomerCreditTransferInitiationV09(grp_hdr=header, pmt_inf=instructions))
    text = XmlSerializer(config=SerializerConfig(indent="  ")).render(document, ns_map={None: _NAMESPACE})
    content = text.encode()
    check_against_schema(content)
    return content


def check_against_schema(content: bytes) -> None:
    """Raise BankFileInvalid where the file is not valid under the published schema."""
    for error in _schema().iter_errors(BytesIO(content)):
        got = f"refused by the schema: {error.reason}"
        raise BankFileInvalid(error.path or "the file", got, f"a valid {PAYMENT_FILE_TYPE}")


@cache
def _schema() -> xmlschema.XMLSchema10:
    return xmlschema.XMLSchema10(_SCHEMA, defuse="always")


def _check(message_id: str, debtor: DebtorAccount, orders: Sequence[PaymentOrder]) -> None:
    if not orders:
        raise BankFileInvalid("orders", "none", "at least one")
    check_identifier(message_id, "message_id", _LONGEST_MESSAGE_ID)
    check_currency(debtor.currency, "debtor.currency")
    check_text(debtor.name, "debtor.name", LONGEST_NAME, debtor.currency)
    check_account(debtor.account, "debtor.account")
    for number, order in enumerate(orders):
        _check_order(order, f"orders[{number}]")
    check_unique([order.end_to_end_id for order in orders], "end_to_end_id")
    if len(_sum(orders).as_tuple().digits) > _DIGITS_OF_A_SUM:
        raise BankFileInvalid(
            "orders", f"a sum of {_sum(orders)}", f"at most {_DIGITS_OF_A_SUM} digits, in several files"
        )


def _check_order(order: PaymentOrder, place: str) -> None:
    check_identifier(order.end_to_end_id, f"{place}.end_to_end_id")
    check_currency(order.currency, f"{place}.currency")
    check_amount(order.amount_minor, f"{place}.amount_minor")
    check_text(order.creditor_name, f"{place}.creditor_name", LONGEST_NAME, order.currency)
    check_account(order.creditor_account, f"{place}.creditor_account")
    clearing_system(order.creditor_clearing_code, order.currency, f"{place}.creditor_clearing_code")
    if order.remittance:
        check_text(order.remittance, f"{place}.remittance", LONGEST_REMITTANCE, order.currency)


def _instruction(
    message_id: str, debtor: DebtorAccount, requested_on: date, orders: Sequence[PaymentOrder]
) -> PaymentInstruction30:
    return PaymentInstruction30(
        pmt_inf_id=f"{message_id}-{orders[0].currency}",
        pmt_mtd=PaymentMethod3Code.TRF,
        # Each payment is booked by itself, so that each can be found on the statement.
        btch_bookg=False,
        nb_of_txs=str(len(orders)),
        ctrl_sum=_sum(orders),
        reqd_exctn_dt=DateAndDateTime2Choice(dt=XmlDate.from_date(requested_on)),
        dbtr=PartyIdentification135(nm=debtor.name),
        dbtr_acct=CashAccount38(id=_account(debtor.account), ccy=debtor.currency),
        dbtr_agt=_bank(debtor.clearing_code, debtor.currency, "debtor.clearing_code"),
        # The creditor is owed the whole amount, so the bank's charges are ours.
        chrg_br=ChargeBearerType1Code.DEBT,
        cdt_trf_tx_inf=[_transfer(order) for order in orders],
    )


def _transfer(order: PaymentOrder) -> CreditTransferTransaction34:
    amount = ActiveOrHistoricCurrencyAndAmount(value=as_decimal(order.amount_minor, order.currency), ccy=order.currency)
    return CreditTransferTransaction34(
        pmt_id=PaymentIdentification6(end_to_end_id=order.end_to_end_id),
        amt=AmountType4Choice(instd_amt=amount),
        cdtr_agt=_bank(order.creditor_clearing_code, order.currency, "creditor_clearing_code"),
        cdtr=PartyIdentification135(nm=order.creditor_name),
        cdtr_acct=CashAccount38(id=_account(order.creditor_account)),
        rmt_inf=RemittanceInformation16(ustrd=[order.remittance]) if order.remittance else None,
    )


def _account(account: str) -> AccountIdentification4Choice:
    if is_iban(account):
        return AccountIdentification4Choice(iban=account)
    return AccountIdentification4Choice(othr=GenericAccountIdentification1(id=account))


def _bank(code: str, currency: str, field: str) -> BranchAndFinancialInstitutionIdentification6:
    system = clearing_system(code, currency, field)
    if system is None:
        bank = FinancialInstitutionIdentification18(bicfi=code)
    else:
        of_system = ClearingSystemIdentification2Choice(cd=system)
        member = ClearingSystemMemberIdentification2(clr_sys_id=of_system, mmb_id=code)
        bank = FinancialInstitutionIdentification18(clr_sys_mmb_id=member)
    return BranchAndFinancialInstitutionIdentification6(fin_instn_id=bank)


def _sum(orders: Sequence[PaymentOrder]) -> Decimal:
    return sum((as_decimal(order.amount_minor, order.currency) for order in orders), Decimal(0))
