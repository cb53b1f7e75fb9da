"""pacs.004: payments that come back after they had been paid."""

from datetime import date, tzinfo
from typing import Literal

from msgspec import Struct

from ledger.errors import BankFileInvalid
from ledger.rules.money import from_minor
from settlement.bank_files.document import Node
from settlement.bank_files.entries import StatusReason, read_reason
from settlement.bank_files.payment_rules import check_unique


class ReturnedPayment(Struct, frozen=True, kw_only=True):
    """One payment that comes back: ``amount_minor`` is what comes back, in minor units of ``currency``."""

    return_id: str
    original_end_to_end_id: str
    amount_minor: int
    currency: str
    settled_on: date | None
    reason: StatusReason | None


class PaymentReturn(Struct, frozen=True, kw_only=True):
    """A pacs.004; ``original_message_id`` is the payment file, or "" where the bank does not name it.

    ``created_at`` is in microseconds since 1970 UTC.
    """

    kind: Literal["pacs.004"] = "pacs.004"
    message_id: str
    created_at: int
    original_message_id: str
    payments: tuple[ReturnedPayment, ...]


def read_payment_return(body: Node, zone: tzinfo) -> PaymentReturn:
    """Read a pacs.004; raises BankFileInvalid where it is incomplete or its count or total is not that of its parts."""
    header = body.need("GrpHdr")
    payments = tuple(_payment(node, header) for node in body.each("TxInf"))
    count = header.whole_number("NbOfTxs")
    if count != len(payments) or not payments:
        raise BankFileInvalid(f"{header.path}/NbOfTxs", str(count), f"{max(len(payments), 1)}, the returns in the file")
    check_unique([payment.return_id for payment in payments], f"{body.path}/TxInf/RtrId")
    check_unique([payment.original_end_to_end_id for payment in payments], f"{body.path}/TxInf/OrgnlEndToEndId")
    _check_total(header, payments)
    return PaymentReturn(
        message_id=header.needed_text("MsgId"),
        created_at=header.instant("CreDtTm", zone),
        original_message_id=body.text("OrgnlGrpInf/OrgnlMsgId", "TxInf/OrgnlGrpInf/OrgnlMsgId"),
        payments=payments,
    )


def _payment(node: Node, header: Node) -> ReturnedPayment:
    amount = node.need("RtrdIntrBkSttlmAmt")
    amount_minor, currency = amount.amount()
    if amount_minor == 0:
        raise BankFileInvalid(amount.path, "0", "more than nothing")
    end_to_end_id = node.needed_text("OrgnlEndToEndId")
    return ReturnedPayment(
        return_id=node.text("RtrId") or end_to_end_id,
        original_end_to_end_id=end_to_end_id,
        amount_minor=amount_minor,
        currency=currency,
        settled_on=node.plain_day("IntrBkSttlmDt") or header.plain_day("IntrBkSttlmDt"),
        reason=read_reason(node.find("RtrRsnInf")),
    )


def _check_total(header: Node, payments: tuple[ReturnedPayment, ...]) -> None:
    total = header.find("TtlRtrdIntrBkSttlmAmt")
    if total is None:
        return
    stated_minor, currency = total.amount()
    sum_minor = sum(payment.amount_minor for payment in payments if payment.currency == currency)
    if stated_minor != sum_minor or any(payment.currency != currency for payment in payments):
        wanted = f"{from_minor(sum_minor, currency)}, the sum of the returns, all in one currency"
        raise BankFileInvalid(total.path, f"{from_minor(stated_minor, currency)} {currency}", wanted)
