"""How tests of the audit have a ledger audited."""

from collections.abc import Awaitable, Callable, Sequence

from ledger.audit import AuditReport, Check, audit
from ledger.store.unit_of_work import open_pool
from tests.databases import LedgerDatabase

Auditor = Callable[[LedgerDatabase], Awaitable[AuditReport]]


async def audit_of(database: LedgerDatabase, more_checks: Sequence[Check] = ()) -> AuditReport:
    """Audit as the service does: over its own role's connection."""
    async with open_pool(database.service_url, maximum_size=1) as pool:
        return await audit(pool, more_checks=more_checks)
