"""Tables of money: its postings, of the clearing lane's transactions, and the balances of its accounts.

``money_balances`` is a projection: debits less credits, so that what somebody owes us is above zero.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from ledger.store.metadata import metadata

money_postings = Table(
    "money_postings",
    metadata,
    Column("sequence", BigInteger, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("debit_party", Integer, nullable=False),
    Column("credit_party", Integer, nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("line", SmallInteger, nullable=False),
    Column("debit", SmallInteger, nullable=False),
    Column("credit", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("lane", "sequence", "line"),
    CheckConstraint("amount_minor > 0", name="amount_above_zero"),
    CheckConstraint("(debit, debit_party) <> (credit, credit_party)", name="moves_something"),
    CheckConstraint("length(currency) = 3", name="currency_length"),
    Index("money_postings_debit_index", "debit_party", "debit", "sequence"),
    Index("money_postings_credit_index", "credit_party", "credit", "sequence"),
)

money_balances = Table(
    "money_balances",
    metadata,
    Column("balance_minor", BigInteger, nullable=False),
    Column("programme", Integer, nullable=False),
    Column("party", Integer, nullable=False),
    Column("account", SmallInteger, nullable=False),
    Column("currency", Text, nullable=False),
    PrimaryKeyConstraint("programme", "currency", "account", "party"),
)
