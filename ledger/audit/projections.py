"""Comparing every projection of a lane with its books, row by row: none missing, none too many, all equal."""

from collections.abc import Iterable, Mapping

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.audit import queries
from ledger.audit.books import NEVER, Books, Points
from ledger.audit.pages import Lane, Rest
from ledger.audit.report import Findings
from ledger.ids import Place, place_of
from ledger.rules.accounts import CHART, AccountKind
from ledger.store.arrays import Bigints


class Projections(msgspec.Struct, frozen=True):
    """All projections of a lane as they stand at one moment."""

    member_points: list[TupleRow]
    lots: list[TupleRow]
    shortfalls: list[TupleRow]
    party_balances: list[TupleRow]
    taken_back: list[TupleRow]
    members: list[TupleRow]
    lost_names: list[TupleRow]
    beyond: list[TupleRow]


async def read_projections(connection: AsyncConnection, head: Lane, next_lot: int, books: Books) -> Projections:
    """Read a lane's projections, in the unit of work in which its row was read.

    Of lots, those that are open and those the books have in memory.
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
            await connection.execute(queries.READ_MEMBERS, lane),
            await connection.execute(queries.READ_LOST_NAMES, lane),
            await connection.execute(queries.READ_BEYOND, beyond),
        ]
    projections = Projections(*[await cursor.fetchall() for cursor in cursors])
    closed = sorted(books.lots.keys() - {row[0] for row in projections.lots})
    if closed:
        cursor = await connection.execute(queries.READ_REST_OF_LOTS, [head.lane, Bigints.of(closed)])
        projections.lots.extend(await cursor.fetchall())
    return projections


def compare_projections(found: Projections, books: Books, head: Lane, findings: Findings) -> None:
    """Compare a lane's projections with its books at the same moment."""
    comparison = _Comparison(books, head, findings)
    comparison.member_points(found.member_points)
    comparison.lots(found.lots)
    comparison.shortfalls(found.shortfalls)
    comparison.party_balances(found.party_balances)
    comparison.taken_back(found.taken_back)
    comparison.members(found.members, found.lost_names)
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
        lapse = points.first_lapse_at()
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

    def taken_back(self, rows: Iterable[TupleRow]) -> None:
        """What was taken back of each reversed transaction."""
        found = {f"taken back of transaction {row[0]}": row[1:] for row in rows}
        expected = {
            f"taken back of transaction {sequence}": msgspec.structs.astuple(taken)
            for sequence, taken in self._books.taken_back.items()
        }
        self._rows("points, spend and expired points", found, expected)

    def members(self, rows: Iterable[TupleRow], lost_names: Iterable[TupleRow]) -> None:
        """Whoever has points is a member of the lane, and every member has one id that leads to it."""
        lane = self._head.lane
        known = set()
        for member, public_id, ids in rows:
            known.add(member)
            place = f"member {member}"
            self._findings.compare(lane, place, "place in the public id", place_of(public_id), Place(lane, member))
            self._findings.compare(lane, place, "names of kind id", ids, 1)
        for member in sorted({member for member, _ in self._books.points} - known):
            self._findings.differ(lane, f"member {member}", "member", "no row", "a member of the lane")
        for digest, member in lost_names:
            self._findings.differ(lane, f"name {digest.hex()}", "member", member, "a member of the lane")

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


def _account(kind: int, owner: int, programme: int) -> str:
    name = AccountKind(kind).name.lower() if kind in CHART else f"kind {kind}"
    return f"account {name} of {owner} in programme {programme}"
