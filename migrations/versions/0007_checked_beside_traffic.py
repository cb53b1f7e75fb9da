"""What takes long on a large ledger and holds up nobody: checks of rows that are there, and an index.

Revision: 0007, after 0006. Each step commits by itself and may be taken again.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CHECKS = (
    ("transactions", "kind_known"),
    ("postings", "kinds_known"),
    ("members", "status_known"),
    ("members", "into_is_whole"),
    ("members", "gone_says_where"),
    ("programmes", "gift_points_not_negative"),
)


def upgrade() -> None:
    """Scan what is there under locks that let others read and write."""
    with op.get_context().autocommit_block():
        # An index whose making was cut short is there and invalid.
        op.execute("drop index concurrently if exists members_into_index")
        op.execute(
            "create index concurrently members_into_index on members (into_lane, into_member) "
            "where into_member is not null"
        )
        for table, name in CHECKS:
            op.execute(f"alter table {table} validate constraint {table}_{name}")


def downgrade() -> None:
    """Drop the index; that checks were made takes nothing back."""
    op.execute("drop index members_into_index")
