"""Walking a lane's journal: every page is checked, then moves the books along."""

from collections.abc import Awaitable, Callable, Iterable

from psycopg import AsyncConnection

from ledger.audit.books import Books
from ledger.audit.case import Case
from ledger.audit.chain import Chain
from ledger.audit.keys import CommandKeys
from ledger.audit.kinds import check_kind
from ledger.audit.pages import Entry, Original, Page, read_lots, read_originals, read_page
from ledger.audit.report import Findings
from ledger.audit.set_up import SetUp

AfterPage = Callable[[int], Awaitable[None]]


class Walk:
    """One lane from its first transaction on; ``position`` is the sequence up to which it has come."""

    def __init__(self, connection: AsyncConnection, lane: int, set_up: SetUp, findings: Findings) -> None:
        self.books = Books(lane, findings)
        self.chain = Chain(lane, findings)
        self.keys = CommandKeys(lane, findings)
        self.position = 0
        self._connection = connection
        self._lane = lane
        self._set_up = set_up
        self._findings = findings

    async def follow(self, end: int, after_page: AfterPage | None = None) -> None:
        """Walk up to, not including, a sequence; afterwards the books stand as they stood there."""
        await self._set_up.refresh(self._connection)
        while self.position < end:
            page = await read_page(self._connection, self._lane, self.position, end, self.chain.next_lot)
            originals = await self._read_named(page)
            self._name_strays(page)
            for entry in page.entries:
                self._take(entry, originals)
            self.books.forget_closed()
            self._findings.transactions += len(page.entries)
            self.position = page.end
            if after_page is not None:
                await after_page(page.end)

    async def _read_named(self, page: Page) -> dict[int, Original]:
        """Read what a page's transactions name: originals, and lots that were forgotten."""
        named = set(_originals_named(page, self._lane))
        originals = await read_originals(self._connection, self._lane, sorted(named)) if named else {}
        lots = set(_lots_named(page, originals.values()))
        lots = {lot for lot in lots if 0 < lot < self.chain.next_lot and lot not in self.books.lots}
        if lots:
            for row in await read_lots(self._connection, self._lane, sorted(lots)):
                self.books.keep(row, self._set_up.zone_of(row.programme))
        return originals

    def _name_strays(self, page: Page) -> None:
        for what, sequence in page.strays:
            self._findings.differ(
                self._lane, f"transaction {sequence}", f"{what} of a transaction", what, "none: it is not there"
            )

    def _take(self, entry: Entry, originals: dict[int, Original]) -> None:
        transaction = entry.transaction
        self.chain.follow(entry)
        self.keys.follow(entry)
        programme = self._set_up.programmes.get(transaction.programme)
        if programme is None:
            place = f"transaction {transaction.sequence}"
            self._findings.differ(self._lane, place, "programme", transaction.programme, "one of the set-up")
        else:
            original = None
            if transaction.reverses_sequence is not None and transaction.reverses_lane == self._lane:
                original = originals.get(transaction.reverses_sequence)
            check_kind(Case(transaction, programme, self.books, self._set_up, self._findings, original))
        for row in entry.lots:
            self.books.keep(row, self._set_up.zone_of(row.programme))
        self.books.apply(transaction)


def _originals_named(page: Page, lane: int) -> Iterable[int]:
    for entry in page.entries:
        transaction = entry.transaction
        if transaction.reverses_sequence is not None and transaction.reverses_lane == lane:
            yield transaction.reverses_sequence


def _lots_named(page: Page, originals: Iterable[Original]) -> Iterable[int]:
    for entry in page.entries:
        for posting in entry.transaction.postings:
            if posting.lot is not None:
                yield posting.lot
        for opening in entry.transaction.lots:
            if opening.restored_from is not None:
                yield opening.restored_from
    for original in originals:
        for lot, _ in original.uses:
            yield lot
