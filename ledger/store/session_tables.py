"""The table of sessions: who is signed in to the pages. A session holds no personal data and no secret."""

from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    text,
)

from ledger.store.metadata import MOMENT, metadata, one_of

SESSION_KINDS = ("citizen", "merchant", "staff")

sessions = Table(
    "sessions",
    metadata,
    # SHA-256 of the secret in the browser's cookie: who reads the table cannot take over a session.
    Column("secret_digest", LargeBinary, primary_key=True),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("seen_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("ends_at", MOMENT, nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner")),
    Column("kind", Text, nullable=False),
    # A member's public id, or the subject that the identity provider names.
    Column("person", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    CheckConstraint("octet_length(secret_digest) = 32", name="digest_length"),
    CheckConstraint("length(person) between 1 and 255", name="person_length"),
    CheckConstraint(one_of("kind", SESSION_KINDS), name="kind_known"),
    CheckConstraint("(kind = 'merchant') = (partner is not null)", name="merchants_have_a_partner"),
    CheckConstraint("(kind = 'staff') = (cardinality(roles) > 0)", name="staff_have_roles"),
    Index("sessions_seen_index", "seen_at"),
    Index("sessions_person_index", "person"),
)
