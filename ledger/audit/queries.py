"""Every query of the auditor, named, with its purpose. All only read, with the service's own rights."""

from ledger.rules.journal import LotOpening, Posting, Transaction


def _columns(table: str, names: tuple[str, ...]) -> str:
    return ", ".join(f"{table}.{name}" for name in names)


# The journal's columns in the order of its canonical form.
TRANSACTION_FIELDS = Transaction.__struct_fields__[:-2]
_TRANSACTION = _columns("t", TRANSACTION_FIELDS)
_POSTING = _columns("p", Posting.__struct_fields__)
_LOT = f"{_columns('l', LotOpening.__struct_fields__)}, l.sequence, l.member, l.programme"
_REST_OF_LOT = "l.remaining, l.held, l.expired, l.expiries, l.is_open"

# All lanes at one moment: what crosses lanes is wholly before or wholly after it.
READ_LANES = "select lane, next_sequence, next_lot, head, recorded_at from lanes order by lane"

READ_LANE = "select lane, next_sequence, next_lot, head, recorded_at from lanes where lane = %s"

# How far the ledger has come: whether others are posting.
READ_POSTED = "select sum(next_sequence)::bigint from lanes"

# Makes an open unit of work see one moment only.
ONE_MOMENT = "set transaction isolation level repeatable read, read only"

# The lanes that rows of each table name: a lane that is not the ledger's would never be walked.
READ_LANES_NAMED = " union all ".join(
    f"select '{table}', min(lane)::int, max(lane)::int from {table}"
    for table in (
        "transactions",
        "postings",
        "lots",
        "details",
        "member_points",
        "shortfalls",
        "party_balances",
        "taken_back",
        "particulars",
        "lot_origins",
        "holds",
        "hold_lots",
        "gift_months",
        "money_postings",
        "members",
        "member_names",
        "epoch_starts",
    )
)

# A page of a lane's transactions, each with the key row of its digest.
READ_TRANSACTIONS = f"""
select {_TRANSACTION}, t.hash, k.lane, k.sequence, k.transactions, k.request_digest
from transactions t left join idempotency_keys k on k.digest = t.key_digest
where t.lane = %s and t.sequence >= %s and t.sequence < %s
order by t.sequence limit %s
"""

# The postings of a page.
READ_POSTINGS = f"""
select p.sequence, p.line, {_POSTING} from postings p
where p.lane = %s and p.sequence >= %s and p.sequence < %s
order by p.sequence, p.line
"""

# What is left of a page's details.
READ_DETAILS = "select sequence, salt, document from details where lane = %s and sequence >= %s and sequence < %s"

# What only some kinds of transactions of a page have.
READ_PARTICULARS = """
select sequence, hold, expires_at, counter_lane, counter_sequence, into_member, approval, expires_on, days_before,
       about, money, exchange_rate, epoch, epoch_identity, superseded_seals
from particulars where lane = %s and sequence >= %s and sequence < %s
"""

# Where each epoch begins in each lane.
READ_EPOCH_STARTS = "select lane, epoch, sequence from epoch_starts"

# Where the lots opened in a page come from.
READ_ORIGINS = """
select sequence, lot, origin_lane, origin_lot from lot_origins
where lane = %s and lot >= %s and lot <= %s order by lot
"""

# The holds opened in a page, with what the projections say is left of them and of each of their lots.
_HOLD = "sequence, member, points, remaining, expires_at, programme, partner, moved_lane, moved_sequence"
READ_HOLDS = f"""
select {_HOLD} from holds where lane = %s and sequence >= %s and sequence < %s
"""
READ_HOLD_LOTS = """
select hold, lot, points, remaining from hold_lots where lane = %s and hold >= %s and hold < %s
"""

# The lots opened in a page, by number, with what the projection says is left of them.
READ_OPENINGS = f"""
select {_LOT}, {_REST_OF_LOT} from lots l
where l.lane = %s and l.lot >= %s and l.lot <= %s order by l.lot
"""

# Lots that a page names and that were closed and forgotten before.
READ_LOTS = f"""
select {_LOT}, {_REST_OF_LOT} from lots l where l.lane = %s and l.lot = any(%b) order by l.lot
"""

# Transactions that the reversals of a page name.
READ_ORIGINALS = """
select lane, sequence, kind, programme, partner, member, points, occurred_at, recorded_at, spend_minor,
       programme_version
from transactions where lane = %s and sequence = any(%b)
"""

# The lots that these gave or took, in order: of an earn its own lot, of a redemption or capture those it used.
READ_USES = """
select sequence, lot, amount from postings
where lane = %s and sequence = any(%b)
  and ((debit_kind = 1 and credit_kind = 2) or (debit_kind in (2, 3) and credit_kind = 5))
order by sequence, line
"""

# The caps that earns among these used.
READ_CAP_USES = """
select sequence, credit_owner, sum(amount)::bigint from postings
where lane = %s and sequence = any(%b) and credit_kind = 11
group by sequence, credit_owner order by sequence, credit_owner
"""

# Of a reversal for a member that the original's has become: whom a member has become, one after the other.
READ_PATH = """
with recursive path as (
    select lane, member, into_lane, into_member, 0 as step from members where lane = %s and member = %s
    union all
    select m.lane, m.member, m.into_lane, m.into_member, path.step + 1
    from path join members m on m.lane = path.into_lane and m.member = path.into_member
    where path.step < 1000
)
select lane, member from path order by step
"""

# All reversals of an original, with what they moved back to its funding, and of that what was free.
READ_REVERSALS = """
select t.lane, t.sequence, t.member, t.points, coalesce(t.spend_minor, 0), back.moved, back.freed
from transactions t
cross join lateral (
    select coalesce(sum(p.amount), 0)::bigint as moved,
           coalesce(sum(p.amount) filter (where p.debit_kind = 2), 0)::bigint as freed
    from postings p
    where p.lane = t.lane and p.sequence = t.sequence and p.debit_kind in (2, 4) and p.credit_kind = 1
) back
where t.reverses_lane = %s and t.reverses_sequence = %s order by t.lane, t.sequence
"""

# A lot and all that was restored from it or brought elsewhere by a merge, a move or a later return.
READ_FAMILY = """
with recursive family as (
    select lane, lot, 0 as depth from lots where lane = %s and lot = %s
    union
    select child.lane, child.lot, family.depth + 1
    from family cross join lateral (
        select l.lane, l.lot from lots l where l.lane = family.lane and l.restored_from = family.lot
        union all
        select o.lane, o.lot from lot_origins o
        where o.origin_lane = family.lane and o.origin_lot = family.lot
    ) child where family.depth < 1000
)
select distinct l.lane, l.lot, l.sequence, l.member, l.expired
from family join lots l on l.lane = family.lane and l.lot = family.lot order by l.lane, l.lot
"""

# Reversals of a lane's originals that were recorded for another member than the original's.
READ_LATER_RETURNS = """
select o.sequence, t.lane, t.sequence, t.points, coalesce(t.spend_minor, 0)
from transactions o join transactions t on t.reverses_lane = o.lane and t.reverses_sequence = o.sequence
where o.lane = %s and o.sequence = any(%b) and (t.lane, t.member) <> (o.lane, o.member)
"""

# The ids by which members were told of points about to lapse.
READ_PUBLIC_IDS = "select member, public_id::text from members where lane = %s and member = any(%b)"

# What was decided by two persons, of the approvals that a page names.
READ_APPROVALS = """
select approval_id::text, operation, state, lane, sequence from approvals where approval_id = any(%s::uuid[])
"""

# Approvals that say they are posted at a place where no transaction names them.
READ_LOST_APPROVALS = """
select a.approval_id::text, a.lane, a.sequence from approvals a
left join particulars p on p.lane = a.lane and p.sequence = a.sequence and p.approval = a.approval_id::text
where a.state = 'posted' and p.sequence is null limit 1000
"""

# The projections of a lane, whole.
READ_MEMBER_POINTS = """
select member, programme, posted, held, shortfall, next_lapse_at, pending_until from member_points where lane = %s
"""
READ_OPEN_LOTS = f"""
select l.lot, {_REST_OF_LOT} from lots l where l.lane = %s and l.is_open
"""
READ_REST_OF_LOTS = f"""
select l.lot, {_REST_OF_LOT} from lots l where l.lane = %s and l.lot = any(%b)
"""
READ_SHORTFALLS = """
select sequence, member, programme, lot, funding, terms_version, original, remaining from shortfalls where lane = %s
"""
READ_PARTY_BALANCES = "select kind, owner, programme, balance from party_balances where lane = %s"
READ_TAKEN_BACK = "select sequence, points, spend_minor, expired_counted from taken_back where lane = %s"
READ_GIFT_MONTHS = "select member, programme, month, given, received from gift_months where lane = %s"
READ_OPEN_HOLDS = f"select {_HOLD} from holds where lane = %s and remaining > 0"
READ_REST_OF_HOLDS = f"select {_HOLD} from holds where lane = %s and sequence = any(%b)"
READ_LOTS_OF_HOLDS = "select hold, lot, points, remaining from hold_lots where lane = %s and hold = any(%b)"

# Caps at home in a lane, and their points in allotments of all lanes.
READ_CAPS = """
select c.cap, c.is_swept, (select coalesce(sum(b.balance), 0)::bigint from party_balances b
                           where b.kind = 10 and b.owner = c.cap and b.programme = c.programme)
from caps c where c.home_lane = %s order by c.cap
"""

# Members with how many names and ids they are known by.
READ_MEMBERS = """
select m.member, m.public_id, m.status, m.into_lane, m.into_member,
       count(n.digest), count(n.digest) filter (where n.kind = 'id')
from members m left join member_names n on n.lane = m.lane and n.member = m.member
where m.lane = %s group by m.lane, m.member
"""

# Names of members that are not there.
READ_LOST_NAMES = """
select n.digest, n.member from member_names n left join members m on m.lane = n.lane and m.member = n.member
where n.lane = %s and m.member is null limit 1000
"""

# Rows outside the numbers that a lane has given out.
READ_BEYOND = """
(select 'transaction', 'row', sequence from transactions
 where lane = %(lane)s and sequence >= %(end)s limit 1000)
union all
(select 'transaction', 'posting', sequence from postings
 where lane = %(lane)s and sequence >= %(end)s limit 1000)
union all
(select 'transaction', 'details', sequence from details
 where lane = %(lane)s and (sequence >= %(end)s or sequence < 0) limit 1000)
union all
(select 'transaction', 'particulars', sequence from particulars
 where lane = %(lane)s and (sequence >= %(end)s or sequence < 0) limit 1000)
union all
(select 'hold', 'row', sequence from holds
 where lane = %(lane)s and (sequence >= %(end)s or sequence < 0) limit 1000)
union all
(select 'hold', 'lot', hold from hold_lots
 where lane = %(lane)s and (hold >= %(end)s or hold < 0) limit 1000)
union all
(select 'lot', 'origin', lot from lot_origins
 where lane = %(lane)s and (lot >= %(next_lot)s or lot < 1) limit 1000)
union all
(select 'lot', 'row', lot from lots
 where lane = %(lane)s and (lot >= %(next_lot)s or lot < 1) limit 1000)
"""

# A page of keys in the order of their digests, each with the transaction at its place.
READ_KEYS = """
select k.digest, k.request_digest, k.lane, k.sequence, k.transactions, k.answer, t.key_digest, t.request_digest
from (
    select * from idempotency_keys where digest > %s and digest < %s order by digest limit %s
) k left join transactions t on t.lane = k.lane and t.sequence = k.sequence
order by k.digest
"""

# The transactions of the clearing lane that may move money, with what they commit to.
READ_COMMITMENTS = """
select t.sequence, t.programme, p.money
from transactions t left join particulars p on p.lane = t.lane and p.sequence = t.sequence
where t.lane = %s and t.sequence > %s and t.sequence <= %s and t.kind in (19, 20)
order by t.sequence limit %s
"""

# The money postings of a stretch, in order.
READ_MONEY_POSTINGS = """
select sequence, line, programme, currency, debit, debit_party, credit, credit_party, amount_minor
from money_postings
where lane = %s and sequence > %s and sequence <= %s
order by sequence, line
"""

# Balances of money that are not what their postings come to.
READ_MONEY_DIFFERENCES = """
with moved as (
    select programme, currency, account, party, sum(amount)::bigint as amount from (
        select programme, currency, debit as account, debit_party as party, amount_minor as amount from money_postings
        union all
        select programme, currency, credit, credit_party, -amount_minor from money_postings
    ) entries group by programme, currency, account, party
)
select programme, currency, account, party, coalesce(b.balance_minor, 0), coalesce(m.amount, 0)
from moved m full join money_balances b using (programme, currency, account, party)
where coalesce(b.balance_minor, 0) <> coalesce(m.amount, 0)
order by programme, currency, account, party
"""
