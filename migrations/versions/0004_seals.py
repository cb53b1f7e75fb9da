"""The table of seals, which the service's role reads and adds to.

Revision: 0004, after 0003.
"""

from pathlib import Path

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"


def upgrade() -> None:
    """Create the table; nothing may change what is in it."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(f"grant select, insert on seals to {ROLE}")


def downgrade() -> None:
    """Drop it; the seals that were written beside the database stay there."""
    op.execute("drop table seals")
