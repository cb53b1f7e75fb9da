"""``citypoints audit``: rebuild everything from the journal and compare."""

from typing import TYPE_CHECKING

import typer

from api.cli.output import FOUND_SOMETHING_WRONG, AsJson, progress_bar, say_json

if TYPE_CHECKING:
    from ledger.audit import AuditReport

SHOWN_DIFFERENCES = 20


def audit(*, as_json: AsJson = False) -> None:
    """Rebuild everything from the journal alone and name every difference. May run beside live traffic."""
    report = _audit()
    if as_json:
        say_json(report)
    else:
        _say(report)
    if report.difference_count:
        raise typer.Exit(FOUND_SOMETHING_WRONG)


def _audit() -> "AuditReport":
    from api.cli.installation import run_with_pool
    from ledger.audit import audit as audit_ledger

    with progress_bar("Auditing") as progress:
        return run_with_pool(lambda pool: audit_ledger(pool, progress=progress))


def _say(report: "AuditReport") -> None:
    looked_at = f"{report.transactions} transactions in {report.lanes} lanes, {report.seconds:.1f} s"
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
