"""Every query of a poster's unit of work, named, with its purpose.

All are set-based: parameters are arrays, one element per row. ``lane_state.py`` reads with the first
half, ``lane_writes.py`` writes with the second.
"""

LOT_COLUMNS = """
l.lane, l.lot, l.sequence, l.member, l.programme, l.funding, l.terms_version, l.earned_at,
l.available_from, l.expires_on, l.original, l.restored_from, l.remaining, l.held, l.expired, l.expiries
"""

# Lock the lanes of the batch, in ascending order: no two units of work can wait for each other.
LOCK_LANES = """
select lane, next_sequence, next_lot, head, recorded_at
from lanes where lane = any(%b) order by lane for update
"""

# The clock, read after the lock, and the version of the set-up.
READ_CLOCK = "select ledger_now(), (select version from registry)"

# Which of the batch's idempotency keys are in use.
READ_KEYS = """
select k.digest, k.request_digest, k.lane, k.sequence, k.transactions, k.answer
from unnest(%b) as wanted(digest) join idempotency_keys k on k.digest = wanted.digest
"""

# The batch's members with their points.
READ_MEMBERS = """
select m.lane, m.member, m.public_id::text, m.status, m.into_lane, m.into_member,
       p.programme, p.posted, p.held, p.shortfall, p.next_lapse_at, p.pending_until
from unnest(%b, %b, %b) as wanted(lane, member, programme)
join members m on m.lane = wanted.lane and m.member = wanted.member
left join member_points p
  on p.lane = wanted.lane and p.member = wanted.member and p.programme = wanted.programme
"""

# Open lots in the order of use: the first few, until they hold the points that a member's commands use, or all where
# points are −1. Why a sum of floats: one of bigints is a numeric, which takes longer than the rows. It is off by far
# less than a millionth, so what is left out is surely not needed.
READ_LOTS = f"""
select {LOT_COLUMNS}
from unnest(%b, %b, %b, %b, %b) as wanted(lane, member, programme, points, at_first)
cross join lateral (
    select *, sum(remaining::float8) over (order by expires_on, earned_at, lot rows unbounded preceding) - remaining
              as before
    from (
        select * from lots
        where lots.lane = wanted.lane and lots.member = wanted.member and lots.programme = wanted.programme
          and lots.is_open
        order by lots.expires_on, lots.earned_at, lots.lot
        limit wanted.at_first
    ) first
) l
where wanted.points < 0 or l.before * 0.999999 < wanted.points
"""

# Open shortfalls of the batch's members, each with the lot that is owed, which seldom is open any more.
READ_SHORTFALLS = f"""
select s.lane, s.sequence, s.member, s.programme, s.lot, s.funding, s.terms_version, s.original,
       s.remaining, {LOT_COLUMNS}
from unnest(%b, %b, %b) as wanted(lane, member, programme)
join member_points p
  on p.lane = wanted.lane and p.member = wanted.member and p.programme = wanted.programme
 and p.shortfall > 0
join shortfalls s
  on s.lane = p.lane and s.member = p.member and s.programme = p.programme and s.remaining > 0
join lots l on l.lane = s.lane and l.lot = s.lot
order by s.lane, s.sequence
"""

_ORIGINAL_COLUMNS = """
t.lane, t.sequence, t.kind, t.programme, t.partner, t.member, t.points, t.occurred_at, t.recorded_at, t.spend_minor,
t.programme_version, coalesce(b.points, 0) as reversed_points, coalesce(b.spend_minor, 0) as reversed_spend_minor,
coalesce(b.expired_counted, 0) as expired_counted
"""

# Transactions that reversals name.
READ_ORIGINALS = f"""
select {_ORIGINAL_COLUMNS}
from (select distinct lane, sequence from unnest(%b, %b) as named(lane, sequence)) chosen
join transactions t on t.lane = chosen.lane and t.sequence = chosen.sequence
left join taken_back b on b.lane = t.lane and b.sequence = t.sequence
"""

# Earns that take-backs may reach: for each cancellation that names no original the latest earns of its member up to
# its time, as many as hold the spend that the batch takes back of that member; some come twice. What is all taken back
# holds nothing. Why a sum of floats: as of lots. Why no recursion to members that have become this one: it made the
# plan of every import a third slower. Why "+ 0": a member has few transactions and a partner has many, which a fresh
# table does not tell.
READ_EARNS = f"""
select earns.lane, earns.sequence, earns.kind, earns.programme, earns.partner, earns.member, points, earns.occurred_at,
       recorded_at, earns.spend_minor, programme_version, reversed_points, reversed_spend_minor, expired_counted
from unnest(%b, %b, %b, %b, %b, %b) as wanted(lane, member, programme, partner, occurred_at, spend_minor)
cross join lateral (
    select {_ORIGINAL_COLUMNS},
           sum((t.spend_minor - coalesce(b.spend_minor, 0))::float8) over (
               order by t.occurred_at desc, t.sequence desc rows between unbounded preceding and 1 preceding
           ) as held_by_later
    from transactions t left join taken_back b on b.lane = t.lane and b.sequence = t.sequence
    where t.lane = wanted.lane and t.member = wanted.member and t.programme = wanted.programme
      and t.partner + 0 = wanted.partner and t.kind = 1 and t.occurred_at <= wanted.occurred_at
      and t.spend_minor > coalesce(b.spend_minor, 0)
) earns
where coalesce(held_by_later, 0) * 0.999999 < wanted.spend_minor
"""

# What originals moved of lots, each original named once.
READ_USES = """
select p.lane, p.sequence, p.lot, p.amount
from unnest(%b, %b) as original(lane, sequence)
join postings p on p.lane = original.lane and p.sequence = original.sequence
where (p.debit_kind in (2, 3) and p.credit_kind = 5) or (p.debit_kind = 1 and p.credit_kind = 2)
order by p.lane, p.sequence, p.line
"""

# Their lots, with all that came of these.
READ_FAMILY = f"""
with recursive family(lane, lot) as (
    select distinct p.lane, p.lot
    from unnest(%b, %b) as original(lane, sequence)
    join postings p on p.lane = original.lane and p.sequence = original.sequence
    where p.lot is not null
    union
    select child.lane, child.lot
    from family
    cross join lateral (
        select l.lane, l.lot from lots l where l.lane = family.lane and l.restored_from = family.lot
        union all
        select o.lane, o.lot from lot_origins o where o.origin_lane = family.lane and o.origin_lot = family.lot
    ) child
)
select {LOT_COLUMNS}, o.origin_lane, o.origin_lot
from family
join lots l on l.lane = family.lane and l.lot = family.lot
left join lot_origins o on o.lane = l.lane and o.lot = l.lot
"""

# What they used of caps, and how much of that reversals have taken out of lots since.
READ_CAP_USES = """
select p.lane, p.sequence, p.debit_owner, sum(p.amount)::bigint,
       (select coalesce(sum(taken.amount), 0)::bigint
        from transactions t join postings taken on taken.lane = t.lane and taken.sequence = t.sequence
        where t.reverses_lane = p.lane and t.reverses_sequence = p.sequence
          and taken.debit_kind = 2 and taken.credit_kind = 1)
from unnest(%b, %b) as original(lane, sequence)
join postings p on p.lane = original.lane and p.sequence = original.sequence
where p.credit_kind = 11
group by 1, 2, 3 order by 1, 2, 3
"""

# Members that have become one of those whose earns are taken back.
READ_PREDECESSORS = """
with recursive become(number, lane, member) as (
    select member, lane, member from unnest(%b, %b) as named(lane, member)
    union
    select become.number, m.lane, m.member
    from become join members m on m.into_lane = become.lane and m.into_member = become.member
)
select number, lane, member from become where number <> member
"""


def insert(table: str, columns: str) -> str:
    """One statement that inserts rows, from an array for each column."""
    count = columns.count(",") + 1
    return f"insert into {table} ({columns}) select * from unnest({', '.join(['%b'] * count)})"


# Keys first: a key that another unit of work has won breaks the batch before anything else is written.
INSERT_KEYS = insert("idempotency_keys", "sequence, lane, transactions, digest, request_digest, answer")

INSERT_TRANSACTIONS = insert(
    "transactions",
    "sequence, recorded_at, occurred_at, member, points, available_after, held_after, pending_after, "
    "spend_minor, cash_minor, reverses_sequence, programme, partner, programme_version, lane, kind, "
    "format, answer_format, reverses_lane, key_digest, request_digest, hash, details_commitment, "
    "scene, channel, outlet",
)

INSERT_POSTINGS = insert(
    "postings",
    "sequence, amount, debit_owner, credit_owner, lot, counter_lot, lane, line, debit_kind, credit_kind",
)

INSERT_LOTS = insert(
    "lots",
    "lot, sequence, member, earned_at, available_from, original, restored_from, remaining, held, "
    "expired, programme, funding, terms_version, expires_on, lane, expiries, is_open",
)

UPDATE_LOTS = """
update lots set remaining = changed.remaining, held = changed.held, expired = changed.expired,
    expiries = changed.expiries, is_open = changed.remaining + changed.held > 0
from unnest(%b, %b, %b, %b, %b, %b) as changed(lane, lot, remaining, held, expired, expiries)
where lots.lane = changed.lane and lots.lot = changed.lot
"""

INSERT_DETAILS = insert("details", "sequence, lane, salt, reference_digest, document")

INSERT_MEMBER_POINTS = insert(
    "member_points",
    "member, posted, held, shortfall, next_lapse_at, pending_until, programme, lane",
)

UPDATE_MEMBER_POINTS = """
update member_points set posted = changed.posted, held = changed.held, shortfall = changed.shortfall,
    next_lapse_at = changed.next_lapse_at, pending_until = changed.pending_until
from unnest(%b, %b, %b, %b, %b, %b, %b, %b)
    as changed(member, posted, held, shortfall, next_lapse_at, pending_until, programme, lane)
where member_points.lane = changed.lane and member_points.member = changed.member
  and member_points.programme = changed.programme
"""

INSERT_SHORTFALLS = insert(
    "shortfalls",
    "sequence, member, lot, original, remaining, programme, funding, terms_version, lane",
)

UPDATE_SHORTFALLS = """
update shortfalls set remaining = changed.remaining
from unnest(%b, %b, %b) as changed(lane, sequence, remaining)
where shortfalls.lane = changed.lane and shortfalls.sequence = changed.sequence
"""

# What a transaction has lost to reversals so far.
WRITE_TAKEN_BACK = (
    insert("taken_back", "sequence, points, spend_minor, expired_counted, lane")
    + """
on conflict (lane, sequence) do update set points = excluded.points,
    spend_minor = excluded.spend_minor, expired_counted = excluded.expired_counted
"""
)

# Sub-accounts of parties move by the batch's sums.
MOVE_PARTY_BALANCES = (
    insert("party_balances", "owner, balance, programme, lane, kind")
    + """
on conflict (lane, kind, owner, programme)
do update set balance = party_balances.balance + excluded.balance
"""
)

UPDATE_LANES = """
update lanes set next_sequence = moved.next_sequence, next_lot = moved.next_lot,
    head = moved.head, recorded_at = moved.recorded_at
from unnest(%b, %b, %b, %b, %b) as moved(lane, next_sequence, next_lot, head, recorded_at)
where lanes.lane = moved.lane
"""
