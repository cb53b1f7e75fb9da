"""A sandbox's clock may run.

Revision: 0018, after 0017. Works with the release before it, to which the clock stands where it was set.
"""

from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"
RUNNING = """
create or replace function ledger_now() returns timestamptz language sql volatile as
$$ select coalesce(
    (select now + coalesce(clock_timestamp() - running_since, interval '0') from sandbox_clock), clock_timestamp()) $$
"""
STANDING = """
create or replace function ledger_now() returns timestamptz language sql volatile as
$$ select coalesce((select now from sandbox_clock), clock_timestamp()) $$
"""


def upgrade() -> None:
    """Keep since when, by the real time, the clock runs from where it was set; null while it stands."""
    op.execute("alter table sandbox_clock add column running_since timestamptz")
    op.execute(RUNNING)
    op.execute(f"grant update (running_since) on sandbox_clock to {ROLE}")


def downgrade() -> None:
    """Have it stand where it was set."""
    op.execute(STANDING)
    op.execute("alter table sandbox_clock drop column running_since")
