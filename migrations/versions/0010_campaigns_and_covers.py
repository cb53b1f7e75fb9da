"""Campaigns, prefunding covers, suspended issuers and closed periods.

Revision: 0010, after 0009. Works with the release before it, which knows nothing of them: columns are added with what
it means without them, and checks only become wider.
"""

from pathlib import Path

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

UPDATES = {
    "caps": "alert_level",
    "programmes": "closed_through",
    "programme_partners": "issuing_suspended_at, suspension_reason",
}

CHECKS = (
    ("caps", "measure_known", "measure in ('points', 'cover')"),
    ("caps", "cover_of_an_issuer", "measure = 'points' or (partner is not null and scene is null)"),
    ("caps", "alert_of_a_cover", "alert_level is null or (measure = 'cover' and alert_level >= 0)"),
    ("programme_partners", "suspension_has_reason", "(issuing_suspended_at is null) = (suspension_reason is null)"),
)


def upgrade() -> None:
    """Add what is new, and let the service's role use it."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute("alter table caps add column measure text not null default 'points', add column alert_level bigint")
    op.execute("alter table programmes add column closed_through date")
    op.execute("alter table programme_partners add column issuing_suspended_at timestamptz")
    op.execute("alter table programme_partners add column suspension_reason text")
    for table, name, condition in CHECKS:
        op.execute(f"alter table {table} add constraint {table}_{name} check ({condition})")
    op.execute("create unique index caps_cover_index on caps (programme, partner) where measure = 'cover'")
    for table in ("campaigns", "cover_prices"):
        op.execute(f"grant select, insert on {table} to {ROLE}")
    for table, columns in UPDATES.items():
        op.execute(f"grant update ({columns}) on {table} to {ROLE}")
    _allow_kinds("kind between 1 and 21")


def downgrade() -> None:
    """Take it away again: only for trials, since it removes history."""
    _allow_kinds("kind between 1 and 20")
    op.execute("drop index caps_cover_index")
    for table, name, _ in reversed(CHECKS):
        op.execute(f"alter table {table} drop constraint {table}_{name}")
    op.execute("alter table programme_partners drop column suspension_reason, drop column issuing_suspended_at")
    op.execute("alter table programmes drop column closed_through")
    op.execute("alter table caps drop column alert_level, drop column measure")
    op.execute("drop table campaigns, cover_prices")


def _allow_kinds(condition: str) -> None:
    # Not valid yet: who posts must not wait for a scan of all rows. The next revision scans them.
    op.execute("alter table transactions drop constraint transactions_kind_known")
    op.execute(f"alter table transactions add constraint transactions_kind_known check ({condition}) not valid")
