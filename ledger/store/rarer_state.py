"""Reading what few batches need, in a second round trip: holds, gifts, codes, balances of caps, who has become whom.

Why apart: most batches touch none of it, and would pay for queries that find nothing.
"""

from collections.abc import Collection, Sequence

from psycopg import AsyncConnection
from psycopg.rows import TupleRow

from ledger.ids import Place
from ledger.rules.state import CodeState, GiftMonth, HoldState, LedgerState
from ledger.store import rarer_queries as queries
from ledger.store.arrays import Bigints, Bytes, Integers, Smallints
from ledger.store.state_rows import add_lot, points_of

# What members gave and received as gifts in this month and the last, also those that they were before.
_READ_GIFT_MONTHS = """
with recursive become(present_lane, present, programme, lane, member) as (
    select lane, member, programme, lane, member from unnest(%b, %b, %b) as wanted(lane, member, programme)
    union
    select become.present_lane, become.present, become.programme, m.lane, m.member
    from become join members m on m.into_lane = become.lane and m.into_member = become.member
)
select become.present_lane, become.present, become.programme, g.month, g.given, g.received,
       become.member = become.present
from become join gift_months g
  on g.lane = become.lane and g.member = become.member and g.programme = become.programme
where g.month > (ledger_now() - interval '40 days')::date
"""

_HOLD_FIELDS = 13


async def read_rarer_state(
    connection: AsyncConnection,
    state: LedgerState,
    *,
    holds: Sequence[Place],
    gifts: Collection[tuple[int, int, int]],
    codes: Sequence[bytes],
    earns: bool,
) -> None:
    """Add the open holds of members with held points, and those named; gifts of this month; codes; caps; successors."""
    holders = _holders(state)
    gone = [Place(*member.into) for member in state.members.values() if member.into is not None]
    reads_caps = earns and bool(state.registry.caps)
    if not (holders or holds or gifts or codes or reads_caps or gone):
        return
    async with connection.pipeline():
        of_holders = await connection.execute(queries.READ_OPEN_HOLDS, member_arrays(holders))
        of_holds = await connection.execute(queries.READ_NAMED_HOLDS, place_arrays(holds))
        of_gifts = await connection.execute(_READ_GIFT_MONTHS, member_arrays(list(gifts)))
        of_codes = await connection.execute(queries.READ_CODES, [Bytes.of(codes)])
        of_caps = await connection.execute(
            queries.READ_CAP_BALANCES, [Smallints.of(sorted(state.lanes) if reads_caps else [])]
        )
        of_gone = await connection.execute(queries.READ_SUCCESSORS, place_arrays(gone))
    for row in await of_holders.fetchall():
        hold = _hold(state, row[:_HOLD_FIELDS])
        lot = add_lot(state, row[_HOLD_FIELDS + 1 :])
        hold.lots[lot.lot] = row[_HOLD_FIELDS]
    for row in await of_holds.fetchall():
        _hold(state, row)
    for row in await of_gifts.fetchall():
        _add_gifts(state, row)
    _add_codes(state, await of_codes.fetchall())
    for lane, kind, cap, balance in await of_caps.fetchall():
        state.cap_balances[lane, kind, cap] = balance
    for lane, member, into_lane, into_member in await of_gone.fetchall():
        state.successors[lane, member] = (into_lane, into_member)


def _holders(state: LedgerState) -> list[tuple[int, int, int]]:
    return [
        (points.lane, points.member, points.programme)
        for member in state.members.values()
        for points in member.points.values()
        if points.held
    ]


def _add_codes(state: LedgerState, rows: Sequence[TupleRow]) -> None:
    for digest, lane, member, is_expired, used_lane, used in rows:
        place = None if used is None else Place(used_lane, used)
        state.codes[digest] = CodeState(lane, member, is_expired, place)


def _add_gifts(state: LedgerState, row: TupleRow) -> None:
    """Count a month of a member's own, or of one that it was before."""
    lane, member, programme, month, given, received, is_own = row
    found = state.gift_months.setdefault((member, programme, month), GiftMonth(lane, member, programme, month))
    if is_own:
        found.given, found.received, found.is_new = given, received, False
    else:
        found.given_before += given
        found.received_before += received


def member_arrays(places: Sequence[tuple[int, int, int]]) -> list[bytes]:
    """Lanes, members and programmes as parameters."""
    return [
        Smallints.of([lane for lane, _, _ in places]),
        Bigints.of([member for _, member, _ in places]),
        Integers.of([programme for _, _, programme in places]),
    ]


def place_arrays(places: Sequence[Place]) -> list[bytes]:
    """Lanes and sequences as parameters."""
    return [Smallints.of([place.lane for place in places]), Bigints.of([place.number for place in places])]


def _hold(state: LedgerState, row: TupleRow) -> HoldState:
    place = Place(row[0], row[1])
    found = state.holds.get(place)
    if found is not None:
        return found
    *fields, moved_lane, moved_sequence = row
    hold = HoldState(*fields)
    if moved_lane is not None:
        hold.moved_to = Place(moved_lane, moved_sequence)
    state.holds[place] = hold
    if hold.remaining and hold.member in state.members:
        points_of(state, hold.member, hold.programme).holds.append(hold)
    return hold
