"""The statement: a member's transactions in one programme, newest first, with the running balance.

The running balance is that of the member's available account: each line's is the one before it plus what
the line moved there. A hold so takes its points from it, and a void or the end of its time gives them back;
a capture leaves it as it is, but for what it releases. It has available and pending points, and those that
lapsed until that is posted; ``lapsing`` says how many those are now. ``releasing`` are points of holds whose
time is over, until that is posted, less what they will repay and what lapses with them:
available + pending = balance of the newest line - lapsing + releasing.

What concerns the member as a whole, and notices of expiry, move no points and are no lines. A move to another
lane is none either: the statement goes on, without a seam, with what was posted in the lane before.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.ids import LedgerKey, Place
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, Position, read_cursor, refuse_limit, write_cursor
from ledger.reading.due_holds import due_lots
from ledger.reading.explanations import explain
from ledger.reading.lane_time import read_lane_time
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import read_views, reversals_of
from ledger.rules.business_day import civil_day, to_datetime
from ledger.rules.programmes import Programme, Registry
from ledger.store.member_selves import read_places
from ledger.store.members import Member

# Places of a page's transactions, what is posted on the member's available account, how much of that is in lots
# whose last day is over, and what due holds release into others: one snapshot, so that they belong together.
_READ_PAGE = f"""
select t.sequence, p.posted,
       (select coalesce(sum(l.remaining), 0)::bigint from lots l
        where l.lane = p.lane and l.member = p.member and l.programme = p.programme and l.is_open
          and l.expires_on < %(today)b),
       (select coalesce(sum(due.kept), 0)::bigint from ({due_lots("%(now)b")}) due
        where due.expires_on >= %(today)b or due.expires_on is null)
from member_points p
left join lateral (
    select t.sequence from transactions t
    where t.lane = p.lane and t.member = p.member and t.programme = p.programme
      and t.sequence < %(before)b and t.kind not in (11, 17)
    order by t.sequence desc limit %(limit)b
) t on true
where p.lane = %(lane)b and p.member = %(member)b and p.programme = %(programme)b
order by t.sequence desc
"""

_FROM_THE_NEWEST = (1 << 63) - 1


class StatementLine(msgspec.Struct, frozen=True, kw_only=True):
    """One transaction as its member sees it; instants are microseconds since 1970 UTC.

    ``points`` and ``held_points`` are signed: what it added to the member's available account, and to
    what is held. ``balance_after`` is the running balance; ``available_after``, ``pending_after`` and
    ``held_after`` are what could be used, could not be used yet, and was held at that moment. ``hold`` is
    the id of the hold that it captures or ends.
    """

    transaction_id: str
    kind: str
    points: int
    held_points: int
    balance_after: int
    available_after: int
    pending_after: int
    held_after: int
    partner: str | None
    scene: str | None
    occurred_at: int
    recorded_at: int
    explanation: str
    hold: str | None
    reverses: str | None
    reversed_by: tuple[str, ...]


class StatementPage(msgspec.Struct, frozen=True):
    """Lines, newest first; ``lapsing`` and ``releasing`` is what time has ended and no line tells yet."""

    lines: tuple[StatementLine, ...]
    lapsing: int
    releasing: int
    next_cursor: str | None


async def read_statement(
    connection: AsyncConnection,
    key: LedgerKey,
    registry: Registry,
    member: Member,
    programme: Programme,
    *,
    cursor: str | None = None,
    limit: int = DEFAULT_LIMIT,
) -> StatementPage:
    """Read a page of a member's statement.

    Raises MalformedCursor, and MalformedRequest for a limit that is not 1 to 200.
    """
    refuse_limit(limit)
    paged = PagedList("statement", (member.lane, member.number, programme.number))
    position: Position = (0, _FROM_THE_NEWEST) if cursor is None else read_cursor(key, paged, cursor)
    step, before = int(position[0]), int(position[1])
    places: list[tuple[int, Place]] = []
    posted, lapsing, releasing = (0, 0, 0) if step == 0 else await _read_figures(connection, member, programme)
    for number, place in list(enumerate(await read_places(connection, member)))[step:]:
        rows = await _read_page(connection, place, programme, before, limit + 1 - len(places))
        if number == 0 and rows:
            # Of the same moment as the lines.
            _, posted, lapsing, releasing = rows[0]
        places += [(number, Place(place.lane, row[0])) for row in rows if row[0] is not None]
        before = _FROM_THE_NEWEST
        if len(places) > limit:
            break
    # A later page goes on from the balance where the page before ended: newer transactions may have come since.
    balance = posted if cursor is None else int(position[2])
    shown = places[:limit]
    lines, balance_before = await _lines(connection, registry, [place for _, place in shown], balance)
    next_cursor = None
    if len(places) > limit:
        last_step, last = shown[-1]
        next_cursor = write_cursor(key, paged, (last_step, last.number, balance_before))
    return StatementPage(lines, lapsing, releasing, next_cursor)


async def _read_figures(connection: AsyncConnection, member: Member, programme: Programme) -> tuple[int, int, int]:
    """What is posted, and what of it time has ended, where the member is now."""
    rows = await _read_page(connection, member, programme, _FROM_THE_NEWEST, 1)
    return (rows[0][1], rows[0][2], rows[0][3]) if rows else (0, 0, 0)


async def _read_page(
    connection: AsyncConnection, place: Member, programme: Programme, before: int, limit: int
) -> list[TupleRow]:
    now = await read_lane_time(connection, place.lane)
    parameters = {
        "now": to_datetime(now),
        "today": civil_day(now, programme.zone),
        "lane": place.lane,
        "member": place.number,
        "programme": programme.number,
        "before": before,
        "limit": limit,
    }
    found = await connection.execute(_READ_PAGE, parameters)
    return await found.fetchall()


async def _lines(
    connection: AsyncConnection, registry: Registry, places: Sequence[Place], balance: int
) -> tuple[tuple[StatementLine, ...], int]:
    """The lines, newest first, down from a running balance, and the balance before the oldest of them."""
    views = await read_views(connection, registry, places)
    reversals = await reversals_of(connection, places)
    lines = []
    for place in places:
        view = views[place]
        lines.append(_line(view, balance, reversals.get(place, ())))
        balance -= view.change("available")
    return tuple(lines), balance


def _line(view: TransactionView, balance: int, reversed_by: tuple[str, ...]) -> StatementLine:
    return StatementLine(
        transaction_id=view.id,
        kind=view.kind,
        points=view.change("available"),
        held_points=view.change("held"),
        balance_after=balance,
        available_after=view.available,
        pending_after=view.pending,
        held_after=view.held,
        partner=view.partner,
        scene=view.scene,
        occurred_at=view.occurred_at,
        recorded_at=view.recorded_at,
        explanation=explain(view),
        hold=view.hold,
        reverses=view.reverses,
        reversed_by=reversed_by,
    )
