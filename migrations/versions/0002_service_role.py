"""What the service's role may do: read all, insert history, update projections, nothing else.

Revision: 0002, after 0001. The role ``citypoints_app`` must exist; it owns nothing.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"

INSERTS = (
    "transactions",
    "postings",
    "lots",
    "idempotency_keys",
    "details",
    "member_points",
    "shortfalls",
    "party_balances",
    "taken_back",
    "members",
    "member_names",
    "member_tokens",
    "partners",
    "fundings",
    "programmes",
    "programme_versions",
    "programme_partners",
    "credentials",
    "imports",
    "import_lines",
)

UPDATES = {
    "lanes": "next_sequence, next_lot, recorded_at, head",
    "lots": "remaining, held, expired, expiries, is_open",
    "member_points": "posted, held, shortfall, next_lapse_at, pending_until",
    "shortfalls": "remaining",
    "party_balances": "balance",
    "taken_back": "points, spend_minor, expired_counted",
    "members": "status",
    "member_names": "blocked_at",
    "registry": "version",
    "programmes": "is_open",
    "programme_partners": "may_issue, may_accept",
    "credentials": "expires_at, revoked_at",
    "sandbox_clock": "now",
    "imports": ("state, byte_offset, lines_done, posted, refused, failed, partly_posted, finished_at, failure"),
}

DELETES = ("member_tokens",)


def upgrade() -> None:
    """Grant the least that the service needs."""
    op.execute(f"grant usage on schema public to {ROLE}")
    op.execute(f"grant select on all tables in schema public to {ROLE}")
    op.execute(f"grant usage on sequence member_numbers to {ROLE}")
    for table in INSERTS:
        op.execute(f"grant insert on {table} to {ROLE}")
    for table, columns in UPDATES.items():
        op.execute(f"grant update ({columns}) on {table} to {ROLE}")
    for table in DELETES:
        op.execute(f"grant delete on {table} to {ROLE}")


def downgrade() -> None:
    """Take all of it back."""
    op.execute(f"revoke all on all tables in schema public from {ROLE}")
    op.execute(f"revoke all on all sequences in schema public from {ROLE}")
    op.execute(f"revoke usage on schema public from {ROLE}")
