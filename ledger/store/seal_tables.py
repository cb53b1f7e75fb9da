"""The table of seals: only ever inserted. ``seal`` and ``lanes`` are the bytes signed, or under the root signed."""

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Integer, LargeBinary, Table, Text

from ledger.store.metadata import MOMENT, metadata

seals = Table(
    "seals",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("sealed_at", MOMENT, nullable=False),
    Column("public_key", Text, nullable=False),
    Column("signature", Text, nullable=False),
    # The last sequence sealed of each lane, in order: finds the seal of a transaction.
    Column("lasts", ARRAY(BigInteger), nullable=False),
    Column("seal", LargeBinary, nullable=False),
    Column("lanes", LargeBinary, nullable=False),
    CheckConstraint("number > 0", name="number_above_zero"),
    CheckConstraint("cardinality(lasts) > 0", name="lanes_are_there"),
)
