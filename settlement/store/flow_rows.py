"""Sums of the points postings of a stretch of the journal, and the families of lots that need a closer look.

Everything read here lies in closed days and never changes, so each statement is short and stands alone.
"""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from ledger.store.unit_of_work import unit_of_work

SEQUENCE_BITS = 40
"""How many bits of a place are its sequence; the lane is above."""

# A stretch is joined and summed by hashing, in memory that is enough for it; for one statement only. Sorting it, which
# the database takes to be as good, takes nearly twice as long. A nested loop, which it takes for a table that has grown
# since its rows were last counted, would take the square of its length: only look-ups by key are left to loops.
_IN_MEMORY = """
select set_config('work_mem', '64MB', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_sort', 'off', true), set_config('enable_nestloop', 'off', true)
"""

# All postings of a stretch by what they moved. Where a price may differ, the segment of time says which holds: of the
# lot's earn, and of the original redemption. An issue opens its lot, so its posting says whose that is, and when.
# Transactions and postings are each read by themselves (offset 0 keeps it so), in the order in which they lie, and
# joined in memory. They are summed by lot, and only then is it looked up, one by one, what a sum names: joined as a
# whole, all lots there ever were would be read.
_SUMS = """
with moved as (
    select p.debit_kind, p.credit_kind, p.lane,
           case when (p.debit_kind, p.credit_kind) = (1, 2) then p.debit_owner end as funding,
           case when (p.debit_kind, p.credit_kind) <> (1, 2) then p.lot end as lot, p.counter_lot,
           case when p.credit_kind = 5 then p.credit_owner when p.debit_kind = 5 then p.debit_owner else 0 end
               as acceptor,
           case when p.credit_kind = 5 or p.debit_kind = 5 or (p.debit_kind, p.credit_kind) = (1, 2)
                then width_bucket(t.occurred_at, %(bounds)s::timestamptz[]) else 0 end as segment,
           case when p.debit_kind = 5 or p.credit_kind = 7 then t.sequence end as named,
           sum(p.amount) as points, sum(p.amount) filter (where t.occurred_at < %(first_at)s) as late_points,
           count(*) as postings, min(t.sequence) as first
    from (select lane, sequence, occurred_at from transactions
          where programme = %(programme)s and kind not in (19, 20) and ({stretch}) offset 0) t
    join (select lane, sequence, debit_kind, debit_owner, credit_kind, credit_owner, amount, lot, counter_lot
          from postings where {stretch} offset 0) p
      on p.lane = t.lane and p.sequence = t.sequence
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
)
select m.debit_kind, m.credit_kind, coalesce(m.funding, lot.funding),
       coalesce(lot.segment, m.segment), m.acceptor,
       case when 5 in (m.debit_kind, m.credit_kind) then coalesce(original.segment, m.segment) else 0 end,
       debtor.funding, debtor.segment, coalesce(taken_back.is_decided, false), exchange.rate,
       sum(m.points)::bigint, coalesce(sum(m.late_points), 0)::bigint, sum(m.postings)::bigint,
       min(m.lane::bigint << {bits} | m.first)
from moved m
left join lateral (
    select l.funding, width_bucket(l.earned_at, %(bounds)s::timestamptz[]) as segment
    from lots l where l.lane = m.lane and l.lot = m.lot offset 0
) lot on true
left join lateral (
    select l.funding, width_bucket(l.earned_at, %(bounds)s::timestamptz[]) as segment
    from lots l where l.lane = m.lane and l.lot = m.counter_lot offset 0
) debtor on true
left join lateral (
    select t.reverses_lane, t.reverses_sequence,
           exists(select from disputes d where d.is_held and d.reversal_lane = t.lane
                  and d.reversal_sequence = t.sequence) as is_decided
    from transactions t where t.lane = m.lane and t.sequence = m.named offset 0
) taken_back on true
left join lateral (
    select f.exchange_rate as rate from particulars f where f.lane = m.lane and f.sequence = m.named offset 0
) exchange on true
left join lateral (
    select width_bucket(o.occurred_at, %(bounds)s::timestamptz[]) as segment
    from transactions o where o.lane = taken_back.reverses_lane and o.sequence = taken_back.reverses_sequence offset 0
) original on true
group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
"""

# Lots of a stretch that bring their issuer money back and may be of a family with a shortfall: their member has owed,
# or they come from another member or lane.
_CANDIDATES = """
with p as materialized (
    select lane, sequence, lot, case when credit_kind = 4 then counter_lot else lot end as refunded
    from postings where (debit_kind, credit_kind) in ((2, 1), (2, 4), (2, 6), (3, 6)) and ({stretch})
)
select distinct p.lane, p.refunded
from p join transactions t on t.lane = p.lane and t.sequence = p.sequence
where t.programme = %(programme)s
  and (exists(select from shortfalls s where s.lane = t.lane and s.member = t.member and s.programme = t.programme)
       or exists(select from lots l join lot_origins o on o.lane = l.lane and o.lot in (l.lot, l.restored_from)
                 where l.lane = p.lane and l.lot = p.lot)
       or exists(select from lots l
                 join lots first on first.lane = l.lane and first.lot = coalesce(l.restored_from, l.lot)
                 join transactions opening on opening.lane = first.lane and opening.sequence = first.sequence
                 where l.lane = p.lane and l.lot = p.lot and opening.kind = 9))
"""

# What a lot came from: a return, a merge or move, or the giver's lot. A gift's lots arrive in the order in which they
# were sent.
_PARENTS = """
select l.lane, l.restored_from as lot from lots l
where l.lane = child.lane and l.lot = child.lot and l.restored_from is not null
union all
select o.origin_lane, o.origin_lot from lot_origins o where o.lane = child.lane and o.lot = child.lot
union all
select sent.lane, sent.lot
from lots l
join transactions t on t.lane = l.lane and t.sequence = l.sequence and t.kind = 9
join particulars leg on leg.lane = l.lane and leg.sequence = l.sequence
cross join lateral (
    select p.lane, p.lot, row_number() over (order by p.line) as place from postings p
    where p.lane = leg.counter_lane and p.sequence = leg.counter_sequence and p.credit_kind = 8
) sent
where l.lane = child.lane and l.lot = child.lot
  and sent.place = (select count(*) from postings arrived where arrived.lane = l.lane
                    and arrived.sequence = l.sequence and arrived.debit_kind = 8 and arrived.lot <= l.lot)
"""
_CHILDREN = """
select l.lane, l.lot from lots l where l.lane = parent.lane and l.restored_from = parent.lot
union all
select o.lane, o.lot from lot_origins o where o.origin_lane = parent.lane and o.origin_lot = parent.lot
union all
select arrived.lane, arrived.lot
from lots l
join transactions t on t.lane = l.lane and t.member = l.member and t.kind = 9
join postings sent on sent.lane = t.lane and sent.sequence = t.sequence and sent.credit_kind = 8 and sent.lot = l.lot
join particulars leg on leg.lane = t.lane and leg.sequence = t.sequence
cross join lateral (
    select p.lane, p.lot, row_number() over (order by p.line) as place from postings p
    where p.lane = leg.counter_lane and p.sequence = leg.counter_sequence and p.debit_kind = 8
) arrived
where l.lane = parent.lane and l.lot = parent.lot
  and arrived.place = (select count(*) from postings p where p.lane = sent.lane and p.sequence = sent.sequence
                       and p.credit_kind = 8 and p.line <= sent.line)
"""

# The first lots that lots come from, over gifts, merges, moves and returns.
_ROOTS = f"""
with recursive up(lane, lot) as (
    select * from unnest(%s::smallint[], %s::bigint[])
    union
    select parent.lane, parent.lot from up as child cross join lateral ({_PARENTS}) parent
)
select child.lane, child.lot, l.original
from up as child join lots l on l.lane = child.lane and l.lot = child.lot
where not exists({_PARENTS})
"""

# A lot and all that came from it, with whose they are and whether somebody has owed for them.
_FAMILY = f"""
with recursive down(lane, lot) as (
    select %s::smallint, %s::bigint
    union
    select child.lane, child.lot from down as parent cross join lateral ({_CHILDREN}) child
)
select l.lane, l.lot, l.member,
       exists(select from shortfalls s where s.lane = l.lane and s.member = l.member and s.lot = l.lot)
from down join lots l on l.lane = down.lane and l.lot = down.lot
"""

# What brought, or would bring, the issuer of a family's lots its money back, in the order it was recorded.
_REFUNDS = """
select t.lane, t.sequence, p.debit_kind, p.credit_kind, p.lot, p.counter_lot, p.amount
from unnest(%s::smallint[], %s::bigint[]) as owner(lane, member)
join transactions t on t.lane = owner.lane and t.member = owner.member
join postings p on p.lane = t.lane and p.sequence = t.sequence
join unnest(%s::smallint[], %s::bigint[]) as lot(lane, lot)
  on lot.lane = p.lane and lot.lot = case when p.credit_kind = 4 then p.counter_lot else p.lot end
where (p.debit_kind, p.credit_kind) in ((2, 1), (2, 4), (2, 6), (3, 6))
order by t.recorded_at, t.lane, t.sequence, p.line
"""

_LOT_PRICES = """
select lane, lot, funding, width_bucket(earned_at, %s::timestamptz[]) from lots
where (lane, lot) in (select * from unnest(%s::smallint[], %s::bigint[]))
"""

_LEADS = "select funding, lead from campaigns"
_FUNDINGS = "select funding, partner, parts from fundings order by funding, partner"


class Part(msgspec.Struct, frozen=True):
    """A part of a lane's journal: the sequences after ``after`` up to ``last``."""

    lane: int
    after: int
    last: int


Stretch = Sequence[Part]
"""Parts of several lanes that are read together; recorded at about the same time, they lie side by side."""


class SumRow(msgspec.Struct, frozen=True, array_like=True):
    """One sum of postings, by kinds of accounts, the lot's funding and segment, acceptor, and the debtor's lot.

    ``is_decided``: of returns whose money a dispute has moved. ``exchange_rate``: of exchanges the number of the rate.
    """

    debit_kind: int
    credit_kind: int
    funding: int | None
    segment: int | None
    acceptor: int
    acceptor_segment: int
    debtor_funding: int | None
    debtor_segment: int | None
    is_decided: bool
    exchange_rate: int | None
    points: int
    late_points: int
    postings: int
    first_place: int
    """Of the first of them: its lane, above ``SEQUENCE_BITS`` of sequence."""


class Refund(msgspec.Struct, frozen=True):
    """A posting that takes points of a lot back towards its issuer, or would if the issuer were not paid yet."""

    lane: int
    sequence: int
    debit_kind: int
    credit_kind: int
    lot: int
    counter_lot: int | None
    points: int


class FamilyLot(msgspec.Struct, frozen=True):
    """A lot of a family, whose it is, and whether a reversal has left a debt for it."""

    lane: int
    lot: int
    member: int
    is_owed: bool


async def read_sums(
    connection: AsyncConnection, programme: int, stretch: Stretch, bounds: Sequence[int], first_at: int
) -> list[SumRow]:
    """Sum a stretch's postings of a programme; ``bounds`` are the instants at which any price changes."""
    parameters = {
        "programme": programme,
        "bounds": [to_datetime(bound) for bound in bounds],
        "first_at": to_datetime(first_at),
    }
    async with unit_of_work(connection):
        await connection.execute(_IN_MEMORY)
        cursor = await connection.execute(_of(_SUMS, stretch), parameters, prepare=False)
        return [SumRow(*row) for row in await cursor.fetchall()]


async def read_candidates(connection: AsyncConnection, programme: int, stretch: Stretch) -> list[tuple[int, int]]:
    """Lots, as (lane, lot), whose refunds in a stretch may be above what their issuer was charged."""
    cursor = await connection.execute(_of(_CANDIDATES, stretch), {"programme": programme}, prepare=False)
    return await cursor.fetchall()


async def read_roots(connection: AsyncConnection, lots: Sequence[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """The first lots of lots' families: lane, lot, original points."""
    cursor = await connection.execute(_ROOTS.encode(), [[lane for lane, _ in lots], [lot for _, lot in lots]])
    return await cursor.fetchall()


async def read_family(connection: AsyncConnection, lane: int, lot: int) -> list[FamilyLot]:
    """A first lot with all that came from it."""
    cursor = await connection.execute(_FAMILY.encode(), [lane, lot])
    return [FamilyLot(*row) for row in await cursor.fetchall()]


async def read_refunds(connection: AsyncConnection, family: Sequence[FamilyLot]) -> list[Refund]:
    """All refunds of a family's lots, in the order they were recorded."""
    owners = sorted({(lot.lane, lot.member) for lot in family})
    lanes, members = [lane for lane, _ in owners], [member for _, member in owners]
    lots = [[lot.lane for lot in family], [lot.lot for lot in family]]
    cursor = await connection.execute(_REFUNDS, [lanes, members, *lots])
    return [Refund(*row) for row in await cursor.fetchall()]


async def read_lot_prices(
    connection: AsyncConnection, lots: Sequence[tuple[int, int]], bounds: Sequence[int]
) -> dict[tuple[int, int], tuple[int, int]]:
    """The funding and segment of lots."""
    moments = [to_datetime(bound) for bound in bounds]
    cursor = await connection.execute(_LOT_PRICES, [moments, [lane for lane, _ in lots], [lot for _, lot in lots]])
    return {(lane, lot): (funding, segment) for lane, lot, funding, segment in await cursor.fetchall()}


async def read_leads(connection: AsyncConnection) -> dict[int, int]:
    """The partners whose contracts price the points of campaigns, by funding."""
    return dict(await (await connection.execute(_LEADS)).fetchall())


async def read_fundings(connection: AsyncConnection) -> dict[int, list[tuple[int, int]]]:
    """Every funding's partners and parts."""
    fundings: dict[int, list[tuple[int, int]]] = {}
    for funding, partner, parts in await (await connection.execute(_FUNDINGS)).fetchall():
        fundings.setdefault(funding, []).append((partner, parts))
    return fundings


def _of(query: str, stretch: Stretch) -> bytes:
    """A query of a stretch, whose places are integers of our own."""
    parts = [f"(lane = {part.lane} and sequence > {part.after} and sequence <= {part.last})" for part in stretch]
    return query.format(stretch=" or ".join(parts), bits=SEQUENCE_BITS).encode()
