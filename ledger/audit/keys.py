"""Keys: every command has exactly one row, and every row leads to its command or holds an answer."""

from collections.abc import Awaitable, Callable

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.audit import queries
from ledger.audit.books import particulars_of
from ledger.audit.caps import is_grant
from ledger.audit.pages import Entry, KeyRow
from ledger.audit.report import Findings
from ledger.rules.journal import Transaction, TransactionKind

PAGE_KEYS = 5_000

_OF_CAPS = frozenset({TransactionKind.CAP, TransactionKind.COVER_LOW})
_OF_TWO_LEGS = frozenset({TransactionKind.GIFT, TransactionKind.EXCHANGE})
_SHARE_KEYS = _OF_CAPS | _OF_TWO_LEGS | frozenset({TransactionKind.MERGE, TransactionKind.MOVE})
DIGEST_BYTES = 32


class CommandKeys:
    """Checks the keys of one lane's transactions; those of one command follow each other.

    The key leads to the command's own transactions, of which the first is its row's place. What a command
    writes beside them has its key digest, too: the other legs of a gift, exchange, merge or move, and what it moves of
    caps. Of these the row, wherever it leads, must be of the same request.
    """

    def __init__(self, lane: int, findings: Findings) -> None:
        self._lane = lane
        self._findings = findings
        self._last: Transaction | None = None
        self._first: Transaction | None = None
        self._row = KeyRow(None, None, None, None)
        self._transactions = 0

    def follow(self, entry: Entry) -> None:
        """Take the next transaction."""
        transaction = entry.transaction
        if self._last is None or self._last.key_digest != transaction.key_digest:
            self.end()
        elif self._last.request_digest != transaction.request_digest:
            self._differ(transaction, "request digest", transaction.request_digest, self._last.request_digest)
        self._last = transaction
        if transaction.kind in _SHARE_KEYS and not keeps_key(transaction):
            self._check_beside(transaction, entry.key)
            return
        if self._first is None:
            self._first, self._row = transaction, entry.key
        self._transactions += 1

    def _check_beside(self, transaction: Transaction, row: KeyRow) -> None:
        """The row of a command is there, and of this request; a sweep of a cap is the ledger's own and has none."""
        if transaction.kind in _OF_CAPS and row.request_digest is None:
            return
        if row.sequence is None or row.request_digest != transaction.request_digest:
            expected = f"a row of request {transaction.request_digest.hex()}"
            self._differ(transaction, "key", _row_text(row), expected)

    def end(self) -> None:
        """Check the row of the command whose transactions have all been seen."""
        first = self._first
        if first is not None:
            expected = KeyRow(self._lane, first.sequence, self._transactions, first.request_digest)
            if self._row != expected:
                place = f"key {first.key_digest.hex()} of transaction {first.sequence}"
                self._findings.differ(self._lane, place, "key", _row_text(self._row), _row_text(expected))
        self._first = self._last = None
        self._transactions = 0

    def _differ(self, transaction: Transaction, what: str, found: object, expected: object) -> None:
        self._findings.differ(self._lane, f"transaction {transaction.sequence}", what, found, expected)


def keeps_key(transaction: Transaction) -> bool:
    """Whether a key leads to a transaction: not to a second leg, and not to what a command moves of caps."""
    kind = transaction.kind
    if kind in _OF_CAPS:
        return is_grant(transaction.postings)
    if kind in _OF_TWO_LEGS:
        return not transaction.lots
    return kind not in _SHARE_KEYS or particulars_of(transaction).into is not None


def _row_text(row: KeyRow) -> str:
    if row.sequence is None:
        return "no row with a place"
    request = "nothing" if row.request_digest is None else row.request_digest.hex()
    return f"lane {row.lane}, sequence {row.sequence}, {row.transactions} transactions, request {request}"


async def check_keys(
    connection: AsyncConnection,
    findings: Findings,
    share: int,
    shares: int,
    rest: Callable[[], Awaitable[None]],
) -> None:
    """Check one share of all rows of keys, by digest; row and transaction are read at one moment."""
    first = _bound(share, shares)
    # A digest longer than any: the last share has no upper end.
    last = _bound(share + 1, shares) if share + 1 < shares else b"\xff" * (DIGEST_BYTES + 1)
    while True:
        cursor = await connection.execute(queries.READ_KEYS, [first, last, PAGE_KEYS])
        rows = await cursor.fetchall()
        for row in rows:
            _check_row(row, findings)
        findings.keys += len(rows)
        if len(rows) < PAGE_KEYS:
            return
        first = rows[-1][0]
        await rest()


def _bound(share: int, shares: int) -> bytes:
    """What lies just below a share's first digest: shorter, so that no digest falls between two shares."""
    return b"" if share == 0 else (share * (1 << 16) // shares).to_bytes(2, "big")


def _check_row(row: TupleRow, findings: Findings) -> None:
    digest, request_digest, lane, sequence, transactions, answer, found_key, found_request = row
    place = f"key {digest.hex()}"
    if sequence is None:
        if lane is not None or transactions != 0:
            findings.differ(lane, place, "place of a refusal", f"lane {lane}, {transactions} transactions", "none")
        if not _is_answer(answer):
            findings.differ(lane, place, "answer of a refusal", answer, "a JSON object")
        return
    if answer is not None:
        findings.differ(lane, place, "answer beside a place", answer, None)
    if found_key is None:
        findings.differ(lane, place, "place", f"sequence {sequence}, where nothing is", "a transaction of this key")
    elif (found_key, found_request) != (digest, request_digest):
        findings.differ(
            lane,
            place,
            "place",
            f"sequence {sequence} of key {found_key.hex()}, request {found_request.hex()}",
            f"a transaction of this key, request {request_digest.hex()}",
        )


def _is_answer(answer: bytes | None) -> bool:
    try:
        return isinstance(msgspec.json.decode(answer or b""), dict)
    except msgspec.DecodeError:
        return False
