"""The table of appeals: what members bring forward against a claw-back or a freeze, and what was answered.

What a member writes and what it is answered are personal data, so the rows are the vault's: by the member's public
id, exported with it, and erased with it. Nothing in the journal refers to them.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, SmallInteger, Table, Text, Uuid, text

from ledger.store.metadata import MOMENT, metadata, one_of

appeals = Table(
    "appeals",
    metadata,
    Column("appeal_id", Uuid, primary_key=True),
    Column("public_id", Uuid, nullable=False),
    # The transaction that took the points, or that froze the account.
    Column("sequence", BigInteger, nullable=False),
    Column("appealed_at", MOMENT, nullable=False),
    Column("decided_at", MOMENT),
    # The adjustment that was proposed because of it, where there is one.
    Column("approval_id", Uuid),
    Column("lane", SmallInteger, nullable=False),
    Column("about", Text, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),
    Column("grounds", Text, nullable=False),
    Column("decided_by", Text),
    Column("answer", Text),
    CheckConstraint(one_of("about", ("points", "freeze")), name="about_known"),
    CheckConstraint(one_of("state", ("open", "upheld", "rejected")), name="state_known"),
    CheckConstraint("length(grounds) between 1 and 1500", name="grounds_length"),
    CheckConstraint("length(answer) between 1 and 1500", name="answer_length"),
    CheckConstraint(
        "(state = 'open') = (decided_at is null) and (decided_at is null) = (decided_by is null)"
        " and (decided_at is null) = (answer is null)",
        name="decision_is_whole",
    ),
    CheckConstraint("approval_id is null or (state = 'upheld' and about = 'points')", name="proposal_of_an_upheld_one"),
    Index("appeals_member_index", "public_id"),
    Index("appeals_waiting_index", "appealed_at", "appeal_id", postgresql_where=text("state = 'open'")),
    # One open appeal against each.
    Index("appeals_open_index", "lane", "sequence", unique=True, postgresql_where=text("state = 'open'")),
)
