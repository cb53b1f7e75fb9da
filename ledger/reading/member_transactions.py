"""A member's transactions in one programme, newest first, of all scenes or of some: what the citizen portal shows.

Like the statement, without the running balance, which lines that are left out would break: each transaction tells
what was available after it.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.ids import LedgerKey, Place
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views, reversals_of
from ledger.rules.programmes import Programme, Registry
from ledger.store.member_selves import read_places
from ledger.store.members import Member

# Moves from lane to lane and notices are no lines of a statement. What takes something back is of its original's scene.
_READ_PLACES = """
select t.sequence, coalesce(t.scene, original.scene) as scene
from transactions t
left join transactions original
  on t.kind = 3 and original.lane = t.reverses_lane and original.sequence = t.reverses_sequence
where t.lane = %(lane)s and t.member = %(member)s and t.programme = %(programme)s
  and t.sequence < %(before)s and t.kind not in (11, 17)
  and (%(all_scenes)s or coalesce(t.scene, original.scene) = any(%(scenes)s))
order by t.sequence desc limit %(limit)s
"""

_FROM_THE_NEWEST = (1 << 63) - 1


class MemberTransaction(msgspec.Struct, frozen=True):
    """A transaction of a member's, its scene or its original's, and the ids of what reverses it."""

    view: TransactionView
    scene: str | None
    reversed_by: tuple[str, ...]


class MemberTransactionsPage(msgspec.Struct, frozen=True):
    """Some transactions, newest first, and the cursor of the next page where there is one."""

    transactions: tuple[MemberTransaction, ...]
    next_cursor: str | None


async def read_member_transactions(
    connection: AsyncConnection,
    key: LedgerKey,
    registry: Registry,
    member: Member,
    programme: Programme,
    *,
    scenes: Sequence[str] = (),
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> MemberTransactionsPage:
    """Read a page of a member's transactions in some scenes, in all where none is named.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    refuse_limit(limit)
    paged = PagedList("member-transactions", (member.lane, member.number, programme.number, *scenes))
    position: Position = (0, _FROM_THE_NEWEST) if cursor is None else read_cursor(key, paged, cursor)
    found = await _find_places(connection, member, programme, scenes, position, limit + 1)
    shown = [place for _, place, _ in found[:limit]]
    views = await read_views(connection, registry, shown)
    reversals = await reversals_of(connection, shown)
    next_cursor = None
    if len(found) > limit:
        last_step, last, _ = found[limit - 1]
        next_cursor = write_cursor(key, paged, (last_step, last.number))
    return MemberTransactionsPage(
        tuple(MemberTransaction(views[place], scene, reversals.get(place, ())) for _, place, scene in found[:limit]),
        next_cursor,
    )


async def _find_places(
    connection: AsyncConnection,
    member: Member,
    programme: Programme,
    scenes: Sequence[str],
    position: Position,
    limit: int,
) -> list[tuple[int, Place, str | None]]:
    """Where the next transactions are, with their scenes, step by step through the lanes where the member was."""
    step, before = int(position[0]), int(position[1])
    found: list[tuple[int, Place, str | None]] = []
    for number, place in list(enumerate(await read_places(connection, member)))[step:]:
        parameters = {
            "lane": place.lane,
            "member": place.number,
            "programme": programme.number,
            "before": before,
            "all_scenes": not scenes,
            "scenes": list(scenes),
            "limit": limit - len(found),
        }
        rows = await (await connection.execute(_READ_PLACES, parameters)).fetchall()
        found += [(number, Place(place.lane, sequence), scene) for sequence, scene in rows]
        before = _FROM_THE_NEWEST
        if len(found) >= limit:
            break
    return found
