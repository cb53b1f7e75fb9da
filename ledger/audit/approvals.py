"""Approvals: what says that it was posted is in the journal, at its place and under its name.

The other direction, that every correction names an approval that was given, is part of a correction's check.
"""

from psycopg import AsyncConnection

from ledger.audit import queries
from ledger.audit.report import Findings


async def check_approvals(connection: AsyncConnection, findings: Findings) -> None:
    """Find approvals that name a place where no transaction names them, as all is at one moment."""
    cursor = await connection.execute(queries.READ_LOST_APPROVALS)
    for approval, lane, sequence in await cursor.fetchall():
        expected = "a transaction that names this approval"
        findings.differ(lane, f"approval {approval}", "place", f"sequence {sequence}, where none does", expected)
