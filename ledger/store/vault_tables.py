"""The vault: all personal data that the ledger holds, each row by the member's public id.

Why by the public id: it stays when a member moves to another lane, and a merged member's leads to the one
that it became. Nothing in the journal refers to these tables, so their rows can be erased.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from ledger.rules.consents import PURPOSES
from ledger.store.metadata import MOMENT, metadata, one_of

GIVERS = ("member", "partner", "staff")
ERASERS = ("member", "operator", "support")
ERASURE_REASONS = ("member-asked", "guardian-asked", "no-longer-needed", "legal-duty")

personal_data = Table(
    "personal_data",
    metadata,
    Column("public_id", Uuid, primary_key=True),
    Column("created_at", MOMENT, nullable=False),
    Column("birth_year", SmallInteger),
    Column("region", Text),
    CheckConstraint("birth_year between 1900 and 2999", name="birth_year_range"),
    CheckConstraint("length(region) between 1 and 32", name="region_length"),
    CheckConstraint("region is not null or birth_year is not null", name="holds_something"),
)

# Part of a consent's id, so that ids are in the order of giving, also while a sandbox's clock stands still.
consent_numbers = Sequence("consent_numbers", metadata=metadata)

consents = Table(
    "consents",
    metadata,
    Column("consent_id", Uuid, primary_key=True),
    Column("public_id", Uuid, nullable=False),
    Column("given_at", MOMENT, nullable=False),
    Column("revoked_at", MOMENT),
    Column("partner", Integer, ForeignKey("partners.partner")),
    Column("purpose", Text, nullable=False),
    Column("given_by", Text, nullable=False),
    Column("revoked_by", Text),
    CheckConstraint(one_of("purpose", tuple(PURPOSES)), name="purpose_known"),
    CheckConstraint(one_of("given_by", GIVERS), name="given_by_known"),
    CheckConstraint(one_of("revoked_by", GIVERS), name="revoked_by_known"),
    CheckConstraint("(revoked_at is null) = (revoked_by is null)", name="revocation_is_whole"),
    CheckConstraint("(purpose = 'balance') = (partner is not null)", name="partner_where_the_purpose_has_one"),
    Index("consents_member_index", "public_id", "consent_id"),
    # A member's consent to a purpose stands once.
    Index(
        "consents_standing_index",
        "public_id",
        "purpose",
        "partner",
        unique=True,
        postgresql_nulls_not_distinct=True,
        postgresql_where=text("revoked_at is null"),
    ),
)

# What is left of an erased member, as proof that it was done: no personal data.
erasures = Table(
    "erasures",
    metadata,
    Column("public_id", Uuid, primary_key=True),
    Column("erased_at", MOMENT, nullable=False),
    Column("erased_by", Text, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint(one_of("erased_by", ERASERS), name="erased_by_known"),
    CheckConstraint(one_of("reason", ERASURE_REASONS), name="reason_known"),
)
