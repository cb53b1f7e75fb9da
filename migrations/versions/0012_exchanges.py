"""Exchanges between programmes, at dated rates that two persons agree on.

Revision: 0012, after 0011. Works with the release before it, which knows nothing of them: a column is added that is
empty for all there is, and checks only become wider.
"""

from pathlib import Path

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"
OPERATIONS = "'terms', 'adjustment', 'reserve', 'account', 'limit', 'period'"


def upgrade() -> None:
    """Add what is new, and let the service's role add rates: one that is there never changes."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(f"grant select, insert on exchange_rates to {ROLE}")
    op.execute("alter table particulars add column exchange_rate integer")
    _allow_kinds("kind between 1 and 22")
    _allow_operations(f"operation in ({OPERATIONS}, 'exchange-rate')")


def downgrade() -> None:
    """Take it away again: only for trials, since it removes history."""
    _allow_operations(f"operation in ({OPERATIONS})")
    _allow_kinds("kind between 1 and 21")
    op.execute("alter table particulars drop column exchange_rate")
    op.execute("drop table exchange_rates")


def _allow_kinds(condition: str) -> None:
    # Not valid yet: who posts must not wait for a scan of all rows. The next revision scans them.
    op.execute("alter table transactions drop constraint transactions_kind_known")
    op.execute(f"alter table transactions add constraint transactions_kind_known check ({condition}) not valid")


def _allow_operations(condition: str) -> None:
    name = "settlement_proposals_operation_known"
    op.execute(f"alter table settlement_proposals drop constraint {name}")
    op.execute(f"alter table settlement_proposals add constraint {name} check ({condition})")
