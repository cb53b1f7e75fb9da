"""The chain of a lane: numbers without gaps, times that never go back, hashes that follow from each other."""

from ledger.audit.pages import Entry, Lane
from ledger.audit.report import Findings
from ledger.rules.journal import CHAIN_START, FORMAT, FORMAT_WITH_PARTICULARS, chain_hash, details_commitment
from ledger.rules.seals import SealedLane

_FORMATS = (FORMAT, FORMAT_WITH_PARTICULARS)


class Chain:
    """Follows one lane from its first transaction on, or from the end of what was sealed.

    After a difference it goes on from what is stored, so that one changed row is one difference and
    not all rows after it.
    """

    def __init__(self, lane: int, findings: Findings, sealed: SealedLane | None = None) -> None:
        self.next_sequence = 1 if sealed is None else sealed.last + 1
        self.next_lot = 1 if sealed is None else sealed.next_lot
        self._lane = lane
        self._findings = findings
        self._head = CHAIN_START if sealed is None else bytes.fromhex(sealed.head)
        self._recorded_at: int | None = None

    def follow(self, entry: Entry) -> None:
        """Check one transaction against all before it."""
        transaction, findings = entry.transaction, self._findings
        place = f"transaction {transaction.sequence}"
        if transaction.sequence != self.next_sequence:
            missing = _numbers("transaction", self.next_sequence, transaction.sequence)
            findings.differ(self._lane, missing, "transaction", f"next is {transaction.sequence}", "one row each")
        computed = chain_hash(self._head, transaction)
        if computed != entry.hash:
            findings.differ(self._lane, place, "hash", entry.hash, computed)
        if transaction.format not in _FORMATS:
            findings.differ(self._lane, place, "format", transaction.format, f"one of {_FORMATS}")
        if transaction.format == FORMAT_WITH_PARTICULARS and not entry.has_particulars:
            findings.differ(self._lane, place, "particulars", "no row", "a row")
        if self._recorded_at is not None and transaction.recorded_at < self._recorded_at:
            findings.differ(self._lane, place, "recorded_at", transaction.recorded_at, f"{self._recorded_at} or later")
        lines = list(range(len(transaction.postings)))
        if entry.lines != lines:
            findings.differ(self._lane, place, "lines of postings", entry.lines, lines)
        self._follow_lots(entry, place)
        self._check_details(entry, place)
        self._head = entry.hash
        self._recorded_at = transaction.recorded_at
        self.next_sequence = transaction.sequence + 1

    def _follow_lots(self, entry: Entry, place: str) -> None:
        transaction = entry.transaction
        for row in entry.lots:
            lot = row.opening.lot
            if lot != self.next_lot:
                missing = _numbers("lot", self.next_lot, lot)
                self._findings.differ(self._lane, missing, "lot", f"next is {lot}, of {place}", "one row each")
            self.next_lot = lot + 1
            owner = (transaction.member, transaction.programme)
            found = (row.member, row.programme)
            self._findings.compare(self._lane, f"lot {lot}", "member and programme", found, owner)

    def _check_details(self, entry: Entry, place: str) -> None:
        commitment = entry.transaction.details_commitment
        if entry.details is None:
            self._findings.erased_details += commitment is not None
            return
        computed = details_commitment(*entry.details)
        if computed != commitment:
            self._findings.differ(self._lane, place, "details", computed, commitment)

    def end(self, lane: Lane) -> None:
        """Check that the lane's row is where the journal ends: what was cut off is noticed here."""
        place = "end of the journal"
        findings = self._findings
        last = f"{self.next_sequence - 1}, the last row"
        if lane.next_sequence != self.next_sequence:
            findings.differ(lane.lane, place, "next_sequence of the lane", lane.next_sequence, f"one after {last}")
        if lane.next_lot != self.next_lot:
            last = f"{self.next_lot - 1}, the last row"
            findings.differ(lane.lane, place, "next_lot of the lane", lane.next_lot, f"one after {last}")
        findings.compare(lane.lane, place, "head", lane.head, self._head)
        if self._recorded_at is not None and lane.recorded_at < self._recorded_at:
            findings.differ(lane.lane, place, "recorded_at", lane.recorded_at, f"{self._recorded_at} or later")


def _numbers(what: str, first: int, end: int) -> str:
    """What is missing: one number, or all up to an end."""
    return f"{what} {first}" if end <= first + 1 else f"{what}s {first} to {end - 1}"
