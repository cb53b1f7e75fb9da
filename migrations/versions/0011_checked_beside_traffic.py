"""Checks of rows that are there, scanned beside traffic.

Revision: 0011, after 0010. Each step commits by itself and may be taken again.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

CHECKS = (("transactions", "kind_known"), ("particulars", "money_is_a_digest"))


def upgrade() -> None:
    """Scan what is there under locks that let others read and write."""
    with op.get_context().autocommit_block():
        for table, name in CHECKS:
            op.execute(f"alter table {table} validate constraint {table}_{name}")


def downgrade() -> None:
    """That checks were made takes nothing back."""
