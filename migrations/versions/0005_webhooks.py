"""Webhooks, what is delivered to them, and the worker's jobs.

Revision: 0005, after 0004. The release before it knows nothing of these tables.
"""

from pathlib import Path

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

UPDATES = {
    "webhooks": (
        "state, pause_reason, secret, former_secret, former_secret_ends_at, positions, planned_to, failures, "
        "failing_since, next_probe_at"
    ),
    "webhook_deliveries": (
        "next_attempt_at, claimed_until, first_attempt_at, last_attempt_at, ended_at, attempts, last_status, "
        "last_failure, state"
    ),
    "jobs": "next_run_at, last_started_at, last_finished_at, last_outcome",
}

DELETES = ("webhooks", "webhook_deliveries")


def upgrade() -> None:
    """Create the tables, and grant the least that service and worker need."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    for table, columns in UPDATES.items():
        op.execute(f"grant select, insert, update ({columns}) on {table} to {ROLE}")
    for table in DELETES:
        op.execute(f"grant delete on {table} to {ROLE}")


def downgrade() -> None:
    """Drop them: webhooks and their secrets are gone."""
    op.execute("drop table webhook_deliveries, webhooks, jobs")
