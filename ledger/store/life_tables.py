"""Tables of what happens to points between earn and redemption: holds, gifts, merges, caps, approvals.

The journal's part (particulars, lot origins, hold openings) is only inserted; holds' rests, gifts of a month
and a cap's sweep are projections. Rare kinds of transactions have their particulars in a table of their own,
so the columns of every transaction stay few.
"""

from sqlalchemy import (
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
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from ledger.rules.scenes import SCENES
from ledger.store.metadata import MOMENT, metadata, one_of

particulars = Table(
    "particulars",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("hold", BigInteger),
    Column("expires_at", MOMENT),
    Column("counter_sequence", BigInteger),
    Column("into_member", BigInteger),
    Column("expires_on", Date),
    Column("lane", SmallInteger, nullable=False),
    Column("counter_lane", SmallInteger),
    Column("days_before", SmallInteger),
    Column("approval", Text),
    Column("about", Text),
    Column("money", Text),
    Column("exchange_rate", Integer),
    Column("epoch", Integer),
    Column("epoch_identity", Text),
    Column("superseded_seals", Text),
    PrimaryKeyConstraint("lane", "sequence"),
    CheckConstraint("money is null or length(money) = 64", name="money_is_a_digest"),
    CheckConstraint("(counter_lane is null) = (counter_sequence is null)", name="counter_is_whole"),
    CheckConstraint("(expires_on is null) = (days_before is null)", name="notice_is_whole"),
    CheckConstraint("days_before > 0", name="days_before_above_zero"),
    Index("particulars_hold_index", "lane", "hold", postgresql_where=text("hold is not null")),
)

lot_origins = Table(
    "lot_origins",
    metadata,
    Column("lot", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("origin_lot", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("origin_lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "lot"),
    Index("lot_origins_origin_index", "origin_lane", "origin_lot"),
)

holds = Table(
    "holds",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("member", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("expires_at", MOMENT, nullable=False),
    Column("moved_sequence", BigInteger),
    Column("programme", Integer, nullable=False),
    Column("partner", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("moved_lane", SmallInteger),
    PrimaryKeyConstraint("lane", "sequence"),
    CheckConstraint("points > 0 and remaining between 0 and points", name="rest_within_points"),
    CheckConstraint("(moved_lane is null) = (moved_sequence is null)", name="moved_is_whole"),
    CheckConstraint("moved_lane is null or remaining = 0", name="moved_is_over"),
    Index("holds_open_index", "lane", "member", "programme", postgresql_where=text("remaining > 0")),
    Index("holds_expiry_index", "lane", "expires_at", postgresql_where=text("remaining > 0")),
    postgresql_with={"fillfactor": 80},
)

hold_lots = Table(
    "hold_lots",
    metadata,
    Column("hold", BigInteger, nullable=False),
    Column("lot", BigInteger, nullable=False),
    Column("points", BigInteger, nullable=False),
    Column("remaining", BigInteger, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "hold", "lot"),
    CheckConstraint("points > 0 and remaining between 0 and points", name="rest_within_points"),
    postgresql_with={"fillfactor": 80},
)

gift_months = Table(
    "gift_months",
    metadata,
    Column("member", BigInteger, nullable=False),
    Column("given", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("month", Date, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "member", "programme", "month"),
    CheckConstraint("given >= 0 and received >= 0", name="amounts_not_negative"),
)

caps = Table(
    "caps",
    metadata,
    Column("cap", Integer, Identity(), primary_key=True),
    Column("code", Text, nullable=False, unique=True),
    Column("programme", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner")),
    Column("home_lane", SmallInteger, nullable=False),
    Column("scene", Text),
    Column("is_swept", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("measure", Text, nullable=False, server_default=text("'points'")),
    Column("alert_level", BigInteger),
    CheckConstraint("cap > 0", name="number_above_zero"),
    CheckConstraint(one_of("scene", SCENES), name="scene_known"),
    CheckConstraint(one_of("measure", ("points", "cover")), name="measure_known"),
    CheckConstraint("measure = 'points' or (partner is not null and scene is null)", name="cover_of_an_issuer"),
    CheckConstraint("alert_level is null or (measure = 'cover' and alert_level >= 0)", name="alert_of_a_cover"),
    Index("caps_cover_index", "programme", "partner", unique=True, postgresql_where=text("measure = 'cover'")),
)

approvals = Table(
    "approvals",
    metadata,
    Column("approval_id", Uuid, primary_key=True),
    Column("operation", Text, nullable=False),
    Column("request", LargeBinary),
    Column("requested_by", Text, nullable=False),
    Column("requested_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("decided_by", Text),
    Column("decided_at", MOMENT),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("sequence", BigInteger),
    Column("lane", SmallInteger),
    CheckConstraint(one_of("operation", ("adjust", "write-off")), name="operation_known"),
    CheckConstraint(one_of("state", ("waiting", "approved", "posted", "refused", "rejected")), name="state_known"),
    CheckConstraint("(state = 'waiting') = (decided_by is null)", name="decided_by_somebody"),
    CheckConstraint("decided_by is null or decided_by <> requested_by", name="second_person"),
    CheckConstraint("(state = 'posted') = (sequence is not null)", name="posted_has_place"),
)
