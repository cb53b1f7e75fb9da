"""Comparing every projection of a lane with its books, row by row: none missing, none too many, all equal."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.audit import queries
from ledger.audit.books import Books
from ledger.audit.crossing import Crossing, counted_of
from ledger.audit.member_rows import compare_members
from ledger.audit.pages import Lane, Rest, hold_rows
from ledger.audit.points import NEVER, Points, TakenBack
from ledger.audit.report import Findings
from ledger.ids import Place
from ledger.rules.accounts import CHART, AccountKind
from ledger.store.arrays import Bigints


class Projections(msgspec.Struct, frozen=True):
    """All projections of a lane as they stand at one moment."""

    member_points: list[TupleRow]
    lots: list[TupleRow]
    shortfalls: list[TupleRow]
    party_balances: list[TupleRow]
    taken_back: list[TupleRow]
    gift_months: list[TupleRow]
    holds: list[TupleRow]
    caps: list[TupleRow]
    members: list[TupleRow]
    lost_names: list[TupleRow]
    beyond: list[TupleRow]
    lots_of_holds: list[TupleRow] = []
    later_returns: list[TupleRow] = []


async def read_projections(connection: AsyncConnection, head: Lane, next_lot: int, books: Books) -> Projections:
    """Read a lane's projections, in the unit of work in which its row was read.

    Of lots and holds, those that are open and those the books have in memory.
    """
    lane = [head.lane]
    beyond = {"lane": head.lane, "end": head.next_sequence, "next_lot": next_lot}
    async with connection.pipeline():
        cursors = [
            await connection.execute(queries.READ_MEMBER_POINTS, lane),
            await connection.execute(queries.READ_OPEN_LOTS, lane),
            await connection.execute(queries.READ_SHORTFALLS, lane),
            await connection.execute(queries.READ_PARTY_BALANCES, lane),
            await connection.execute(queries.READ_TAKEN_BACK, lane),
            await connection.execute(queries.READ_GIFT_MONTHS, lane),
            await connection.execute(queries.READ_OPEN_HOLDS, lane),
            await connection.execute(queries.READ_CAPS, lane),
            await connection.execute(queries.READ_MEMBERS, lane),
            await connection.execute(queries.READ_LOST_NAMES, lane),
            await connection.execute(queries.READ_BEYOND, beyond),
        ]
    projections = Projections(*[await cursor.fetchall() for cursor in cursors])
    more = _Reader(connection, head.lane)
    closed = books.lots.keys() - {row[0] for row in projections.lots}
    projections.lots.extend(await more.read(queries.READ_REST_OF_LOTS, closed))
    ended = books.holds.keys() - {row[0] for row in projections.holds}
    projections.holds.extend(await more.read(queries.READ_REST_OF_HOLDS, ended))
    projections.lots_of_holds.extend(await more.read(queries.READ_LOTS_OF_HOLDS, {row[0] for row in projections.holds}))
    projections.later_returns.extend(await more.read(queries.READ_LATER_RETURNS, _unexplained(projections, books)))
    return projections


class _Reader(msgspec.Struct, frozen=True):
    connection: AsyncConnection
    lane: int

    async def read(self, query: str, numbers: Iterable[int]) -> list[TupleRow]:
        """Read the rows of a lane with some numbers."""
        named = sorted(numbers)
        if not named:
            return []
        cursor = await self.connection.execute(query, [self.lane, Bigints.of(named)])
        return await cursor.fetchall()


def _unexplained(projections: Projections, books: Books) -> set[int]:
    """The originals of which more was taken back than for the member that they name."""
    rows = {row[0]: TakenBack(*row[1:]) for row in projections.taken_back}
    return {sequence for sequence, row in rows.items() if row != books.taken_back.get(sequence)}


def compare_projections(found: Projections, books: Books, head: Lane, findings: Findings, crossing: Crossing) -> None:
    """Compare a lane's projections with its books at the same moment."""
    comparison = _Comparison(books, head, findings)
    comparison.member_points(found.member_points)
    comparison.lots(found.lots)
    comparison.shortfalls(found.shortfalls)
    comparison.party_balances(found.party_balances)
    comparison.taken_back(found.taken_back, found.later_returns, crossing)
    comparison.gift_months(found.gift_months)
    comparison.holds(found.holds, found.lots_of_holds)
    comparison.caps(found.caps)
    compare_members(found.members, found.lost_names, books, findings, crossing)
    comparison.balance(found)
    for what, row, number in found.beyond:
        findings.differ(head.lane, f"{what} {number}", row, "there", "none: the lane has not given out this number")


class _Comparison:
    def __init__(self, books: Books, head: Lane, findings: Findings) -> None:
        self._books = books
        self._head = head
        self._findings = findings

    def _rows(
        self, what: str, found: Mapping[str, object], expected: Mapping[str, object], may_be_missing: object = None
    ) -> None:
        """Compare rows by what they are of; a missing row may stand for one value."""
        lane = self._head.lane
        for place, value in expected.items():
            if place not in found and value != may_be_missing:
                self._findings.differ(lane, place, what, "no row", value)
        for place, value in found.items():
            if place not in expected:
                self._findings.differ(lane, place, what, value, "no row")
            elif value != expected[place]:
                self._findings.differ(lane, place, what, value, expected[place])

    def member_points(self, rows: Iterable[TupleRow]) -> None:
        """Posted, held and owed points; and that no lapse and no pending lot will be overlooked."""
        known = {key: points for key, points in self._books.points.items() if points.has_postings}
        found = {}
        for member, programme, posted, held, shortfall, next_lapse_at, pending_until in rows:
            place = _of_member(member, programme)
            found[place] = (posted, held, shortfall)
            points = known.get((member, programme))
            if points is not None:
                self._instants(place, points, NEVER if next_lapse_at is None else next_lapse_at, pending_until or 0)
        expected = {_of_member(*key): (p.posted, p.held, p.shortfall) for key, p in known.items()}
        self._rows("posted, held and owed points", found, expected)

    def _instants(self, place: str, points: Points, next_lapse_at: int, pending_until: int) -> None:
        lane = self._head.lane
        lapse = min(points.first_lapse_at(), points.first_hold_end_at())
        if next_lapse_at > lapse:
            shown = "never" if next_lapse_at == NEVER else next_lapse_at
            self._findings.differ(lane, place, "next_lapse_at", shown, f"{lapse} or earlier")
        now = self._head.recorded_at
        waiting = [lot.opening.available_from for lot in points.lots.values() if lot.lapses_at > now]
        pending = max(waiting, default=0)
        if pending > now and pending_until < pending:
            self._findings.differ(lane, place, "pending_until", pending_until, f"{pending} or later")

    def lots(self, rows: Iterable[TupleRow]) -> None:
        """What is left of lots; a lot that the books have forgotten is closed and has never expired."""
        books = self._books
        found = {f"lot {row[0]}": Rest(*row[1:]) for row in rows}
        expected = dict.fromkeys(found, Rest(0, 0, 0, 0, is_open=False))
        expected |= {f"lot {number}": lot.rest for number, lot in books.lots.items()}
        self._rows("rest", found, expected)

    def shortfalls(self, rows: Iterable[TupleRow]) -> None:
        """Shortfalls with what is left to repay."""
        found = {f"shortfall of transaction {row[0]}": row[1:] for row in rows}
        expected = {
            f"shortfall of transaction {owed.sequence}": msgspec.structs.astuple(owed)[1:]
            for owed in self._books.shortfalls.values()
        }
        what = "member, programme, lot, funding, terms version, original and remaining points"
        self._rows(what, found, expected)

    def party_balances(self, rows: Iterable[TupleRow]) -> None:
        """Sub-accounts of parties; one that never moved by the sum of a batch may have no row."""
        found = {_account(*row[:3]): row[3] for row in rows}
        expected = {_account(*key): balance for key, balance in self._books.parties.items()}
        self._rows("balance", found, expected, may_be_missing=0)

    def taken_back(self, rows: Iterable[TupleRow], later_returns: Iterable[TupleRow], crossing: Crossing) -> None:
        """What was taken back of each reversed transaction.

        For members that the original's has become it was taken in other lanes, too; which of it had expired
        is compared when all lanes have been walked.
        """
        own = self._books.taken_back
        taken = {sequence: (t.points, t.spend_minor, t.expired_counted) for sequence, t in own.items()}
        returns: dict[int, list[Place]] = {}
        for sequence, lane, number, points, spend_minor in later_returns:
            returns.setdefault(sequence, []).append(Place(lane, number))
            before = taken.get(sequence, (0, 0, 0))
            taken[sequence] = (before[0] + points, before[1] + spend_minor, 0)
        found = {}
        for sequence, points, spend_minor, expired_counted in rows:
            found[_taken(sequence)] = (points, spend_minor, 0 if sequence in returns else expired_counted)
            if sequence in returns:
                counted = counted_of(own.get(sequence, TakenBack()), expired_counted, returns[sequence])
                crossing.note_counted(Place(self._head.lane, sequence), counted)
        expected = {_taken(sequence): amounts for sequence, amounts in taken.items()}
        self._rows("points, spend and expired points", found, expected)

    def gift_months(self, rows: Iterable[TupleRow]) -> None:
        """What members gave and received in each month."""
        found = {_gifts(*row[:3]): list(row[3:]) for row in rows}
        expected = {_gifts(*key): amounts for key, amounts in self._books.gift_months.items()}
        self._rows("points given and received", found, expected)

    def holds(self, rows: list[TupleRow], lots: list[TupleRow]) -> None:
        """Holds with what is left of them and of each of their lots."""
        found = {f"hold {row.sequence}": row for row in hold_rows(rows, lots)}
        expected = {f"hold {number}": hold.rest for number, hold in self._books.holds.items()}
        self._rows("hold", found, expected)

    def caps(self, rows: Iterable[TupleRow]) -> None:
        """A cap that was swept stays so until it is granted more, and has no allotments meanwhile."""
        for cap, is_swept, allotted in rows:
            if self._books.swept.get(cap) and not is_swept:
                self._findings.differ(self._head.lane, f"cap {cap}", "is swept", is_swept, expected=True)
            if is_swept:
                self._findings.compare(self._head.lane, f"cap {cap}", "points in allotments", allotted, 0)

    def balance(self, found: Projections) -> None:
        """In each programme the accounts of a lane sum to zero, debits against credits."""
        sums: dict[int, int] = {}
        for _, programme, posted, held, shortfall, _, _ in found.member_points:
            sums[programme] = sums.get(programme, 0) + posted + held - shortfall
        for kind, _, programme, balance in found.party_balances:
            rule = CHART.get(kind)
            if rule is not None:
                credit = balance if rule.normal_side == "credit" else -balance
                sums[programme] = sums.get(programme, 0) + credit
        for programme, credit in sums.items():
            self._findings.compare(self._head.lane, f"programme {programme}", "sum over all accounts", credit, 0)


def _of_member(member: int, programme: int) -> str:
    return f"member {member} in programme {programme}"


def _taken(sequence: int) -> str:
    return f"taken back of transaction {sequence}"


def _gifts(member: int, programme: int, month: date) -> str:
    return f"gifts of member {member} in programme {programme} from {month}"


def _account(kind: int, owner: int, programme: int) -> str:
    name = AccountKind(kind).name.lower() if kind in CHART else f"kind {kind}"
    return f"account {name} of {owner} in programme {programme}"
