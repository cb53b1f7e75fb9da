"""Rows of the database as parts of a state, each added once."""

from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.rows import TupleRow

from ledger.ids import Place
from ledger.rules.business_day import end_of_day
from ledger.rules.lots import spend_order
from ledger.rules.state import NEVER, LedgerState, LotState, MemberState, OriginalState, PointsState, ShortfallState
from ledger.store.wanted_state import ALL_LOTS, Wanted, lots_at_first

_SHORTFALL_FIELDS = 9


def add_member(state: LedgerState, row: TupleRow, wanted: Wanted) -> None:
    """Add a member, and its points in one programme where it has some."""
    lane, number, public_id, status, into_lane, into_member, programme, posted, held, shortfall, lapse, pending = row
    member = state.members.get(number)
    if member is None:
        member = MemberState(lane, number, public_id, status, None if into_lane is None else (into_lane, into_member))
        state.members[number] = member
    if programme is not None:
        # By position, as far as the order of the fields goes: naming them takes longer than all else here.
        points = PointsState(lane, number, programme, posted, held, shortfall, 0, 0, lapse or NEVER, pending or 0)
        points.lots_complete = wanted.points[lane, number, programme] == ALL_LOTS
        points.is_new = False
        member.points[programme] = points


def add_open_lots(state: LedgerState, wanted: Mapping[tuple[int, int, int], int], rows: list[TupleRow]) -> None:
    """Add open lots, which come in the order of use, and note how far each member's were read.

    ``wanted`` tells how many points of a member, as (lane, member, programme), are used.
    """
    for row in rows:
        lot = add_lot(state, row)
        points_of(state, lot.member, lot.programme).lots_read_to = spend_order(lot)
    for (_, member, programme), needed in wanted.items():
        if programme and member in state.members:
            points = points_of(state, member, programme)
            points.lots_complete = points.lots_complete or _are_all(points, needed)


def _are_all(points: PointsState, needed: int) -> bool:
    """Whether neither their number nor their points ended the reading of lots, so that there are no more."""
    at_first = lots_at_first(needed)
    return at_first is None or (len(points.lots) < at_first and sum(lot.remaining for lot in points.lots) < needed)


def add_lot(state: LedgerState, row: Sequence[Any]) -> LotState:
    """Add a lot that was read, and what is left of it to its member's points; twice adds it once."""
    place = (row[0], row[1])
    known = state.lots.get(place)
    if known is not None:
        return known
    lot = LotState(*row)
    if lot.expires_on is not None:
        programme = state.registry.programme_numbered(lot.programme)
        lot.lapses_at = end_of_day(lot.expires_on, programme.zone)
    state.lots[place] = lot
    if lot.restored_from is not None:
        state.children.setdefault((lot.lane, lot.restored_from), []).append(lot)
    if lot.member not in state.members:
        # Of a member that has become another one, or that the lane has yet to be locked for.
        return lot
    points = points_of(state, lot.member, lot.programme)
    points.lots.append(lot)
    now = state.lanes[lot.lane].now
    if lot.lapses_at <= now:
        points.lapsed += lot.remaining
    elif lot.available_from > now:
        points.pending += lot.remaining
    return lot


def add_original(state: LedgerState, row: TupleRow) -> None:
    """Add a transaction that a reversal names."""
    place = Place(row[0], row[1])
    if place in state.originals:
        return
    state.originals[place] = OriginalState(*row)


def add_shortfall(state: LedgerState, row: TupleRow) -> None:
    """Add what a member owes, and the lot that it is owed of."""
    shortfall = ShortfallState(*row[:_SHORTFALL_FIELDS])
    points_of(state, shortfall.member, shortfall.programme).shortfalls.append(shortfall)
    add_lot(state, row[_SHORTFALL_FIELDS:])


def add_relative(state: LedgerState, row: TupleRow) -> None:
    """Add a lot of an original, or one that came of such a lot; its last two values are where it comes from."""
    *of_lot, origin_lane, origin_lot = row
    lot = add_lot(state, of_lot)
    if origin_lane is not None:
        state.children.setdefault((origin_lane, origin_lot), []).append(lot)


def add_use(state: LedgerState, row: TupleRow) -> None:
    """Add what an original moved of a lot."""
    lane, sequence, lot, amount = row
    state.originals[Place(lane, sequence)].uses.append((lot, amount))


def add_cap_use(state: LedgerState, row: TupleRow) -> None:
    """Add what an original used of a cap, and what reversals have taken out of its lots since."""
    lane, sequence, cap, amount, taken_out = row
    original = state.originals[Place(lane, sequence)]
    original.taken_out = taken_out
    original.cap_uses.append((cap, amount))


def points_of(state: LedgerState, member: int, programme: int) -> PointsState:
    """The points of a member that was read."""
    return state.members[member].open_points(programme)
