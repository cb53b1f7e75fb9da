"""Queries of a poster's unit of work that few batches need: of holds, codes, caps, gifts, moves and money.

Set-based like those of ``lane_queries.py``; ``rarer_state.py`` reads with the first of them, ``rarer_writes.py``
writes with the others.
"""

from ledger.store.lane_queries import LOT_COLUMNS, insert

# What members have become, and those again, in any lane.
READ_SUCCESSORS = """
with recursive gone(lane, member, into_lane, into_member) as (
    select m.lane, m.member, m.into_lane, m.into_member
    from unnest(%b, %b) as named(lane, member)
    join members m on m.lane = named.lane and m.member = named.member
    union
    select m.lane, m.member, m.into_lane, m.into_member
    from gone join members m on m.lane = gone.into_lane and m.member = gone.into_member
)
select lane, member, into_lane, into_member from gone where into_member is not null
"""

_HOLD_COLUMNS = """
h.lane, h.sequence, h.member, h.programme, h.partner, h.points, h.remaining, h.expires_at,
t.scene, t.channel, t.outlet, h.moved_lane, h.moved_sequence
"""

# Open holds of members with held points: one row for each lot that they hold.
READ_OPEN_HOLDS = f"""
select {_HOLD_COLUMNS}, part.remaining, {LOT_COLUMNS}
from unnest(%b, %b, %b) as wanted(lane, member, programme)
join holds h
  on h.lane = wanted.lane and h.member = wanted.member and h.programme = wanted.programme and h.remaining > 0
join transactions t on t.lane = h.lane and t.sequence = h.sequence
join hold_lots part on part.lane = h.lane and part.hold = h.sequence and part.remaining > 0
join lots l on l.lane = part.lane and l.lot = part.lot
"""

# Holds by their places, with those that they have moved to.
READ_NAMED_HOLDS = f"""
with recursive named(lane, sequence) as (
    select lane, sequence from unnest(%b, %b) as named(lane, sequence)
    union
    select h.moved_lane, h.moved_sequence
    from named join holds h on h.lane = named.lane and h.sequence = named.sequence
    where h.moved_lane is not null
)
select {_HOLD_COLUMNS}
from named
join holds h on h.lane = named.lane and h.sequence = named.sequence
join transactions t on t.lane = h.lane and t.sequence = h.sequence
"""

# Members' codes. They end by the real time, which is asked for under the lane's lock.
READ_CODES = """
select c.digest, c.lane, c.member, c.expires_at <= clock_timestamp(), c.used_lane, c.used_sequence
from unnest(%b) as wanted(digest) join member_codes c on c.digest = wanted.digest
"""

# Pools and allotments of caps in some lanes.
READ_CAP_BALANCES = """
select lane, kind, owner, balance from party_balances where lane = any(%b) and kind in (9, 10)
"""

INSERT_PARTICULARS = insert(
    "particulars",
    "sequence, hold, expires_at, counter_sequence, into_member, expires_on, lane, counter_lane, days_before, approval, "
    "about, money, exchange_rate, epoch, epoch_identity, superseded_seals",
)

INSERT_MONEY_POSTINGS = insert(
    "money_postings",
    "sequence, amount_minor, programme, debit_party, credit_party, lane, line, debit, credit, currency",
)

# Every money posting is made under the clearing lane's lock, so no two units of work meet here.
WRITE_MONEY_BALANCES = """
insert into money_balances (balance_minor, programme, party, account, currency)
select * from unnest(%b, %b, %b, %b, %b)
on conflict (programme, currency, account, party)
do update set balance_minor = money_balances.balance_minor + excluded.balance_minor
"""

INSERT_LOT_ORIGINS = insert("lot_origins", "lot, sequence, origin_lot, lane, origin_lane")

INSERT_HOLDS = insert(
    "holds", "sequence, member, points, remaining, expires_at, moved_sequence, programme, partner, lane, moved_lane"
)

UPDATE_HOLDS = """
update holds set remaining = changed.remaining, moved_lane = changed.moved_lane,
    moved_sequence = changed.moved_sequence
from unnest(%b, %b, %b, %b, %b) as changed(lane, sequence, remaining, moved_lane, moved_sequence)
where holds.lane = changed.lane and holds.sequence = changed.sequence
"""

INSERT_HOLD_LOTS = insert("hold_lots", "hold, lot, points, remaining, lane")

UPDATE_HOLD_LOTS = """
update hold_lots set remaining = changed.remaining
from unnest(%b, %b, %b, %b) as changed(lane, hold, lot, remaining)
where hold_lots.lane = changed.lane and hold_lots.hold = changed.hold and hold_lots.lot = changed.lot
"""

WRITE_GIFT_MONTHS = (
    insert("gift_months", "member, given, received, month, programme, lane")
    + """
on conflict (lane, member, programme, month)
do update set given = excluded.given, received = excluded.received
"""
)

# A member that moves gets a row in its new lane.
INSERT_MEMBERS = """
insert into members (member, public_id, created_at, lane, status)
select new.member, old.public_id, old.created_at, new.lane, new.status
from unnest(%b, %b, %b, %b, %b) as new(member, lane, status, old_lane, old_member)
join members old on old.lane = new.old_lane and old.member = new.old_member
"""

UPDATE_MEMBERS = """
update members set status = changed.status, into_lane = changed.into_lane, into_member = changed.into_member
from unnest(%b, %b, %b, %b, %b) as changed(lane, member, status, into_lane, into_member)
where members.lane = changed.lane and members.member = changed.member
"""

# Every name of a merged or moved member leads to what it has become.
LEAD_NAMES = """
update member_names set lane = gone.into_lane, member = gone.into_member
from unnest(%b, %b, %b, %b) as gone(lane, member, into_lane, into_member)
where member_names.lane = gone.lane and member_names.member = gone.member
"""

# So does every token: it is the same person.
LEAD_TOKENS = """
update member_tokens set lane = gone.into_lane, member = gone.into_member
from unnest(%b, %b, %b, %b) as gone(lane, member, into_lane, into_member)
where member_tokens.lane = gone.lane and member_tokens.member = gone.member
"""

# Codes too. Of a closed member they end: nothing could be posted with them.
LEAD_CODES = """
update member_codes set lane = gone.into_lane, member = gone.into_member
from unnest(%b, %b, %b, %b) as gone(lane, member, into_lane, into_member)
where member_codes.lane = gone.lane and member_codes.member = gone.member
"""

END_CODES = """
delete from member_codes using unnest(%b, %b) as closed(lane, member)
where member_codes.lane = closed.lane and member_codes.member = closed.member
"""

SPEND_CODES = """
update member_codes set used_at = clock_timestamp(), used_lane = spent.lane, used_sequence = spent.sequence
from unnest(%b, %b, %b) as spent(digest, lane, sequence)
where member_codes.digest = spent.digest and member_codes.used_at is null
"""

SWEEP_CAPS = """
update caps set is_swept = changed.is_swept from unnest(%b, %b) as changed(cap, is_swept)
where caps.cap = changed.cap
"""

RAISE_REGISTRY_VERSION = "update registry set version = version + 1"
