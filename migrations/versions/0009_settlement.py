"""Settlement: contracts, closed days, batches, and the money that follows.

Revision: 0009, after 0008. Works with the release before it, which knows nothing of these tables.
"""

from pathlib import Path

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

TABLES = (
    "bank_days",
    "bank_entries",
    "bank_files",
    "contract_terms",
    "cover_movements",
    "disputes",
    "fx_quotes",
    "payment_files",
    "payment_notices",
    "payments",
    "settlement_batch_days",
    "settlement_batch_steps",
    "settlement_batches",
    "settlement_days",
    "settlement_proposals",
    "settlement_ranges",
    "suspense_items",
)

UPDATES = {
    "bank_days": "is_business, note, set_by",
    "cover_movements": "is_posted, attempt",
    "disputes": "is_held, state, decided_by, decided_at, decision_reason, reversal_lane, reversal_sequence",
    "payment_notices": "received_minor, state",
    "payments": "state, reason, message_id",
    "settlement_batch_days": "is_freed",
    "settlement_batches": "state, sequence",
    "settlement_proposals": "decided_by, decided_at, decision_reason, outcome, state, decision",
    "suspense_items": "matched_by, matched_to",
}


def upgrade() -> None:
    """Create the tables; what was decided, approved or received can only be added to."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    for table in TABLES:
        op.execute(f"grant select, insert on {table} to {ROLE}")
    for table, columns in UPDATES.items():
        op.execute(f"grant update ({columns}) on {table} to {ROLE}")


def downgrade() -> None:
    """Take it away again: only for trials, since it removes history."""
    op.execute(f"drop table {', '.join(TABLES)} cascade")
