"""The tables of settlement: contracts, closed days, batches, and the money that follows.

What a batch rests on and comes to is kept as two documents under one digest, so that it can be proved later as it
was approved. Rows of lanes are never touched: a batch names ranges of sequences.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from ledger.store.metadata import MOMENT, metadata, one_of
from ledger.store.setup_tables import programmes
from settlement.vocabulary import (
    BATCH_STATES,
    DISPUTE_STATES,
    NOTICE_STATES,
    OPERATIONS,
    PAYMENT_STATES,
    PROPOSAL_STATES,
)

_PROGRAMME = programmes.c.programme

# Contracts and what else is set up, each change by two persons.

contract_terms = Table(
    "contract_terms",
    metadata,
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("document", LargeBinary, nullable=False),
    Column("proposal", Uuid, nullable=False),
    PrimaryKeyConstraint("programme", "partner", "version"),
    CheckConstraint("version > 0", name="version_above_zero"),
)

settlement_proposals = Table(
    "settlement_proposals",
    metadata,
    Column("proposal", Uuid, primary_key=True),
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("operation", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", MOMENT, nullable=False),
    Column("decided_by", Text),
    Column("decided_at", MOMENT),
    Column("decision_reason", Text),
    Column("outcome", Text),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("decision", BigInteger, unique=True),
    CheckConstraint(one_of("operation", OPERATIONS), name="operation_known"),
    CheckConstraint(one_of("state", PROPOSAL_STATES), name="state_known"),
    CheckConstraint("(state = 'waiting') = (decided_by is null)", name="decided_by_somebody"),
    CheckConstraint("(state = 'waiting') = (decision is null)", name="decision_numbered"),
    CheckConstraint("decided_by is null or (decided_by = proposed_by) = (state = 'withdrawn')", name="second_person"),
)

fx_quotes = Table(
    "fx_quotes",
    metadata,
    Column("quote", BigInteger, nullable=False),
    Column("valid_from", MOMENT, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("quoted_at", MOMENT, nullable=False),
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("currency", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("quoted_by", Text, nullable=False),
    PrimaryKeyConstraint("programme", "currency", "valid_from", "quoted_at"),
    CheckConstraint("quote > 0", name="quote_above_zero"),
    CheckConstraint("expires_at > valid_from", name="lasts"),
)

# Days.

bank_days = Table(
    "bank_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("is_business", Boolean, nullable=False),
    Column("note", Text, nullable=False),
    Column("set_by", Text, nullable=False),
)

settlement_days = Table(
    "settlement_days",
    metadata,
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("day", Date, nullable=False),
    Column("cut_off_at", MOMENT, nullable=False),
    Column("closed_at", MOMENT, nullable=False),
    Column("closed_by", Text, nullable=False),
    PrimaryKeyConstraint("programme", "day"),
)

settlement_ranges = Table(
    "settlement_ranges",
    metadata,
    Column("last_sequence", BigInteger, nullable=False),
    Column("day", Date, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("programme", "day", "lane"),
    CheckConstraint("last_sequence >= 0", name="last_not_negative"),
)

# Batches.

settlement_batches = Table(
    "settlement_batches",
    metadata,
    Column("batch", Text, primary_key=True),
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("inputs", LargeBinary, nullable=False),
    Column("figures", LargeBinary, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("sequence", BigInteger),
    CheckConstraint(one_of("state", BATCH_STATES), name="state_known"),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    CheckConstraint("(state in ('draft', 'submitted', 'cancelled')) = (sequence is null)", name="posted_when_approved"),
    Index("settlement_batches_day_index", "programme", "last_day", "revision", unique=True),
    Index(
        "settlement_batches_unapproved_index",
        "programme",
        unique=True,
        postgresql_where=text("state in ('draft', 'submitted')"),
    ),
)

settlement_batch_days = Table(
    "settlement_batch_days",
    metadata,
    Column("day", Date, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("batch", Text, ForeignKey("settlement_batches.batch"), nullable=False),
    Column("is_freed", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("batch", "day"),
    Index("settlement_batch_days_once_index", "programme", "day", unique=True, postgresql_where=text("not is_freed")),
)

settlement_batch_steps = Table(
    "settlement_batch_steps",
    metadata,
    Column("at", MOMENT, nullable=False),
    Column("step", Integer, nullable=False),
    Column("batch", Text, ForeignKey("settlement_batches.batch"), nullable=False),
    Column("state", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("batch", "step"),
)

# The money that follows.

payments = Table(
    "payments",
    metadata,
    Column("end_to_end_id", Text, primary_key=True),
    Column("batch", Text, ForeignKey("settlement_batches.batch"), nullable=False),
    Column("programme", Integer, nullable=False),
    Column("party", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("booked_minor", BigInteger, nullable=False),
    Column("refundable_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("message_id", Text),
    Column("state", Text, nullable=False),
    Column("reason", Text),
    CheckConstraint(one_of("state", PAYMENT_STATES), name="state_known"),
    CheckConstraint("amount_minor > 0 and booked_minor > 0", name="amount_above_zero"),
    CheckConstraint("refundable_minor between 0 and amount_minor", name="refundable_within_amount"),
    CheckConstraint("length(end_to_end_id) <= 35", name="id_length"),
    Index("payments_attempt_index", "batch", "party", "attempt", unique=True),
)

payment_files = Table(
    "payment_files",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("batch", Text, ForeignKey("settlement_batches.batch"), nullable=False),
    Column("made_at", MOMENT, nullable=False),
    Column("number", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Index("payment_files_batch_index", "batch", "number", unique=True),
)

payment_notices = Table(
    "payment_notices",
    metadata,
    Column("reference", Text, primary_key=True),
    Column("batch", Text, ForeignKey("settlement_batches.batch"), nullable=False),
    Column("programme", Integer, nullable=False),
    Column("party", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("received_minor", BigInteger, nullable=False, server_default=text("0")),
    Column("currency", Text, nullable=False),
    Column("due_on", Date, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    CheckConstraint(one_of("state", NOTICE_STATES), name="state_known"),
    CheckConstraint("amount_minor > 0 and received_minor between 0 and amount_minor", name="received_within_amount"),
    Index("payment_notices_party_index", "programme", "party", "due_on"),
)

bank_files = Table(
    "bank_files",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("imported_at", MOMENT, nullable=False),
    Column("kind", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("imported_by", Text, nullable=False),
    Column("outcome", LargeBinary, nullable=False),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    Index("bank_files_message_index", "kind", "message_id", unique=True),
)

bank_entries = Table(
    "bank_entries",
    metadata,
    Column("account", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column(
        "digest", LargeBinary, ForeignKey("bank_files.digest", deferrable=True, initially="deferred"), nullable=False
    ),
    PrimaryKeyConstraint("account", "reference"),
)

suspense_items = Table(
    "suspense_items",
    metadata,
    Column("item", Uuid, primary_key=True),
    Column("programme", Integer, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("booked_on", Date, nullable=False),
    Column("currency", Text, nullable=False),
    Column("payer", Text, nullable=False),
    Column("remittance", Text, nullable=False),
    Column("matched_by", Text),
    Column("matched_to", Text),
    CheckConstraint("amount_minor <> 0", name="amount_not_zero"),
    CheckConstraint("(matched_by is null) = (matched_to is null)", name="match_is_whole"),
)

disputes = Table(
    "disputes",
    metadata,
    Column("dispute", Uuid, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("commission_minor", BigInteger, nullable=False),
    Column("reserve_minor", BigInteger, nullable=False),
    Column("opened_at", MOMENT, nullable=False),
    Column("decided_at", MOMENT),
    Column("reversal_sequence", BigInteger),
    Column("programme", Integer, ForeignKey(_PROGRAMME), nullable=False),
    Column("acceptor", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("reversal_lane", SmallInteger),
    Column("is_held", Boolean, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("reason", Text, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("decided_by", Text),
    Column("decision_reason", Text),
    CheckConstraint(one_of("state", DISPUTE_STATES), name="state_known"),
    CheckConstraint("(state = 'open') = (decided_by is null)", name="decided_by_somebody"),
    CheckConstraint("decided_by is null or decided_by <> opened_by", name="second_person"),
    CheckConstraint("amount_minor > 0 and commission_minor >= 0 and reserve_minor >= 0", name="amounts_in_range"),
    CheckConstraint("(reversal_lane is null) = (reversal_sequence is null)", name="reversal_is_whole"),
    Index("disputes_transaction_index", "lane", "sequence", unique=True),
    Index(
        "disputes_reversal_index",
        "reversal_lane",
        "reversal_sequence",
        unique=True,
        postgresql_where=text("reversal_lane is not null"),
    ),
)

cover_movements = Table(
    "cover_movements",
    metadata,
    Column("movement", Text, primary_key=True),
    Column("amount", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("partner", Integer, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("is_posted", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("amount <> 0", name="amount_not_zero"),
    Index("cover_movements_waiting_index", "movement", postgresql_where=text("not is_posted")),
)

SETTLEMENT_TABLES = (
    settlement_proposals,
    contract_terms,
    fx_quotes,
    bank_days,
    settlement_days,
    settlement_ranges,
    settlement_batches,
    settlement_batch_days,
    settlement_batch_steps,
    payments,
    payment_files,
    payment_notices,
    bank_files,
    bank_entries,
    suspense_items,
    disputes,
    cover_movements,
)
