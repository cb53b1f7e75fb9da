"""Holds, gifts, merges, moves, caps and approvals, and the kinds of transactions they bring.

Revision: 0003, after 0002. Works with the release before it: nothing is renamed or removed, and checks
only become wider.
"""

from pathlib import Path

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

TABLES = ("approvals", "caps", "gift_months", "hold_lots", "holds", "lot_origins", "particulars")

UPDATES = {
    "holds": "remaining, moved_lane, moved_sequence",
    "hold_lots": "remaining",
    "gift_months": "given, received",
    "caps": "is_swept",
    "approvals": "state, request, decided_by, decided_at, lane, sequence",
    "members": "status, into_member, into_lane",
    "member_names": "lane, member, blocked_at",
    "member_tokens": "lane, member",
    "programmes": "is_open, gift_points_a_month",
}

CHECKS = (
    ("transactions", "kind_known", "kind between 1 and 18", "kind in (1, 2, 3, 4)"),
    (
        "postings",
        "kinds_known",
        "debit_kind between 1 and 13 and credit_kind between 1 and 13",
        "debit_kind between 1 and 11 and credit_kind between 1 and 11",
    ),
    (
        "members",
        "status_known",
        "status in ('active', 'frozen', 'closed', 'merged', 'moved')",
        "status in ('active', 'frozen', 'closed')",
    ),
)

NEW_CHECKS = (
    ("members", "into_is_whole", "(into_lane is null) = (into_member is null)"),
    ("members", "gone_says_where", "(status in ('merged', 'moved')) = (into_member is not null)"),
    ("programmes", "gift_points_not_negative", "gift_points_a_month >= 0"),
)


def upgrade() -> None:
    """Add what is new, and let the service's role use it."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute("alter table members add column into_member bigint, add column into_lane smallint")
    op.execute("alter table programmes add column gift_points_a_month bigint not null default 5000")
    for table, name, condition, _ in CHECKS:
        _replace_check(table, name, condition)
    for table, name, condition in NEW_CHECKS:
        op.execute(f"alter table {table} add constraint {table}_{name} check ({condition}) not valid")
    for table in TABLES:
        op.execute(f"grant select, insert on {table} to {ROLE}")
    for table, columns in UPDATES.items():
        op.execute(f"grant update ({columns}) on {table} to {ROLE}")


def downgrade() -> None:
    """Take it away again: only for trials, since it removes history."""
    for table in ("member_names", "member_tokens"):
        op.execute(f"revoke update (lane, member) on {table} from {ROLE}")
    for table, name, _ in reversed(NEW_CHECKS):
        op.execute(f"alter table {table} drop constraint {table}_{name}")
    for table, name, _, condition in CHECKS:
        _replace_check(table, name, condition)
    op.execute("alter table programmes drop column gift_points_a_month")
    op.execute("alter table members drop column into_member, drop column into_lane")
    op.execute(f"drop table {', '.join(TABLES)}")


def _replace_check(table: str, name: str, condition: str) -> None:
    # Not valid yet: who posts must not wait for a scan of all rows. The last revision of this release scans them.
    op.execute(f"alter table {table} drop constraint {table}_{name}")
    op.execute(f"alter table {table} add constraint {table}_{name} check ({condition}) not valid")
