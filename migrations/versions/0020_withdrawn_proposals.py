"""A proposal may be withdrawn by who made it, and by nobody else; all else about it is still decided by another person.

Revision: 0020, after 0019. Works with the release before it, which withdraws nothing and shows the state as it is.
"""

from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_TABLE = "settlement_proposals"
_CHECKS = {
    "settlement_proposals_state_known": (
        "state in ('waiting', 'approved', 'rejected')",
        "state in ('waiting', 'approved', 'rejected', 'withdrawn')",
    ),
    "settlement_proposals_second_person": (
        "decided_by is null or decided_by <> proposed_by",
        "decided_by is null or (decided_by = proposed_by) = (state = 'withdrawn')",
    ),
}


def upgrade() -> None:
    """Let the checks know of the state; the table is small, so it is scanned at once."""
    for name, (_, now) in _CHECKS.items():
        _replace(name, now)


def downgrade() -> None:
    """Forget the state: only for trials, and only while nothing was withdrawn."""
    for name, (before, _) in _CHECKS.items():
        _replace(name, before)


def _replace(name: str, check: str) -> None:
    op.execute(f"alter table {_TABLE} drop constraint {name}, add constraint {name} check ({check})")
