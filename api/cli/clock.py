"""``citypoints clock``: the time of a sandbox, which its operator sets."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, say

if TYPE_CHECKING:
    from psycopg import AsyncConnection

FIRST_YEAR, LAST_YEAR = 2000, 2999

app = typer.Typer(help="Show or set the ledger's clock.", no_args_is_help=True)


def parse_time(text: str) -> datetime:
    """Read an RFC 3339 time with its offset; raises BadParameter."""
    wanted = f"wanted RFC 3339 with an offset, of a year from {FIRST_YEAR} to {LAST_YEAR}: 2026-03-01T09:00:00+08:00"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"got {text!r}, {wanted}") from None
    if time.tzinfo is None or not FIRST_YEAR <= time.year <= LAST_YEAR:
        raise typer.BadParameter(f"got {text!r}, {wanted}")
    return time


@app.command("set", epilog="Example: citypoints clock set 2026-03-01T09:00:00+08:00")
def set_clock(
    time: Annotated[str, typer.Argument(metavar="TIME", help="RFC 3339 with an offset.")], *, as_json: AsJson = False
) -> None:
    """Set a sandbox's clock: freely until the first transaction, then only forward."""
    from api.cli.installation import run_with_connection
    from ledger.rules.business_day import to_datetime, to_instant
    from ledger.store.ledger_row import set_sandbox_clock

    instant = to_instant(parse_time(time))

    async def work(connection: "AsyncConnection") -> None:
        await set_sandbox_clock(connection, instant)

    run_with_connection(work)
    now = to_datetime(instant).isoformat()
    say(f"The sandbox clock stands at {now}.", {"now": now}, as_json=as_json)


@app.command("show", epilog="Example: citypoints clock show")
def show_clock(*, as_json: AsJson = False) -> None:
    """Show the ledger's time, in UTC."""
    from api.cli.installation import run_with_connection
    from ledger.rules.business_day import to_datetime
    from ledger.store.ledger_row import read_clock, read_ledger

    async def work(connection: "AsyncConnection") -> tuple[int, bool]:
        row = await read_ledger(connection)
        return await read_clock(connection), row is not None and row.is_sandbox

    instant, is_sandbox = run_with_connection(work)
    now = to_datetime(instant).isoformat()
    kind = "the sandbox clock stands" if is_sandbox else "live"
    say(f"{now} ({kind})", {"now": now, "is_sandbox": is_sandbox}, as_json=as_json)
