"""``citypoints audit``: rebuild everything from the journal and compare."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import FOUND_SOMETHING_WRONG, AsJson, progress_bar, say_json

if TYPE_CHECKING:
    from psycopg import AsyncConnection
    from psycopg_pool import AsyncConnectionPool

    from ledger.audit import AuditReport

SHOWN_DIFFERENCES = 20


def audit(
    *,
    since_seal: Annotated[
        bool,
        typer.Option("--since-seal", help="Only the seals, and the chain of what was recorded since the last one."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Rebuild everything from the journal alone and name every difference. May run beside live traffic.

    When it ran and whether it found something is kept, for the operator's page.
    """
    report = _audit(since_seal=since_seal)
    if as_json:
        say_json(report)
    else:
        _say(report, since_seal=since_seal)
    if report.difference_count:
        raise typer.Exit(FOUND_SOMETHING_WRONG)


def _audit(*, since_seal: bool) -> "AuditReport":
    from api.cli.installation import run_with_pool
    from api.seal_key_file import find_seal_keys
    from api.settings import Settings
    from ledger.audit import audit as audit_ledger
    from ledger.audit.keeping import keep_report
    from ledger.audit.seal_checks import seal_check
    from ledger.audit.since_seal import audit_since_seal
    from settlement.audit import check_settlement

    settings = Settings.from_environment()
    keys = find_seal_keys(settings)
    folder, trusted = settings.seals_directory, None if keys is None else keys.trusted
    with progress_bar("Auditing") as progress:

        async def audited(pool: "AsyncConnectionPool[AsyncConnection]") -> "AuditReport":
            if since_seal:
                report = await audit_since_seal(pool, folder, trusted, progress=progress)
            else:
                checks = [seal_check(folder, trusted), check_settlement]
                report = await audit_ledger(pool, progress=progress, more_checks=checks)
            await keep_report(pool, "since-seal" if since_seal else "full", report)
            return report

        return run_with_pool(audited)


def _say(report: "AuditReport", *, since_seal: bool) -> None:
    looked_at = (
        f"{report.transactions} transactions in {report.lanes} lanes, seals: {report.seals}, {report.seconds:.1f} s"
    )
    if not report.difference_count and since_seal:
        typer.echo(f"The ledger is what was sealed, and its chain goes on unbroken: no difference ({looked_at}).")
        return
    if not report.difference_count:
        typer.echo(f"The ledger is what its journal says: no difference ({looked_at}).")
        return
    for difference in report.differences[:SHOWN_DIFFERENCES]:
        where = difference.place if difference.lane is None else f"lane {difference.lane}, {difference.place}"
        typer.echo(f"{where}: {difference.what}: found {difference.found}, expected {difference.expected}")
    if report.difference_count > SHOWN_DIFFERENCES:
        more = report.difference_count - SHOWN_DIFFERENCES
        typer.echo(f"... and {more} more; --json shows up to 1,000.")
    typer.echo(f"Found {report.difference_count} differences between the ledger and its journal ({looked_at}).")
