"""The daily audit: the seals, and the journal since the last one.

What it rests on: up to the seal the hashes were signed, and the hash at each lane's sealed end is still there.
What a row *before* the seal says is looked at by the full audit alone, which hashes every row again, and so are
balances, lots and the rules of each kind, which need the whole history.
"""

from collections.abc import Collection
from pathlib import Path
from time import perf_counter

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.audit.auditor import Progress, connection_of
from ledger.audit.chain import Chain
from ledger.audit.keys import CommandKeys
from ledger.audit.pages import Lane, read_lanes, read_page
from ledger.audit.report import AuditReport, Findings
from ledger.audit.seal_checks import check_seals
from ledger.errors import NotFound
from ledger.rules.seals import SealedLane
from ledger.store.ledger_row import read_ledger


async def audit_since_seal(
    connection_or_pool: AsyncConnection | AsyncConnectionPool[AsyncConnection],
    directory: Path,
    trusted: Collection[str] | None,
    *,
    progress: Progress | None = None,
) -> AuditReport:
    """Check all seals, and the chain, keys and details of what was recorded since the last one that is in order.

    Without such a seal the journal is walked from its start. Otherwise as ``audit``; ``directory`` and ``trusted``
    as for ``seal_check``. Raises NotFound where the database holds no ledger yet.
    """
    started = perf_counter()
    findings = Findings()
    async with connection_of(connection_or_pool) as connection:
        ledger = await read_ledger(connection)
        if ledger is None:
            raise NotFound("The database holds no ledger yet.")
        document = await check_seals(connection, findings, directory, trusted)
        sealed = {} if document is None else {lane.lane: lane for lane in document.lanes}
        lanes = await read_lanes(connection)
        findings.compare(None, "lanes", "rows of lanes", [lane.lane for lane in lanes], list(range(ledger.lanes)))
        total = sum(lane.next_sequence - 1 for lane in lanes) - sum(entry.last for entry in sealed.values())
        for lane in lanes:
            await _walk(connection, lane, sealed.get(lane.lane), findings)
            if progress is not None:
                progress(findings.transactions, max(total, findings.transactions))
    return AuditReport(
        transactions=findings.transactions,
        lanes=len(lanes),
        keys=findings.keys,
        erased_details=findings.erased_details,
        difference_count=findings.count,
        differences=tuple(findings.differences),
        seconds=round(perf_counter() - started, 3),
        seals=findings.seals,
    )


async def _walk(connection: AsyncConnection, lane: Lane, sealed: SealedLane | None, findings: Findings) -> None:
    """Follow a lane from what was sealed to its row, which was read with all that is before it."""
    chain, keys = Chain(lane.lane, findings, sealed), CommandKeys(lane.lane, findings)
    position = chain.next_sequence
    while position < lane.next_sequence:
        page = await read_page(connection, lane.lane, position, lane.next_sequence, chain.next_lot)
        for what, sequence in page.strays:
            findings.differ(lane.lane, f"transaction {sequence}", f"{what} of a transaction", what, "none")
        for entry in page.entries:
            chain.follow(entry)
            keys.follow(entry)
        findings.transactions += len(page.entries)
        position = page.end
    keys.end()
    chain.end(lane)
