"""pain.002: what a bank says about the payments it was asked for, before it pays them."""

from collections.abc import Iterator
from datetime import tzinfo
from typing import Literal

from msgspec import Struct

from ledger.errors import BankFileInvalid
from settlement.bank_files.document import Node
from settlement.bank_files.entries import StatusReason, read_reason
from settlement.bank_files.payment_rules import check_unique


class PaymentStatus(Struct, frozen=True, kw_only=True):
    """What became of one payment, such as ACCP, ACSC, PDNG or RJCT; "" where only its group has a status."""

    end_to_end_id: str
    status: str
    reason: StatusReason | None


class PartStatus(Struct, frozen=True, kw_only=True):
    """What became of one currency's part of the payment file; "" where the bank does not say."""

    part_id: str
    status: str
    reason: StatusReason | None


class PaymentStatusReport(Struct, frozen=True, kw_only=True):
    """A pain.002 about the payment file ``original_message_id``; ``created_at`` in microseconds since 1970 UTC.

    A status of the whole file (``group_status``) or of a part holds for all its payments that are not named.
    """

    kind: Literal["pain.002"] = "pain.002"
    message_id: str
    created_at: int
    original_message_id: str
    group_status: str
    group_reason: StatusReason | None
    parts: tuple[PartStatus, ...]
    payments: tuple[PaymentStatus, ...]


def read_status_report(body: Node, zone: tzinfo) -> PaymentStatusReport:
    """Read a pain.002; raises BankFileInvalid where it is incomplete or names a payment twice."""
    header, group = body.need("GrpHdr"), body.need("OrgnlGrpInfAndSts")
    report = PaymentStatusReport(
        message_id=header.needed_text("MsgId"),
        created_at=header.instant("CreDtTm", zone),
        original_message_id=group.needed_text("OrgnlMsgId"),
        group_status=group.text("GrpSts"),
        group_reason=read_reason(group.find("StsRsnInf")),
        parts=tuple(_part(node) for node in body.each("OrgnlPmtInfAndSts")),
        payments=tuple(_payments(body)),
    )
    if not (report.group_status or any(part.status for part in report.parts) or report.payments):
        raise BankFileInvalid(body.path, "no status", "one of the file, a part or a payment")
    check_unique([payment.end_to_end_id for payment in report.payments], f"{body.path}/../OrgnlEndToEndId")
    return report


def _part(node: Node) -> PartStatus:
    return PartStatus(
        part_id=node.needed_text("OrgnlPmtInfId"),
        status=node.text("PmtInfSts"),
        reason=read_reason(node.find("StsRsnInf")),
    )


def _payments(body: Node) -> Iterator[PaymentStatus]:
    for part in body.each("OrgnlPmtInfAndSts"):
        for node in part.each("TxInfAndSts"):
            yield PaymentStatus(
                end_to_end_id=node.needed_text("OrgnlEndToEndId"),
                status=node.text("TxSts"),
                reason=read_reason(node.find("StsRsnInf")),
            )
