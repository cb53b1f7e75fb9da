"""Keeping what an audit found, beside what it looked at."""

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.audit.report import AuditReport, Difference
from ledger.store.audits import AuditKind, add_audit
from ledger.store.unit_of_work import unit_of_work


async def keep_report(pool: AsyncConnectionPool[AsyncConnection], kind: AuditKind, report: AuditReport) -> None:
    """Keep the figures of a report and where it found differences; the values found stay out of the database."""
    async with pool.connection() as connection, unit_of_work(connection):
        await add_audit(
            connection,
            kind,
            transactions=report.transactions,
            seals=report.seals,
            difference_count=report.difference_count,
            places=[_place(difference) for difference in report.differences],
        )


def _place(difference: Difference) -> str:
    where = difference.place if difference.lane is None else f"lane {difference.lane}, {difference.place}"
    return f"{where}: {difference.what}"
