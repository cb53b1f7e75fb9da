"""Sessions of people who are signed in to the pages.

Revision: 0016, after 0015. Works with the release before it, which knows nothing of the table.
"""

from pathlib import Path

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"


def upgrade() -> None:
    """Create the table. Of a session only when it was last seen may change; whose it is never does."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(f"grant select, insert, delete, update (seen_at) on sessions to {ROLE}")


def downgrade() -> None:
    """Drop it: everybody has to sign in again."""
    op.execute("drop table sessions")
