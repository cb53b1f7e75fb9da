"""``citypoints expire``: the expiry job."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, progress_bar, say

if TYPE_CHECKING:
    from ledger.posting.engine import Engine
    from ledger.posting.expiry import Lapses


def expire(
    *,
    day: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Only of members with points whose last day was this or earlier."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post what has lapsed. May run at any time, beside live traffic; again posts nothing twice."""
    from api.cli.installation import run_with_engine
    from ledger.posting.expiry import post_lapses

    last_day = None if day is None else _day(day)

    async def work(engine: "Engine") -> "Lapses":
        with progress_bar("Expiring") as progress:
            return await post_lapses(engine, day=last_day, progress=progress)

    lapses = run_with_engine(work)
    line = (
        f"Expired {lapses.points} points in {lapses.expiries} lots and released {lapses.holds} holds "
        f"of {lapses.members} members."
    )
    say(line, lapses, as_json=as_json)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"--day: got {text!r}, wanted a day such as 2026-03-31") from None
