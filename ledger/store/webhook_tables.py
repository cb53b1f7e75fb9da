"""The tables of webhooks, of what is delivered to them, and of the worker's jobs.

None of them is history: a delivery names its event by the event's id, and what is sent is read from the
journal at that moment.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
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

STATES = ("active", "paused")
PAUSE_REASONS = ("asked", "gone", "failing")
DELIVERY_STATES = ("pending", "delivered", "dead")
FAILURES = ("status", "redirect", "timeout", "connection", "tls", "target-refused", "internal-error")

webhooks = Table(
    "webhooks",
    metadata,
    Column("webhook", Uuid, primary_key=True),
    # 0 stands for the ledger itself, so there is no foreign key.
    Column("partner", Integer, nullable=False),
    Column("url", Text, nullable=False),
    Column("description", Text),
    Column("types", ARRAY(Text)),
    Column("state", Text, nullable=False, server_default=text("'active'")),
    Column("pause_reason", Text),
    Column("secret", LargeBinary, nullable=False),
    Column("former_secret", LargeBinary),
    Column("former_secret_ends_at", MOMENT),
    Column("positions", ARRAY(BigInteger), nullable=False),
    Column("planned_to", BigInteger, nullable=False, server_default=text("0")),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("failing_since", MOMENT),
    Column("next_probe_at", MOMENT),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    CheckConstraint(one_of("state", STATES), name="state_known"),
    CheckConstraint(one_of("pause_reason", PAUSE_REASONS), name="pause_reason_known"),
    CheckConstraint("(state = 'paused') = (pause_reason is not null)", name="pause_has_reason"),
    CheckConstraint("(former_secret is null) = (former_secret_ends_at is null)", name="former_secret_ends"),
    CheckConstraint("failures >= 0", name="failures_not_negative"),
    Index("webhooks_partner_index", "partner", "webhook"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("webhook", Uuid, ForeignKey("webhooks.webhook", ondelete="CASCADE"), nullable=False),
    Column("event", Uuid, nullable=False),
    Column("planned_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("next_attempt_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("claimed_until", MOMENT),
    Column("first_attempt_at", MOMENT),
    Column("last_attempt_at", MOMENT),
    Column("ended_at", MOMENT),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_status", SmallInteger),
    Column("last_failure", Text),
    Column("type", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    PrimaryKeyConstraint("webhook", "event"),
    CheckConstraint(one_of("state", DELIVERY_STATES), name="state_known"),
    CheckConstraint(one_of("last_failure", FAILURES), name="last_failure_known"),
    CheckConstraint("(state = 'pending') = (ended_at is null)", name="ended_when_not_pending"),
    CheckConstraint("attempts >= 0", name="attempts_not_negative"),
    Index(
        "webhook_deliveries_pending_index",
        "webhook",
        "next_attempt_at",
        "event",
        postgresql_where=text("state = 'pending'"),
    ),
    Index(
        "webhook_deliveries_ended_index",
        "state",
        "ended_at",
        postgresql_where=text("state <> 'pending'"),
    ),
    Index("webhook_deliveries_dead_index", "webhook", "event", postgresql_where=text("state = 'dead'")),
    # Every delivery is written two or three times.
    postgresql_with={"fillfactor": 70},
)

jobs = Table(
    "jobs",
    metadata,
    Column("job", Text, primary_key=True),
    Column("next_run_at", MOMENT, nullable=False),
    Column("last_started_at", MOMENT),
    Column("last_finished_at", MOMENT),
    Column("last_outcome", Text),
)
