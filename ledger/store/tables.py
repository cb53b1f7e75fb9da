"""The tables of the journal and its projections, with the constraints that repeat the rules.

The *journal* (transactions, postings, lot openings, keys) is only inserted; *projections* are derived from
it and time, and are updated. ``lane`` leads every primary key of a lane table, and columns are ordered by
width to save padding.

Why no foreign keys, triggers or identity columns on lane tables: the same layout must distribute by
lane; the auditor and the named checks guard what foreign keys would.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from ledger.rules.scenes import CHANNELS, SCENES
from ledger.store import (
    appeal_tables,
    audit_tables,
    code_tables,
    epoch_tables,
    funding_tables,
    life_tables,
    money_tables,
    seal_tables,
    session_tables,
    setup_tables,
    vault_tables,
    webhook_tables,
)
from ledger.store.metadata import MOMENT, metadata, one_of

__all__ = [
    "CHANNELS",
    "SCENES",
    "appeal_tables",
    "audit_tables",
    "code_tables",
    "epoch_tables",
    "funding_tables",
    "life_tables",
    "metadata",
    "money_tables",
    "seal_tables",
    "session_tables",
    "setup_tables",
    "vault_tables",
    "webhook_tables",
]

# Coordination and journal.

lanes = Table(
    "lanes",
    metadata,
    Column("lane", SmallInteger, primary_key=True, autoincrement=False),
    Column("next_sequence", BigInteger, nullable=False, server_default=text("1")),
    Column("next_lot", BigInteger, nullable=False, server_default=text("1")),
    Column("recorded_at", MOMENT, nullable=False),
    Column("head", LargeBinary, nullable=False),
    CheckConstraint("next_sequence > 0 and next_lot > 0", name="next_above_zero"),
    CheckConstraint("octet_length(head) = 32", name="head_length"),
    postgresql_with={"fillfactor": 20},
)

transactions = Table(
    "transactions",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("recorded_at", MOMENT, nullable=False),
    Column("occurred_at", MOMENT, nullable=False),
    Column("member", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("available_after", BigInteger, nullable=False),
    Column("held_after", BigInteger, nullable=False),
    Column("pending_after", BigInteger, nullable=False),
    Column("spend_minor", BigInteger),
    Column("cash_minor", BigInteger),
    Column("reverses_sequence", BigInteger),
    Column("programme", Integer, nullable=False),
    Column("partner", Integer, nullable=False),
    Column("programme_version", Integer),
    Column("lane", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    Column("format", SmallInteger, nullable=False),
    Column("answer_format", SmallInteger, nullable=False),
    Column("reverses_lane", SmallInteger),
    Column("key_digest", LargeBinary, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("details_commitment", LargeBinary),
    Column("scene", Text),
    Column("channel", Text),
    Column("outlet", Text),
    PrimaryKeyConstraint("lane", "sequence"),
    CheckConstraint("points >= 0", name="points_not_negative"),
    CheckConstraint("available_after >= 0 and held_after >= 0 and pending_after >= 0", name="after_not_negative"),
    CheckConstraint("spend_minor >= 0 and cash_minor >= 0", name="money_not_negative"),
    CheckConstraint("kind between 1 and 23", name="kind_known"),
    CheckConstraint("(kind = 3) = (reverses_sequence is not null)", name="reversal_names_original"),
    CheckConstraint(one_of("scene", SCENES), name="scene_known"),
    CheckConstraint(one_of("channel", CHANNELS), name="channel_known"),
    Index("transactions_member_index", "lane", "member", "sequence"),
    Index("transactions_partner_index", "lane", "partner", "sequence"),
    Index(
        "transactions_reverses_index",
        "reverses_lane",
        "reverses_sequence",
        postgresql_where=text("reverses_sequence is not null"),
    ),
    postgresql_partition_by="range (sequence)",
)

postings = Table(
    "postings",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("debit_owner", BigInteger, nullable=False),
    Column("credit_owner", BigInteger, nullable=False),
    Column("lot", BigInteger),
    Column("counter_lot", BigInteger),
    Column("lane", SmallInteger, nullable=False),
    Column("line", SmallInteger, nullable=False),
    Column("debit_kind", SmallInteger, nullable=False),
    Column("credit_kind", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "sequence", "line"),
    CheckConstraint("amount > 0", name="amount_above_zero"),
    CheckConstraint("debit_kind between 1 and 13 and credit_kind between 1 and 13", name="kinds_known"),
    CheckConstraint(
        "lot is not null or (debit_kind not in (2, 3, 4) and credit_kind not in (2, 3, 4))",
        name="member_posting_names_lot",
    ),
    postgresql_partition_by="range (sequence)",
)

lots = Table(
    "lots",
    metadata,
    Column("lot", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("member", BigInteger, nullable=False),
    Column("earned_at", MOMENT, nullable=False),
    Column("available_from", MOMENT, nullable=False),
    Column("original", BigInteger, nullable=False),
    Column("restored_from", BigInteger),
    Column("remaining", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("expired", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("funding", Integer, nullable=False),
    Column("terms_version", Integer),
    Column("expires_on", Date),
    Column("lane", SmallInteger, nullable=False),
    Column("expiries", SmallInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    PrimaryKeyConstraint("lane", "lot"),
    CheckConstraint("original > 0", name="original_above_zero"),
    CheckConstraint("remaining >= 0 and held >= 0 and remaining + held <= original", name="rest_within_original"),
    CheckConstraint("is_open = (remaining + held > 0)", name="open_while_points_are_left"),
    Index(
        "lots_open_index",
        "lane",
        "member",
        "programme",
        "expires_on",
        "earned_at",
        "lot",
        postgresql_where=text("is_open"),
    ),
    Index(
        "lots_restored_from_index",
        "lane",
        "restored_from",
        postgresql_where=text("restored_from is not null"),
    ),
    postgresql_with={"fillfactor": 90},
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("sequence", BigInteger),
    Column("lane", SmallInteger),
    Column("transactions", SmallInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("request_digest", LargeBinary, nullable=False),
    Column("answer", LargeBinary),
    PrimaryKeyConstraint("digest"),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    CheckConstraint("(answer is null) = (sequence is not null)", name="answer_or_place"),
    CheckConstraint("(lane is null) = (sequence is null)", name="place_is_whole"),
    postgresql_partition_by="hash (digest)",
)

details = Table(
    "details",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("reference_digest", LargeBinary),
    Column("document", LargeBinary, nullable=False),
    PrimaryKeyConstraint("lane", "sequence"),
    Index(
        "details_reference_index",
        "reference_digest",
        postgresql_where=text("reference_digest is not null"),
    ),
)

# Projections.

member_points = Table(
    "member_points",
    metadata,
    Column("member", BigInteger, nullable=False),
    Column("posted", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    Column("shortfall", BigInteger, nullable=False),
    Column("next_lapse_at", MOMENT),
    Column("pending_until", MOMENT),
    Column("programme", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "member", "programme"),
    CheckConstraint("posted >= 0", name="posted_not_negative"),
    CheckConstraint("held >= 0", name="held_not_negative"),
    CheckConstraint("shortfall >= 0", name="shortfall_not_negative"),
    postgresql_with={"fillfactor": 80},
)

shortfalls = Table(
    "shortfalls",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("member", BigInteger, nullable=False),
    Column("lot", BigInteger, nullable=False),
    Column("original", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("funding", Integer, nullable=False),
    Column("terms_version", Integer),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "sequence"),
    CheckConstraint("remaining between 0 and original", name="rest_within_original"),
    Index(
        "shortfalls_open_index",
        "lane",
        "member",
        "programme",
        postgresql_where=text("remaining > 0"),
    ),
)

party_balances = Table(
    "party_balances",
    metadata,
    Column("owner", BigInteger, nullable=False),
    Column("balance", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "kind", "owner", "programme"),
    postgresql_with={"fillfactor": 50},
)

taken_back = Table(
    "taken_back",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("spend_minor", BigInteger, nullable=False),
    Column("expired_counted", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "sequence"),
    CheckConstraint(
        "points >= 0 and spend_minor >= 0 and expired_counted between 0 and points",
        name="amounts_in_range",
    ),
)
