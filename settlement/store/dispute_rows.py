"""Rows of disputes, and what is read of the redemption that is disputed."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.ids import Place
from ledger.rules.business_day import to_datetime

_COLUMNS = """
dispute, programme, lane, sequence, acceptor, points, amount_minor, commission_minor, reserve_minor, is_held, state,
reason, opened_by, opened_at, decided_by, decided_at, decision_reason, reversal_lane, reversal_sequence
"""
_ADD = f"""
insert into disputes ({_COLUMNS})
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'open', %s, %s, %s, null, null, null, null, null)
"""
_READ = f"select {_COLUMNS} from disputes where dispute = %s"
_READ_OF = f"select {_COLUMNS} from disputes where lane = %s and sequence = %s"
_LIST = f"""
select {_COLUMNS} from disputes
where (%(acceptor)s::integer is null or acceptor = %(acceptor)s)
  and (%(after)s::uuid is null or (opened_at, dispute) < (
    select opened_at, dispute from disputes where dispute = %(after)s))
order by opened_at desc, dispute desc limit %(limit)s
"""
# Disputes of redemptions that a batch settles and whose money is not held yet.
_READ_TO_HOLD = f"""
select {_COLUMNS} from disputes d
where d.programme = %s and d.state = 'open' and not d.is_held and exists(
    select from unnest(%s::smallint[], %s::bigint[], %s::bigint[]) as part(lane, after, last)
    where part.lane = d.lane and d.sequence > part.after and d.sequence <= part.last)
"""
_HOLD = "update disputes set is_held = true where dispute = %s"
_LIST_OF_PROGRAMME = f"""
select {_COLUMNS} from disputes
where programme = %(programme)s and (%(after)s::uuid is null or (opened_at, dispute) < (
    select opened_at, dispute from disputes where dispute = %(after)s))
order by opened_at desc, dispute desc limit %(limit)s
"""
_DECIDE = """
update disputes set state = %s, decided_by = %s, decided_at = %s, decision_reason = %s, reversal_lane = %s,
       reversal_sequence = %s
where dispute = %s
"""
_READ_REDEMPTION = """
select t.kind, t.programme, t.partner, t.points, t.occurred_at, coalesce(b.points, 0)
from transactions t left join taken_back b on b.lane = t.lane and b.sequence = t.sequence
where t.lane = %s and t.sequence = %s
"""
_READ_USES = """
select l.funding, l.earned_at, p.amount from postings p join lots l on l.lane = p.lane and l.lot = p.lot
where p.lane = %s and p.sequence = %s and p.credit_kind = 5 order by p.line
"""
_IS_SETTLED = """
select exists(
    select from settlement_ranges r
    join settlement_batch_days bd on bd.programme = r.programme and bd.day = r.day and not bd.is_freed
    join settlement_batches b on b.batch = bd.batch and b.sequence is not null
    where r.programme = %s and r.lane = %s and r.last_sequence >= %s)
"""


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    """A redemption that is disputed. Amounts are minor units of the programme's currency.

    ``amount_minor`` is what the acceptor is paid for it, ``reserve_minor`` what its lots had in reserve. ``is_held``:
    its money is held out of what the acceptor is owed.
    """

    dispute: UUID
    programme: int
    lane: int
    sequence: int
    acceptor: int
    points: int
    amount_minor: int
    commission_minor: int
    reserve_minor: int
    is_held: bool
    state: str
    reason: str
    opened_by: str
    opened_at: int
    decided_by: str | None = None
    decided_at: int | None = None
    decision_reason: str | None = None
    reversal_lane: int | None = None
    reversal_sequence: int | None = None


class Redemption(msgspec.Struct, frozen=True):
    """What a dispute asks of a transaction; ``occurred_at`` in microseconds since 1970 UTC."""

    kind: int
    programme: int
    partner: int
    points: int
    occurred_at: int
    reversed_points: int


async def add_dispute(connection: AsyncConnection, dispute: Dispute) -> None:
    """Keep a dispute that was opened."""
    fields = Dispute.__struct_fields__
    values = [getattr(dispute, field) for field in fields[: fields.index("state")]]
    await connection.execute(_ADD, [*values, dispute.reason, dispute.opened_by, to_datetime(dispute.opened_at)])


async def read_dispute(connection: AsyncConnection, dispute: UUID) -> Dispute | None:
    """A dispute by its id."""
    row = await (await connection.execute(_READ, [dispute])).fetchone()
    return None if row is None else _dispute(row)


async def read_dispute_of(connection: AsyncConnection, place: Place) -> Dispute | None:
    """The dispute of a transaction."""
    row = await (await connection.execute(_READ_OF, list(place))).fetchone()
    return None if row is None else _dispute(row)


async def list_disputes(
    connection: AsyncConnection, limit: int, after: str | None = None, acceptor: int | None = None
) -> list[Dispute]:
    """The latest disputes, the last first; those that come after one in this order, of all acceptors or of one."""
    cursor = await connection.execute(_LIST, {"limit": limit, "after": after, "acceptor": acceptor})
    return [_dispute(row) for row in await cursor.fetchall()]


async def list_disputes_of_programme(
    connection: AsyncConnection, programme: int, limit: int, after: str | None = None
) -> list[Dispute]:
    """The latest disputes of a programme, the last first; those that come after one in this order."""
    cursor = await connection.execute(_LIST_OF_PROGRAMME, {"programme": programme, "limit": limit, "after": after})
    return [_dispute(row) for row in await cursor.fetchall()]


async def read_to_hold(
    connection: AsyncConnection, programme: int, ranges: Sequence[tuple[int, int, int]]
) -> list[Dispute]:
    """Open disputes within ranges (lane, after, last) whose money is not held out yet."""
    columns = [list(column) for column in zip(*ranges, strict=True)] if ranges else [[], [], []]
    cursor = await connection.execute(_READ_TO_HOLD, [programme, *columns])
    return [_dispute(row) for row in await cursor.fetchall()]


async def hold_out(connection: AsyncConnection, dispute: UUID) -> None:
    """Note that a dispute's money is held out."""
    await connection.execute(_HOLD, [dispute])


async def decide_dispute(connection: AsyncConnection, dispute: Dispute) -> None:
    """Keep who decided a dispute, how, and the reversal that was posted with it."""
    decided_at = None if dispute.decided_at is None else to_datetime(dispute.decided_at)
    values = [dispute.state, dispute.decided_by, decided_at, dispute.decision_reason]
    await connection.execute(_DECIDE, [*values, dispute.reversal_lane, dispute.reversal_sequence, dispute.dispute])


async def read_redemption(connection: AsyncConnection, place: Place) -> Redemption | None:
    """The transaction at a place."""
    row = await (await connection.execute(_READ_REDEMPTION, list(place))).fetchone()
    return None if row is None else Redemption(*row)


async def read_uses(connection: AsyncConnection, place: Place) -> list[tuple[int, int, int]]:
    """The lots that a redemption used: funding, instant of the earn, points."""
    return await (await connection.execute(_READ_USES, list(place))).fetchall()


async def is_settled(connection: AsyncConnection, programme: int, place: Place) -> bool:
    """Whether a transaction lies in an approved batch."""
    [(settled,)] = await (await connection.execute(_IS_SETTLED, [programme, *place])).fetchall()
    return bool(settled)


def _dispute(row: tuple[object, ...]) -> Dispute:
    return Dispute(**dict(zip(Dispute.__struct_fields__, row, strict=True)))  # type: ignore[arg-type]
