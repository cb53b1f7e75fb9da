"""The table of audits that were run: what each found, for whoever looks after the service."""

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Column, Identity, Integer, Table, Text, text

from ledger.store.metadata import MOMENT, metadata, one_of

audits = Table(
    "audits",
    metadata,
    Column("audit", BigInteger, Identity(), primary_key=True),
    Column("finished_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("transactions", BigInteger, nullable=False),
    Column("difference_count", BigInteger, nullable=False),
    Column("seals", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    # Where the first differences are and what differs, without the values.
    Column("places", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    CheckConstraint(one_of("kind", ("full", "since-seal")), name="kind_known"),
)
