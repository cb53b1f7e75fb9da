"""Appeals of members, and what each audit found.

Revision: 0017, after 0016. Works with the release before it, which knows nothing of the tables.
"""

from pathlib import Path

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

DECISION = "state, decided_at, decided_by, answer, approval_id"


def upgrade() -> None:
    """Create the tables. What a member wrote never changes; it is erased with the member."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(f"grant select, insert, delete, update ({DECISION}) on appeals to {ROLE}")
    op.execute(f"grant select, insert on audits to {ROLE}")


def downgrade() -> None:
    """Drop them: only for trials, since appeals and their answers are gone."""
    op.execute("drop table audits, appeals")
