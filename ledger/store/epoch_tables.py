"""Tables of epochs: only ever inserted. ``epoch_starts`` says where the journal's own record of each beginning is."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from ledger.store.metadata import MOMENT, metadata

epochs = Table(
    "epochs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("started_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    # The last commit that the restored ledger has, and until when commits may be lost, where that is known.
    Column("restored_to", MOMENT),
    Column("lost_until", MOMENT),
    Column("identity", LargeBinary, nullable=False),
    # The bytes that the journal commits to.
    Column("superseded_seals", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    CheckConstraint("number > 0", name="number_above_zero"),
    CheckConstraint("octet_length(identity) = 16", name="identity_length"),
    Index("epochs_identity_index", "identity", unique=True),
)

epoch_starts = Table(
    "epoch_starts",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    PrimaryKeyConstraint("lane", "epoch"),
)
