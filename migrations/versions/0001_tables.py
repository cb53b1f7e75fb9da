"""The tables, their partitions and the ledger's clock.

Revision: 0001, the first.
"""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY_PARTITIONS = 8
SEQUENCES_PER_PARTITION = 1 << 20
FIRST_PARTITIONS = 4

CLOCK = """
create function ledger_now() returns timestamptz language sql volatile as
$$ select coalesce((select now from sandbox_clock), clock_timestamp()) $$
"""


def upgrade() -> None:
    """Create everything that a new ledger needs, the first partitions included."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    for number in range(KEY_PARTITIONS):
        op.execute(
            f"create table idempotency_keys_part_{number} partition of idempotency_keys "
            f"for values with (modulus {KEY_PARTITIONS}, remainder {number})"
        )
    for table in ("transactions", "postings"):
        for number in range(FIRST_PARTITIONS):
            first = number * SEQUENCES_PER_PARTITION
            op.execute(
                f"create table {table}_part_{number} partition of {table} "
                f"for values from ({first}) to ({first + SEQUENCES_PER_PARTITION})"
            )
    op.execute(CLOCK)
    op.execute("insert into registry (id, version) values (1, 1)")


def downgrade() -> None:
    """Drop all of it: only for trials, since it removes history."""
    op.execute("drop function ledger_now()")
    op.execute(
        "drop table import_lines, imports, taken_back, party_balances, shortfalls, member_points, "
        "details, idempotency_keys, lots, postings, transactions, lanes, member_tokens, "
        "member_names, members, credentials, programme_partners, programme_versions, "
        "programmes, fundings, partners, registry, sandbox_clock, ledger"
    )
    op.execute("drop sequence member_numbers")
