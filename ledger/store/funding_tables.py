"""Tables of who pays for points: campaigns of several partners, what issuers' points cost them, rates of exchange."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from ledger.rules.programmes import FIRST_SHARED_FUNDING
from ledger.store.metadata import MOMENT, metadata

campaigns = Table(
    "campaigns",
    metadata,
    Column("campaign", Integer, primary_key=True, autoincrement=False),
    Column("code", Text, nullable=False, unique=True),
    Column("programme", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("funding", Integer, nullable=False, unique=True),
    Column("lead", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("created_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    CheckConstraint("campaign > 0", name="number_above_zero"),
    CheckConstraint(f"funding > {FIRST_SHARED_FUNDING}", name="funding_of_its_own"),
)

cover_prices = Table(
    "cover_prices",
    metadata,
    Column("programme", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("partner", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    # In the ledger's own time: the audit compares it with when transactions were recorded.
    Column("added_at", MOMENT, nullable=False, server_default=text("ledger_now()")),
    PrimaryKeyConstraint("programme", "partner", "starts_on"),
    CheckConstraint("price_micros >= 0", name="price_not_negative"),
)

exchange_rates = Table(
    "exchange_rates",
    metadata,
    Column("rate", Integer, primary_key=True, autoincrement=False),
    Column("source", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("target", Integer, ForeignKey("programmes.programme"), nullable=False),
    Column("issuer", Integer, ForeignKey("partners.partner"), nullable=False),
    Column("starts_on", Date, nullable=False),
    Column("give", Integer, nullable=False),
    Column("get", Integer, nullable=False),
    Column("price_micros", BigInteger, nullable=False),
    # In the ledger's own time: the audit compares it with when transactions were recorded.
    Column("added_at", MOMENT, nullable=False, server_default=text("ledger_now()")),
    Index("exchange_rates_day_index", "source", "target", "starts_on", unique=True),
    CheckConstraint("rate > 0", name="number_above_zero"),
    CheckConstraint("source <> target", name="between_two_programmes"),
    CheckConstraint("give > 0 and get >= 0 and price_micros >= 0", name="amounts_in_range"),
)
