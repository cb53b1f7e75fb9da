"""${message}

Revision: ${up_revision}, after ${down_revision | comma,n}

Rules for every migration: it works with the release before it (a column goes in two releases); limits
may tighten, never loosen; it waits for locks no longer than env.py allows; partitioned tables get new
indexes partition by partition.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    """Take the step."""
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    """Take it back."""
    ${downgrades if downgrades else "pass"}
