"""The table of members' codes: what a member shows at a counter, for one posting within two minutes.

Beside the journal, so the auditor asks nothing of it: whatever happens to a code, no point moves without a
transaction, and a lost row only makes a code unknown.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, LargeBinary, SmallInteger, Table, text

from ledger.store.metadata import MOMENT, metadata

member_codes = Table(
    "member_codes",
    metadata,
    # HMAC of the digits under the ledger's key: who reads the table can neither use a code nor try guesses.
    Column("digest", LargeBinary, primary_key=True),
    Column("member", BigInteger, nullable=False),
    Column("made_at", MOMENT, nullable=False, server_default=text("clock_timestamp()")),
    Column("expires_at", MOMENT, nullable=False),
    Column("used_at", MOMENT),
    # The transaction that it was used for.
    Column("used_sequence", BigInteger),
    Column("lane", SmallInteger, nullable=False),
    Column("used_lane", SmallInteger),
    CheckConstraint("octet_length(digest) = 32", name="digest_length"),
    CheckConstraint("expires_at > made_at", name="ends_after_it_is_made"),
    CheckConstraint(
        "(used_at is null) = (used_sequence is null) and (used_at is null) = (used_lane is null)",
        name="used_for_a_transaction",
    ),
    Index("member_codes_member_index", "lane", "member"),
    Index("member_codes_expires_index", "expires_at"),
)
