"""Members' codes: shown at a counter, good for two minutes and for one posting.

Revision: 0019, after 0018. Works with the release before it, which knows nothing of the table.
"""

from pathlib import Path

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"


def upgrade() -> None:
    """Create the table. Of a code only whose it is may change, by a merge or move, and what it was used for."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(
        "grant select, insert, delete, update (lane, member, used_at, used_lane, used_sequence)"
        f" on member_codes to {ROLE}"
    )


def downgrade() -> None:
    """Drop it: codes that are shown at this moment are unknown."""
    op.execute("drop table member_codes")
