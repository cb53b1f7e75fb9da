"""Money in the ledger: its postings in the clearing lane, its balances, and the kinds of transactions that move it.

Revision: 0008, after 0007. Works with the release before it: new columns are null, checks only become wider.
"""

from pathlib import Path

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ROLE = "citypoints_app"


def upgrade() -> None:
    """Add what is new, and let the service's role use it."""
    op.execute(Path(__file__).with_suffix(".sql").read_text(encoding="utf-8"))
    op.execute("alter table particulars add column about text, add column money text")
    op.execute(
        "alter table particulars add constraint particulars_money_is_a_digest "
        "check (money is null or length(money) = 64) not valid"
    )
    _replace_kinds("kind between 1 and 20")
    op.execute(f"grant select, insert on money_postings, money_balances to {ROLE}")
    op.execute(f"grant update (balance_minor) on money_balances to {ROLE}")


def downgrade() -> None:
    """Take it away again: only for trials, since it removes history."""
    _replace_kinds("kind between 1 and 18")
    op.execute("alter table particulars drop constraint particulars_money_is_a_digest")
    op.execute("alter table particulars drop column money, drop column about")
    op.execute("drop table money_balances, money_postings")


def _replace_kinds(condition: str) -> None:
    # Not valid yet: who posts must not wait for a scan of all rows. The last revision of this release scans them.
    op.execute("alter table transactions drop constraint transactions_kind_known")
    op.execute(f"alter table transactions add constraint transactions_kind_known check ({condition}) not valid")
