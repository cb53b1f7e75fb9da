"""The tables of the set-up: the ledger's own row, who takes part under which dated rules, members, imports."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from ledger.store.metadata import MOMENT, metadata, one_of

# The ledger itself.

ledger = Table(
    "ledger",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("lanes", SmallInteger, CheckConstraint("lanes between 1 and 4096", name="lanes_range"), nullable=False),
    Column("is_sandbox", Boolean, nullable=False),
    Column("has_demo", Boolean, nullable=False, server_default=text("false")),
    Column("key_check", LargeBinary, nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
)

sandbox_clock = Table(
    "sandbox_clock",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("now", MOMENT, nullable=False),
    # By the real time; null while the clock stands.
    Column("running_since", MOMENT),
)

registry = Table(
    "registry",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1", name="single"), primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
)

# Set-up: who takes part, under which dated rules.

partners = Table(
    "partners",
    metadata,
    Column("partner", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    CheckConstraint("partner > 0", name="number_above_zero"),
    CheckConstraint(one_of("kind", ("merchant", "government", "bank", "charity")), name="kind_known"),
)

fundings = Table(
    "fundings",
    metadata,
    Column("funding", Integer, nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("parts", Integer, nullable=False),
    PrimaryKeyConstraint("funding", "partner"),
    CheckConstraint("parts > 0", name="parts_above_zero"),
)

programmes = Table(
    "programmes",
    metadata,
    Column("programme", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("currency", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("cut_off_minutes", SmallInteger, nullable=False),
    Column("is_open", Boolean, nullable=False, server_default=text("true")),
    Column("maximum_age_days", Integer),
    Column("restore_grace_days", Integer, nullable=False),
    Column("shortfall_policy", Text, nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("gift_points_a_month", BigInteger, nullable=False, server_default=text("5000")),
    Column("closed_through", Date),
    CheckConstraint("gift_points_a_month >= 0", name="gift_points_not_negative"),
    CheckConstraint("cut_off_minutes between 0 and 1439", name="cut_off_range"),
    CheckConstraint("maximum_age_days >= 0", name="maximum_age_not_negative"),
    CheckConstraint("restore_grace_days >= 0", name="restore_grace_not_negative"),
    CheckConstraint(one_of("shortfall_policy", ("member", "issuer")), name="shortfall_policy_known"),
)

programme_versions = Table(
    "programme_versions",
    metadata,
    Column("programme", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("earn_points", BigInteger, nullable=False),
    Column("earn_per_minor", BigInteger, nullable=False),
    Column("validity_months", Integer),
    Column("validity_days", Integer),
    PrimaryKeyConstraint("programme", "version"),
    UniqueConstraint("programme", "starts_on", name="programme_versions_starts_on_unique"),
    CheckConstraint("earn_points > 0 and earn_per_minor > 0", name="earn_rate_above_zero"),
    CheckConstraint("validity_months is null or validity_days is null", name="one_validity"),
    CheckConstraint("validity_months > 0", name="validity_months_above_zero"),
    CheckConstraint("validity_days > 0", name="validity_days_above_zero"),
)

programme_partners = Table(
    "programme_partners",
    metadata,
    Column("programme", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("may_issue", Boolean, nullable=False),
    Column("may_accept", Boolean, nullable=False),
    Column("issuing_suspended_at", MOMENT),
    Column("suspension_reason", Text),
    PrimaryKeyConstraint("programme", "partner"),
    CheckConstraint("(issuing_suspended_at is null) = (suspension_reason is null)", name="suspension_has_reason"),
)

credentials = Table(
    "credentials",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner")),
    Column("staff_name", Text),
    Column("roles", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("expires_at", MOMENT),
    Column("revoked_at", MOMENT),
    CheckConstraint("(partner is null) <> (staff_name is null)", name="one_owner"),
)

# Members: where they are, and the digests of every name they are known by.

member_numbers = Sequence("member_numbers", metadata=metadata)

members = Table(
    "members",
    metadata,
    Column("member", BigInteger, nullable=False),
    Column("public_id", Uuid, nullable=False),
    Column("created_at", MOMENT, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    Column("into_member", BigInteger),
    Column("into_lane", SmallInteger),
    PrimaryKeyConstraint("lane", "member"),
    CheckConstraint(one_of("status", ("active", "frozen", "closed", "merged", "moved")), name="status_known"),
    CheckConstraint("(into_lane is null) = (into_member is null)", name="into_is_whole"),
    CheckConstraint("(status in ('merged', 'moved')) = (into_member is not null)", name="gone_says_where"),
    Index(
        "members_into_index",
        "into_lane",
        "into_member",
        postgresql_where=text("into_member is not null"),
    ),
)

member_names = Table(
    "member_names",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("member", BigInteger, nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("blocked_at", MOMENT),
    Column("partner", Integer),
    Column("lane", SmallInteger, nullable=False),
    Column("kind", Text, nullable=False),
    CheckConstraint(one_of("kind", ("id", "reference", "card")), name="kind_known"),
    CheckConstraint("(kind = 'reference') = (partner is not null)", name="reference_has_partner"),
    Index("member_names_member_index", "lane", "member"),
)

member_tokens = Table(
    "member_tokens",
    metadata,
    Column("prefix", Text, primary_key=True),
    Column("secret_digest", LargeBinary, nullable=False),
    Column("member", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
)

# Imports.

imports = Table(
    "imports",
    metadata,
    Column("import_id", Uuid, primary_key=True),
    Column("partner", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("file_digest", LargeBinary, nullable=False),
    Column("mapping_digest", LargeBinary, nullable=False),
    Column("mapping", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("byte_offset", BigInteger, nullable=False, server_default=text("0")),
    Column("file_bytes", BigInteger, nullable=False),
    Column("lines_done", BigInteger, nullable=False, server_default=text("0")),
    Column("posted", BigInteger, nullable=False, server_default=text("0")),
    Column("refused", BigInteger, nullable=False, server_default=text("0")),
    Column("failed", BigInteger, nullable=False, server_default=text("0")),
    Column("partly_posted", BigInteger, nullable=False, server_default=text("0")),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("finished_at", MOMENT),
    Column("failure", Text),
    UniqueConstraint("partner", "file_digest", "mapping_digest", name="imports_partner_file_mapping_unique"),
    CheckConstraint(one_of("state", ("waiting", "running", "done", "failed")), name="state_known"),
)

import_lines = Table(
    "import_lines",
    metadata,
    Column("import_id", Uuid, ForeignKey("imports.import_id"), nullable=False),
    Column("line", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("import_id", "line"),
    CheckConstraint(one_of("outcome", ("refused", "failed", "partly-posted")), name="outcome_known"),
)
