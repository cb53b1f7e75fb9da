"""The check of kinds, scanned beside traffic.

Revision: 0015, after 0014. The step commits by itself and may be taken again.
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Scan what is there under a lock that lets others read and write."""
    with op.get_context().autocommit_block():
        op.execute("alter table transactions validate constraint transactions_kind_known")


def downgrade() -> None:
    """That a check was made takes nothing back."""
