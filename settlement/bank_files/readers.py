"""One door for every file that a bank sends."""

from collections.abc import Callable
from datetime import tzinfo
from zoneinfo import ZoneInfo

from ledger.errors import BankFileInvalid
from settlement.bank_files.document import LARGEST_FILE_BYTES, Node, open_document
from settlement.bank_files.payment_returns import PaymentReturn, read_payment_return
from settlement.bank_files.statements import NotificationFile, StatementFile, read_notifications, read_statements
from settlement.bank_files.status_report import PaymentStatusReport, read_status_report

BankFile = PaymentStatusReport | StatementFile | NotificationFile | PaymentReturn

CHINA = ZoneInfo("Asia/Shanghai")

_READERS: dict[tuple[str, str], Callable[[Node, tzinfo], BankFile]] = {
    ("pain.002", "CstmrPmtStsRpt"): read_status_report,
    ("camt.053", "BkToCstmrStmt"): read_statements,
    ("camt.054", "BkToCstmrDbtCdtNtfctn"): read_notifications,
    ("pacs.004", "PmtRtr"): read_payment_return,
}


def read_bank_file(content: bytes, *, largest_bytes: int = LARGEST_FILE_BYTES, zone: tzinfo = CHINA) -> BankFile:
    """Read a pain.002, camt.053, camt.054 or pacs.004 of any version.

    Times that the bank wrote without offset are its own, in ``zone``. Raises BankFileInvalid that names the
    element for anything else, and for a file that is hostile, broken, cut off, or does not add up.
    """
    kind, body = open_document(content, largest_bytes)
    reader = _READERS.get((kind, body.path.rpartition("/")[2]))
    if reader is None:
        raise BankFileInvalid("the file", f"a {kind} with {body.path}", "a pain.002, camt.053, camt.054 or pacs.004")
    return reader(body, zone)
