"""Balances: what a member has now, and what it had at another time.

A balance is a function of journal and time. Now, it is read from the projections: the posted balance
less the open lots that are pending or have lapsed. At another time, it is added up from the postings.
A hold past its time counts as released at both: what it held repays what is owed, and the rest is
available again, or has lapsed with its lot.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.errors import MalformedRequest
from ledger.reading.due_holds import due_lots
from ledger.reading.lane_time import read_lane_time
from ledger.rules.business_day import civil_day, end_of_day, to_datetime
from ledger.rules.programmes import Programme
from ledger.store.arrays import Bigints, Booleans, Integers, Smallints
from ledger.store.gathering import Gathering
from ledger.store.member_selves import read_places
from ledger.store.members import Member

EXPIRING_WITHIN_DAYS = 90

# Balances of many members at their lanes' time, with their open lots added up by last day, and the lots that due
# holds release, in one snapshot. Of lots that neither lapse soon nor are pending nothing is asked but by a schedule.
# Why two days more: a programme's day may be another one than UTC's. Why a case: only one bound lets the index pass
# over lots that expire later, which nearly all do; it has none for those that never expire, which come apart.
# Why the later of clock and lane: decisions use that time, and an answer must not see more than a reader.
_READ_BALANCES = f"""
with clock as materialized (select ledger_now() as now)
select wanted.lane, wanted.member, wanted.programme, wanted.is_schedule, time.now, p.posted, p.held, p.shortfall,
       open.expires_on, open.is_pending, open.points, open.released
from unnest(%b, %b, %b, %b) as wanted(lane, member, programme, is_schedule)
cross join clock
join lanes on lanes.lane = wanted.lane
cross join lateral (select greatest(clock.now, lanes.recorded_at) as now) time
left join member_points p
  on p.lane = wanted.lane and p.member = wanted.member and p.programme = wanted.programme
left join lateral (
    select l.expires_on, l.available_from > time.now as is_pending, sum(l.remaining)::bigint as points,
           0::bigint as released
    from lots l
    where l.lane = p.lane and l.member = p.member and l.programme = p.programme and l.is_open
      and l.expires_on <= case
          when wanted.is_schedule or p.pending_until > time.now then 'infinity'::date
          else (time.now at time zone 'UTC')::date + {EXPIRING_WITHIN_DAYS + 2}
      end
    group by l.expires_on, is_pending
    union all
    select null::date, true, sum(l.remaining)::bigint, 0::bigint
    from lots l
    where p.pending_until > time.now and l.available_from > time.now and l.expires_on is null
      and l.lane = p.lane and l.member = p.member and l.programme = p.programme and l.is_open
    group by l.programme
    union all
    select expires_on, is_pending, kept, released from ({due_lots("time.now")}) due
) open on true
"""


def _as_of(column: str, instead: str = "") -> str:
    return f"""
    select p.lane, p.lot, l.expires_on, l.available_from, l.earned_at, opening.sequence, opening.expires_at,
           sum(p.amount * ((p.credit_kind = 2)::int - (p.debit_kind = 2)::int))::bigint,
           sum(p.amount * ((p.credit_kind = 3)::int - (p.debit_kind = 3)::int))::bigint,
           sum(p.amount * ((p.debit_kind = 4)::int - (p.credit_kind = 4)::int))::bigint
    from unnest(%(lanes)b, %(members)b) as place(lane, member)
    join transactions t on t.lane = place.lane and t.member = place.member
    join postings p on p.lane = t.lane and p.sequence = t.sequence
    join lots l on l.lane = p.lane and l.lot = p.lot
    left join particulars f
      on (p.debit_kind = 3 or p.credit_kind = 3) and f.lane = t.lane and f.sequence = t.sequence
    left join particulars opening
      on opening.lane = f.lane and opening.sequence = coalesce(f.hold, f.sequence)
    where t.programme = %(programme)b and t.{column} <= %(instant)b {instead}
    group by p.lane, p.lot, l.expires_on, l.available_from, l.earned_at, opening.sequence, opening.expires_at
    """


# A member's postings up to an instant, added up by lot and by hold: available, held, shortfall. Of all places where
# the member was: what has moved on sums to zero in the old one.
_READ_AS_RECORDED = _as_of("recorded_at")

# Why not all postings of a hold's expiry: posted late, it also expires lots that lapsed after the hold's end.
_READ_AS_OCCURRED = _as_of(
    "occurred_at",
    "and not (t.kind = 8 and 6 in (p.debit_kind, p.credit_kind) and l.expires_on >= %(today)b)",
)


class BalanceView(msgspec.Struct, frozen=True, kw_only=True):
    """A member's points in one programme, as they are at ``as_of`` (microseconds since 1970 UTC).

    ``lapsed`` is what can no longer be used and is not posted as expired yet; it is in no other
    figure. ``expiring``: points by their last day, of the next 90 days in the programme's zone, without
    those held.
    """

    available: int
    held: int
    pending: int
    shortfall: int
    lapsed: int
    expiring: tuple[tuple[date, int], ...]
    as_of: int


class ExpirySchedule(msgspec.Struct, frozen=True):
    """A balance, and its points by their last day, however far away; those that never expire are left out."""

    balance: BalanceView
    by_day: tuple[tuple[date, int], ...]


class _Wanted(NamedTuple):
    lane: int
    member: int
    programme: int
    is_schedule: bool


class _Open(NamedTuple):
    """Points of open lots that share their last day; of a lot under a due hold, what is kept of ``released``."""

    expires_on: date | None
    is_pending: bool
    points: int
    released: int = 0


class _Found(msgspec.Struct):
    now: int
    posted: int
    held: int
    shortfall: int
    lots: list[_Open]


class BalanceReader:
    """Reads balances; those that are asked for at the same time cost one query together."""

    def __init__(self, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self._pool = pool
        self._found = Gathering(self._fetch)

    async def get(self, member: Member, programme: Programme) -> BalanceView:
        """Read a member's balance now; a member without points in the programme has zeros."""
        return _view(await self._find(member, programme, is_schedule=False), programme)

    async def schedule(self, member: Member, programme: Programme) -> ExpirySchedule:
        """Read a member's balance now, and when what of it expires."""
        found = await self._find(member, programme, is_schedule=True)
        return ExpirySchedule(_view(found, programme), _divide(found.lots, programme, found.now, None).expiring)

    async def _find(self, member: Member, programme: Programme, *, is_schedule: bool) -> "_Found":
        found = await self._found.get(_Wanted(member.lane, member.number, programme.number, is_schedule))
        if found is None:
            msg = f"lane {member.lane} does not exist"
            raise LookupError(msg)
        return found

    async def _fetch(self, wanted: Sequence[_Wanted]) -> Mapping[_Wanted, _Found]:
        arrays = [
            Smallints.of([place.lane for place in wanted]),
            Bigints.of([place.member for place in wanted]),
            Integers.of([place.programme for place in wanted]),
            Booleans.of([place.is_schedule for place in wanted]),
        ]
        async with self._pool.connection() as connection:
            cursor = await connection.execute(_READ_BALANCES, arrays)
            rows = await cursor.fetchall()
        found: dict[_Wanted, _Found] = {}
        for lane, member, programme, is_schedule, now, posted, held, shortfall, *lot in rows:
            place = _Wanted(lane, member, programme, is_schedule)
            if place not in found:
                found[place] = _Found(now, posted or 0, held or 0, shortfall or 0, [])
            if lot[2] is not None:
                found[place].lots.append(_Open(*lot))
        return found


def _view(found: _Found, programme: Programme) -> BalanceView:
    due = [lot for lot in found.lots if lot.released]
    kept, released = sum(lot.points for lot in due), sum(lot.released for lot in due)
    parts = _divide(found.lots, programme, found.now, EXPIRING_WITHIN_DAYS)
    return BalanceView(
        available=found.posted + kept - parts.pending - parts.lapsed,
        held=found.held - released,
        pending=parts.pending,
        shortfall=found.shortfall - (released - kept),
        lapsed=parts.lapsed,
        expiring=parts.expiring,
        as_of=found.now,
    )


async def balance_as_of(
    connection: AsyncConnection,
    member: Member,
    programme: Programme,
    recorded: int | None,
    occurred: int | None,
) -> BalanceView:
    """Add a balance up from the journal, as of an instant; of neither, as of now.

    ``recorded``: what this ledger showed then. ``occurred``: what had happened until then, as far as is
    known now; where events came in late and out of order, a use may precede its earn, and ``available``
    may be negative. Raises MalformedRequest for both, and for an instant that is still to come.
    """
    if recorded is not None and occurred is not None:
        msg = "as_of and occurred_as_of are two questions; wanted is one of them."
        raise MalformedRequest(msg, field="occurred_as_of", got="both", wanted="one of as_of and occurred_as_of")
    now = await read_lane_time(connection, member.lane)
    _refuse_future("as_of", recorded, now)
    _refuse_future("occurred_as_of", occurred, now)
    query, instant = (_READ_AS_RECORDED, recorded) if occurred is None else (_READ_AS_OCCURRED, occurred)
    instant = now if instant is None else instant
    places = await read_places(connection, member)
    parameters = {
        "lanes": Smallints.of([place.lane for place in places]),
        "members": Bigints.of([place.number for place in places]),
        "programme": programme.number,
        "instant": to_datetime(instant),
        "today": civil_day(instant, programme.zone),
    }
    cursor = await connection.execute(query.encode(), parameters)
    rows = [_Sum(*row) for row in await cursor.fetchall()]
    return _view(_found(rows, instant), programme)


class _Sum(NamedTuple):
    """What was moved in one lot, apart for each hold: available, held and owed points."""

    lane: int
    lot: int
    expires_on: date | None
    available_from: int
    earned_at: int
    hold: int | None
    hold_expires_at: int | None
    available: int
    held: int
    owed: int


def _found(sums: Sequence[_Sum], instant: int) -> _Found:
    """What the projections would have said at an instant."""
    by_lot: dict[tuple[int, int, date | None, int], int] = defaultdict(int)
    for row in sums:
        by_lot[row.lane, row.lot, row.expires_on, row.available_from] += row.available
    lots = [
        _Open(expires_on, points > 0 and available_from > instant, points)
        for (_, _, expires_on, available_from), points in by_lot.items()
    ]
    owed = sum(row.owed for row in sums)
    return _Found(
        now=instant,
        posted=sum(lot.points for lot in lots),
        held=sum(row.held for row in sums),
        shortfall=owed,
        lots=[*lots, *_released(sums, owed, instant)],
    )


def _released(sums: Iterable[_Sum], owed: int, instant: int) -> list[_Open]:
    """What holds that were due at an instant release, in the order of ``due_lots``."""
    due = [
        (row.hold_expires_at, row.hold or 0, row.expires_on or date.max, row.earned_at, row.lot, row)
        for row in sums
        if row.held > 0 and row.hold_expires_at is not None and row.hold_expires_at <= instant
    ]
    released = []
    for *_, row in sorted(due):
        repaid = max(0, min(owed, row.held))
        owed -= repaid
        is_pending = row.available_from > instant
        released.append(_Open(row.expires_on, is_pending, row.held - repaid, row.held))
    return released


class _Parts(NamedTuple):
    pending: int
    lapsed: int
    expiring: tuple[tuple[date, int], ...]


def _divide(lots: Iterable[_Open], programme: Programme, now: int, within_days: int | None) -> _Parts:
    """What of the open lots is pending, has lapsed, and will lapse within the next days (None: at any time)."""
    pending = lapsed = 0
    expiring: dict[date, int] = defaultdict(int)
    horizon = date.max if within_days is None else civil_day(now, programme.zone) + timedelta(days=within_days)
    for lot in lots:
        if lot.expires_on is not None and end_of_day(lot.expires_on, programme.zone) <= now:
            lapsed += lot.points
            continue
        if lot.is_pending:
            pending += lot.points
        if lot.points and lot.expires_on is not None and lot.expires_on <= horizon:
            expiring[lot.expires_on] += lot.points
    return _Parts(pending, lapsed, tuple(sorted(expiring.items())))


def _refuse_future(field: str, instant: int | None, now: int) -> None:
    if instant is not None and instant > now:
        got, latest = to_datetime(instant).isoformat(), to_datetime(now).isoformat()
        wanted = f"a time up to now ({latest})"
        raise MalformedRequest(f"{field} is {got}; wanted is {wanted}.", field=field, got=got, wanted=wanted)
