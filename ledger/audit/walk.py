"""Walking a lane's journal: every page is checked, then moves the books along."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from psycopg import AsyncConnection

from ledger.audit.books import Books, particulars_of
from ledger.audit.case import Case
from ledger.audit.chain import Chain
from ledger.audit.crossing import Crossing
from ledger.audit.keys import CommandKeys
from ledger.audit.kinds import OF_NO_PROGRAMME, check_kind
from ledger.audit.named import (
    LaterReturn,
    Named,
    Original,
    read_approvals,
    read_later_return,
    read_lots,
    read_originals,
    read_public_ids,
)
from ledger.audit.pages import Entry, Page, read_page
from ledger.audit.report import Findings
from ledger.audit.set_up import NO_PROGRAMME, SetUp
from ledger.ids import Place
from ledger.rules.journal import FORMAT, TransactionKind

AfterPage = Callable[[int], Awaitable[None]]


class Walk:
    """One lane from its first transaction on; ``position`` is the sequence up to which it has come."""

    def __init__(
        self, connection: AsyncConnection, lane: int, set_up: SetUp, findings: Findings, crossing: Crossing
    ) -> None:
        self.books = Books(lane, findings)
        self.chain = Chain(lane, findings)
        self.keys = CommandKeys(lane, findings)
        self.position = 0
        self._connection = connection
        self._lane = lane
        self._set_up = set_up
        self._findings = findings
        self._crossing = crossing

    async def follow(self, end: int, after_page: AfterPage | None = None) -> None:
        """Walk up to, not including, a sequence; afterwards the books stand as they stood there."""
        await self._set_up.refresh(self._connection)
        while self.position < end:
            page = await read_page(self._connection, self._lane, self.position, end, self.chain.next_lot)
            named = await self._read_named(page)
            self._name_strays(page)
            for entry in page.entries:
                self._take(entry, named)
            self.books.forget_closed()
            self._findings.transactions += len(page.entries)
            self.position = page.end
            if after_page is not None:
                await after_page(page.end)

    def end(self) -> None:
        """Check what must be complete once the journal is at its end."""
        self.keys.end()
        given_up = self.books.giving_up
        if given_up is not None:
            place = f"transaction {given_up.sequence}"
            self._findings.differ(self._lane, place, "expiry", "before its time", "the member closes at once")

    async def _read_named(self, page: Page) -> Named:
        """Read what a page's transactions name: originals, members' ids, approvals, and lots that were forgotten."""
        originals: dict[Place, Original] = {}
        for lane, sequences in _originals_named(page).items():
            originals |= await read_originals(self._connection, lane, sorted(sequences))
        lots = set(_lots_named(page, self._lane, originals.values()))
        lots = {lot for lot in lots if 0 < lot < self.chain.next_lot and lot not in self.books.lots}
        if lots:
            for row in await read_lots(self._connection, self._lane, sorted(lots)):
                self.books.keep(row, self._set_up.zone_of(row.programme))
        later_returns = await self._read_later_returns(page, originals)
        noticed = {e.transaction.member for e in page.entries if e.transaction.kind == TransactionKind.NOTICE}
        approvals = {particulars_of(entry.transaction).approval for entry in page.entries} - {None}
        return Named(
            originals,
            later_returns,
            await read_public_ids(self._connection, self._lane, sorted(noticed)) if noticed else {},
            await read_approvals(self._connection, [approval for approval in approvals if approval is not None]),
        )

    async def _read_later_returns(self, page: Page, originals: dict[Place, Original]) -> dict[int, LaterReturn]:
        """Read what reversals rest on whose originals are of another member."""
        later_returns: dict[int, LaterReturn] = {}
        if not originals:
            return later_returns
        for entry in page.entries:
            transaction = entry.transaction
            place = Place(transaction.reverses_lane or 0, transaction.reverses_sequence or 0)
            original = originals.get(place)
            if original is None or (original.lane, original.member) == (self._lane, transaction.member):
                continue
            found = await read_later_return(self._connection, transaction, original)
            if found is not None:
                later_returns[transaction.sequence] = found
        return later_returns

    def _name_strays(self, page: Page) -> None:
        for what, sequence in page.strays:
            place, expected = f"transaction {sequence}", "none: no transaction has it"
            self._findings.differ(self._lane, place, f"{what} of a transaction", what, expected)

    def _take(self, entry: Entry, named: Named) -> None:
        transaction, books = entry.transaction, self.books
        points = books.points[transaction.member, transaction.programme]
        self.chain.follow(entry)
        self.keys.follow(entry)
        programme = self._set_up.programmes.get(transaction.programme)
        if transaction.programme == 0 and transaction.kind in OF_NO_PROGRAMME:
            programme = NO_PROGRAMME
        if programme is None:
            place = f"transaction {transaction.sequence}"
            self._findings.differ(self._lane, place, "programme", transaction.programme, "one of the set-up")
        else:
            case = Case(transaction, programme, points, books, self._set_up, self._findings, named, self._crossing)
            check_kind(case)
        for row in entry.lots:
            books.keep(row, self._set_up.zone_of(row.programme))
        if transaction.format != FORMAT:
            books.open_hold(transaction, entry.hold)
        books.apply(transaction, points)


def _originals_named(page: Page) -> dict[int, set[int]]:
    """The transactions that reversals name, by lane."""
    named: defaultdict[int, set[int]] = defaultdict(set)
    for entry in page.entries:
        transaction = entry.transaction
        if transaction.reverses_sequence is not None and transaction.reverses_lane is not None:
            named[transaction.reverses_lane].add(transaction.reverses_sequence)
    return named


def _lots_named(page: Page, lane: int, originals: Iterable[Original]) -> Iterable[int]:
    for entry in page.entries:
        for posting in entry.transaction.postings:
            if posting.lot is not None:
                yield posting.lot
            if posting.counter_lot is not None:
                yield posting.counter_lot
        for opening in entry.transaction.lots:
            if opening.restored_from is not None:
                yield opening.restored_from
    for original in originals:
        if original.lane == lane:
            for lot, _ in original.uses:
                yield lot
