"""Which database errors mean what to the ledger."""

from psycopg import errors

_KEY_TABLE = "idempotency_keys"


def is_key_race(error: errors.UniqueViolation) -> bool:
    """Another lane or process has won one of the batch's idempotency keys at the same time."""
    return (error.diag.table_name or "").startswith(_KEY_TABLE)
