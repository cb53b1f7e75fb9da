"""How much each row does."""

import msgspec


class Scale(msgspec.Struct, frozen=True):
    """Counts and seconds of a run."""

    yardstick_seconds: int
    posting_commands: int
    import_lines: int
    http_seconds: float
    audit_commands: int
    capped_commands: int
    settled_transactions: int
    memory_seconds: int


FULL = Scale(
    yardstick_seconds=10,
    posting_commands=150_000,
    import_lines=200_000,
    http_seconds=10,
    audit_commands=90_000,
    capped_commands=40_000,
    settled_transactions=1_000_000,
    memory_seconds=3_600,
)
QUICK = Scale(
    yardstick_seconds=4,
    posting_commands=40_000,
    import_lines=40_000,
    http_seconds=4,
    audit_commands=30_000,
    capped_commands=20_000,
    settled_transactions=100_000,
    memory_seconds=60,
)
