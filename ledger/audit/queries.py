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
        "members",
        "member_names",
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
select sequence, kind, programme, partner, member, points, spend_minor, programme_version
from transactions where lane = %s and sequence = any(%b)
"""

# The lots that these gave or took, in order: of an earn its own lot, of a redemption those it used.
READ_USES = """
select sequence, lot, amount from postings
where lane = %s and sequence = any(%b)
  and ((debit_kind = 1 and credit_kind = 2) or (debit_kind = 2 and credit_kind = 5))
order by sequence, line
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

# Members with how many ids they are known by.
READ_MEMBERS = """
select m.member, m.public_id, count(n.digest) filter (where n.kind = 'id')
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
