"""Comparing the rows of members with what the journal says of them: status, place, names."""

from collections.abc import Iterable
from uuid import UUID

import msgspec
from psycopg.rows import TupleRow

from ledger.audit.books import Books
from ledger.audit.crossing import Crossing, Names
from ledger.audit.membership import ACTIVE, CLOSED, FROZEN, MOVED, Membership
from ledger.audit.report import Findings
from ledger.ids import Place, place_of

_ACTIVE = Membership()


class MemberRow(msgspec.Struct, frozen=True):
    """A member's row, with how many names and how many ids lead to it."""

    member: int
    public_id: UUID
    status: str
    into_lane: int | None
    into_member: int | None
    names: int
    ids: int


def compare_members(
    rows: Iterable[TupleRow], lost_names: Iterable[TupleRow], books: Books, findings: Findings, crossing: Crossing
) -> None:
    """Whoever has points is a member of the lane; each is what the journal says, and names lead to it."""
    known = set()
    for row in rows:
        found = MemberRow(*row)
        known.add(found.member)
        _compare_member(found, books, findings, crossing)
    told_of = {member for member, _ in books.points if member} | books.members.keys()
    for member in sorted(told_of - known):
        findings.differ(books.lane, f"member {member}", "member", "no row", "a member of the lane")
    for digest, member in lost_names:
        findings.differ(books.lane, f"name {digest.hex()}", "member", member, "a member of the lane")
    for (member, programme), points in books.points.items():
        left = (points.posted, points.held, points.shortfall)
        if left != (0, 0, 0) and books.members.get(member, _ACTIVE).into is not None:
            place = f"member {member} in programme {programme}"
            findings.differ(books.lane, place, "points that a member left behind", left, (0, 0, 0))


def _compare_member(found: MemberRow, books: Books, findings: Findings, crossing: Crossing) -> None:
    lane, place = books.lane, f"member {found.member}"
    member = books.members.get(found.member, _ACTIVE)
    if member.status is not None:
        findings.compare(lane, place, "status", found.status, member.status)
    elif found.status not in (ACTIVE, FROZEN, CLOSED):
        findings.differ(lane, place, "status", found.status, f"{ACTIVE}, {FROZEN} or {CLOSED}")
    into = (None, None) if member.into is None else tuple(member.into)
    findings.compare(lane, place, "what it has become", (found.into_lane, found.into_member), into)
    if member.into is None:
        names = Names(found.ids, member.born, tuple(member.arrivals))
        crossing.note_names(Place(lane, found.member), names, findings)
    else:
        findings.compare(lane, place, "names", found.names, 0)
    if member.came_from is None:
        at = place_of(found.public_id)
        findings.compare(lane, place, "place in the public id", at, Place(lane, found.member))
    else:
        came_as = found.status if member.status is None else member.came_as
        crossing.note_came(member.came_from, came_as, str(found.public_id))
    if member.left_to is not None:
        crossing.note_brought(member.left_to, Names(0, member.born, tuple(member.arrivals)))
        if member.status == MOVED:
            crossing.note_left(member.left_to, member.left_as, str(found.public_id))
