"""What reports read: balances of money and points, outstanding points by expiry, shortfalls, transactions of a line.

Each list is one statement, so its figures are of one moment.
"""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from ledger.rules.business_day import to_datetime
from settlement.batches import Batch, Range
from settlement.store.batch_rows import read_batch

# Balances of money accounts, debits less credits, as they were after a posting of the clearing lane.
_MONEY_AT = """
select account, party, currency, sum(amount)::bigint
from (
    select debit as account, debit_party as party, currency, amount_minor as amount, sequence, programme
    from money_postings where lane = 0
    union all
    select credit, credit_party, currency, -amount_minor, sequence, programme from money_postings where lane = 0
) sides
where programme = %s and sequence <= %s
group by 1, 2, 3
order by 1, 2, 3
"""

_MONEY_OF_PARTY = """
select account, party, currency, sum(amount)::bigint
from (
    select debit as account, debit_party as party, currency, amount_minor as amount, programme, sequence
    from money_postings where debit_party = %(party)s and sequence <= %(sequence)s
    union all
    select credit, credit_party, currency, -amount_minor, programme, sequence
    from money_postings where credit_party = %(party)s and sequence <= %(sequence)s
) sides
where programme = %(programme)s
group by 1, 2, 3
order by 1, 2, 3
"""

# The last posting before the next batch was approved: until then whatever was posted belongs to this one's time.
_LAST_SEQUENCE = """
select coalesce(min(sequence) - 1, 9223372036854775807) from settlement_batches where programme = %s and last_day > %s
"""

# Points of a programme by kind of account and owner, each on its normal side; members' all together.
_POINTS = """
select kind, sum(greatest(balance, 0))::bigint, sum(greatest(-balance, 0))::bigint
from (
    select kind, owner, sum(balance)::bigint as balance from party_balances
    where programme = %(programme)s and kind in (1, 5, 6, 7, 8) group by kind, owner
    union all
    select kind.number, 0, case kind.number when 2 then posted when 3 then held else shortfall end
    from (select coalesce(sum(posted), 0)::bigint as posted, coalesce(sum(held), 0)::bigint as held,
                 coalesce(sum(shortfall), 0)::bigint as shortfall
          from member_points where programme = %(programme)s) of_members
    cross join (values (2), (3), (4)) as kind(number)
) balances
group by kind order by kind
"""

# Outstanding points by the month in which they expire, funding, and the segment of time that says their price.
_AGEING = """
select date_trunc('month', expires_on)::date, funding, width_bucket(earned_at, %s::timestamptz[]),
       sum(remaining + held)::bigint, count(*)
from lots where programme = %s and is_open
group by 1, 2, 3 order by 1 nulls last, 2, 3
"""

_SHORTFALLS = """
select s.funding, m.public_id, s.original, s.remaining, t.recorded_at
from shortfalls s
join transactions t on t.lane = s.lane and t.sequence = s.sequence
join members m on m.lane = s.lane and m.member = s.member
where s.programme = %s and s.remaining > 0
order by s.funding, t.recorded_at, s.lane, s.sequence
limit %s
"""

_APPROVED = """
select batch from settlement_batches
where programme = %s and sequence is not null and last_day >= %s and last_day < %s order by last_day
"""

# Transactions of a lane's stretch that a line of a statement sums, in the journal's order. The price of the lot, or
# for acceptors of the original redemption, is told by the segment of time.
_OF_LINE = """
select t.lane, t.sequence, p.line, t.recorded_at, t.occurred_at, t.hash, p.amount, lot.funding, t.outlet
from transactions t
join postings p on p.lane = t.lane and p.sequence = t.sequence
join lots lot on lot.lane = p.lane and lot.lot = p.lot
left join lots debtor on debtor.lane = p.lane and debtor.lot = p.counter_lot
left join transactions original on p.debit_kind = 5 and original.lane = t.reverses_lane
     and original.sequence = t.reverses_sequence
left join particulars exchange on p.credit_kind = 7 and exchange.lane = t.lane and exchange.sequence = t.sequence
where t.lane = %(lane)s and t.sequence <= %(last)s and (p.sequence, p.line) > (%(sequence)s, %(line)s)
  and p.lane = %(lane)s and p.sequence >= %(sequence)s and p.sequence <= %(last)s and t.sequence >= %(sequence)s
  and t.programme = %(programme)s and t.kind not in (19, 20)
  and exists(select from unnest(%(debits)s::smallint[], %(credits)s::smallint[]) as pair(debit, credit)
             where (pair.debit, pair.credit) = (p.debit_kind, p.credit_kind))
  and case when %(rate)s::integer is not null then exchange.exchange_rate = %(rate)s::integer
           when %(acceptor)s::bigint is null
           then case when p.credit_kind = 4 then debtor.funding else lot.funding end = %(funding)s::integer
                and width_bucket(case when p.credit_kind = 4 then debtor.earned_at else lot.earned_at end,
                                 %(bounds)s::timestamptz[]) = any(%(segments)s::integer[])
           else case when p.credit_kind = 5 then p.credit_owner else p.debit_owner end = %(acceptor)s::bigint
                and width_bucket(coalesce(original.occurred_at, t.occurred_at),
                                 %(bounds)s::timestamptz[]) = any(%(segments)s::integer[])
      end
order by t.sequence, p.line limit %(limit)s
"""


class MoneyBalance(msgspec.Struct, frozen=True, array_like=True):
    """A money account of a party (0: the operator) in a currency; ``balance_minor`` is debits less credits."""

    account: int
    party: int
    currency: str
    balance_minor: int


class PointsBalance(msgspec.Struct, frozen=True, array_like=True):
    """A kind of points accounts: what stands on its normal side, and what on the other."""

    kind: int
    normal: int
    other: int


class AgeRow(msgspec.Struct, frozen=True, array_like=True):
    """Outstanding points that expire in a month (its first day; None: never), of one funding and segment of time."""

    month: date | None
    funding: int
    segment: int
    points: int
    lots: int


class OpenShortfall(msgspec.Struct, frozen=True, array_like=True):
    """What a member owes to the issuer of reversed points, since an instant (microseconds since 1970 UTC)."""

    funding: int
    member: UUID
    original: int
    points: int
    since: int


class LineFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which postings a line sums: pairs of kinds of accounts, the funding or acceptor, and segments of time.

    ``segments`` number the stretches between ``bounds``, instants at which any price changes. Of an exchange its rate
    decides, by number.
    """

    programme: int
    pairs: tuple[tuple[int, int], ...]
    funding: int | None
    acceptor: int | None
    bounds: tuple[int, ...]
    segments: tuple[int, ...]
    exchange_rate: int | None = None


class LinePosting(msgspec.Struct, frozen=True, array_like=True):
    """One posting behind a line; instants in microseconds since 1970 UTC."""

    lane: int
    sequence: int
    line: int
    recorded_at: int
    occurred_at: int
    hash: bytes
    points: int
    funding: int
    outlet: str | None


async def read_last_sequence(connection: AsyncConnection, batch: Batch) -> int:
    """The last posting of the clearing lane that belongs to a batch's time: before the next was approved."""
    cursor = await connection.execute(_LAST_SEQUENCE, [batch.programme, batch.last_day])
    [(sequence,)] = await cursor.fetchall()
    return int(sequence)


async def read_money_at(connection: AsyncConnection, programme: int, sequence: int) -> list[MoneyBalance]:
    """All balances of a programme's money after a posting of the clearing lane, by account, party and currency."""
    cursor = await connection.execute(_MONEY_AT, [programme, sequence])
    return [MoneyBalance(*row) for row in await cursor.fetchall()]


async def read_money_of_party(
    connection: AsyncConnection, programme: int, party: int, sequence: int
) -> list[MoneyBalance]:
    """The balances of one party after a posting of the clearing lane."""
    values = {"programme": programme, "party": party, "sequence": sequence}
    cursor = await connection.execute(_MONEY_OF_PARTY, values)
    return [MoneyBalance(*row) for row in await cursor.fetchall()]


async def read_points_balances(connection: AsyncConnection, programme: int) -> list[PointsBalance]:
    """All points of a programme now, by kind of account."""
    cursor = await connection.execute(_POINTS, {"programme": programme})
    return [PointsBalance(*row) for row in await cursor.fetchall()]


async def read_ageing(connection: AsyncConnection, programme: int, bounds: Sequence[int]) -> list[AgeRow]:
    """Outstanding points now; ``bounds`` are instants at which a price changes, in microseconds since 1970 UTC."""
    cursor = await connection.execute(_AGEING, [[to_datetime(bound) for bound in bounds], programme])
    return [AgeRow(*row) for row in await cursor.fetchall()]


async def read_open_shortfalls(connection: AsyncConnection, programme: int, limit: int) -> list[OpenShortfall]:
    """What members owe now, by funding, the oldest first."""
    cursor = await connection.execute(_SHORTFALLS, [programme, limit])
    return [OpenShortfall(*row) for row in await cursor.fetchall()]


async def read_batches_since(connection: AsyncConnection, batch: Batch, since: date) -> list[Batch]:
    """The approved batches before one that end on a business day or later, the first first, and then that one."""
    cursor = await connection.execute(_APPROVED, [batch.programme, since, batch.last_day])
    found = [await read_batch(connection, name) for (name,) in await cursor.fetchall()]
    return [*(one for one in found if one is not None), batch]


async def read_line_postings(
    connection: AsyncConnection, wanted: LineFilter, stretch: Range, after: tuple[int, int], limit: int
) -> list[LinePosting]:
    """Postings of a stretch that a line sums, after a (sequence, line) of it."""
    sequence, line = after
    cursor = await connection.execute(
        _OF_LINE,
        {
            "lane": stretch.lane,
            "last": stretch.last,
            "sequence": sequence,
            "line": line,
            "programme": wanted.programme,
            "debits": [debit for debit, _ in wanted.pairs],
            "credits": [credit for _, credit in wanted.pairs],
            "funding": wanted.funding,
            "acceptor": wanted.acceptor,
            "rate": wanted.exchange_rate,
            "bounds": [to_datetime(bound) for bound in wanted.bounds],
            "segments": list(wanted.segments),
            "limit": limit,
        },
    )
    return [LinePosting(*row) for row in await cursor.fetchall()]
