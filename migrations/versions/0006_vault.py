"""The vault of personal data, and what erasing a member may delete.

Revision: 0006, after 0005. Works with the release before it, which knows nothing of these tables.
"""

from pathlib import Path

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

DELETES = ("consents", "details", "import_lines", "member_names", "personal_data")

# Columns with what people wrote. Statistics of a column repeat some of its values, and keep them when the
# rows are gone.
WITHOUT_STATISTICS = (
    ("consents", "purpose", "text"),
    ("details", "document", "bytea"),
    ("import_lines", "content", "text"),
    ("import_lines", "detail", "text"),
    ("imports", "file_name", "text"),
    ("imports", "mapping", "text"),
    ("personal_data", "birth_year", "smallint"),
    ("personal_data", "region", "text"),
)


def upgrade() -> None:
    """Create the tables; grant the least that the vault and erasing need."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute(f"grant select, insert on personal_data to {ROLE}")
    op.execute(f"grant select, insert, update (revoked_at, revoked_by) on consents to {ROLE}")
    op.execute(f"grant usage on sequence consent_numbers to {ROLE}")
    op.execute(f"grant select, insert on erasures to {ROLE}")
    for table in DELETES:
        op.execute(f"grant delete on {table} to {ROLE}")
    op.execute(f"grant update (file_name, mapping) on imports to {ROLE}")
    # A member's id stays for ever: replays and the auditor find the member by it.
    op.execute("alter table member_names enable row level security")
    for action in ("select using (true)", "insert with check (true)", "update using (true)"):
        op.execute(f"create policy member_names_{action.split()[0]} on member_names for {action}")
    op.execute("create policy member_names_delete on member_names for delete using (kind in ('reference', 'card'))")
    for table, column, column_type in WITHOUT_STATISTICS:
        # The type stays as it is; saying it again is what makes PostgreSQL forget the column's statistics.
        op.execute(
            f"alter table {table} alter column {column} type {column_type}, alter column {column} set statistics 0"
        )


def downgrade() -> None:
    """Drop the vault: only for trials, since consents and proofs of erasure are gone."""
    for table, column, _ in WITHOUT_STATISTICS:
        op.execute(f"alter table {table} alter column {column} set statistics -1")
    for action in ("select", "insert", "update", "delete"):
        op.execute(f"drop policy member_names_{action} on member_names")
    op.execute("alter table member_names disable row level security")
    op.execute(f"revoke update (file_name, mapping) on imports from {ROLE}")
    for table in ("details", "import_lines", "member_names"):
        op.execute(f"revoke delete on {table} from {ROLE}")
    op.execute("drop table erasures, consents, personal_data")
    op.execute("drop sequence consent_numbers")
