"""``citypoints demo``: load the demo city."""

import asyncio
from typing import TYPE_CHECKING

from api.cli.installation import Database, open_database
from api.cli.output import AsJson, progress_bar, say
from api.settings import Settings

if TYPE_CHECKING:
    from api.demo.outcomes import DemoLoaded
    from ledger.posting.engine import Engine


def demo(*, as_json: AsJson = False) -> None:
    """Load an invented city with a month of days, into an empty ledger; again changes nothing."""
    settings = Settings.from_environment()
    with open_database(settings) as database:
        loaded = load_demo_city(settings, database)
    say(described(loaded), loaded, as_json=as_json)


def described(loaded: "DemoLoaded") -> str:
    """Say in one line what the demo city holds."""
    holds = (
        f"{loaded.citizens} citizens, {loaded.partners} partners, {loaded.earnings} earnings, "
        f"{loaded.redemptions} redemptions, {loaded.returns} returns, {loaded.holds} holds, {loaded.gifts} gifts"
    )
    if loaded.posted_now:
        return f"Loaded the demo city: {holds}."
    return f"The demo city is loaded already ({holds}); nothing was changed."


def load_demo_city(settings: Settings, database: Database, *, clock_runs: bool = False) -> "DemoLoaded":
    """Load the demo city, or what is missing of it; raises AlreadyExists where the ledger holds other data.

    ``clock_runs`` lets a sandbox's clock run from then on, as the city's does.
    """
    return asyncio.run(_load(settings, database, clock_runs=clock_runs))


async def _load(settings: Settings, database: Database, *, clock_runs: bool) -> "DemoLoaded":
    from api.demo.bank import FOLDER
    from api.demo.loading import load_demo, refuse_other_data
    from ledger.posting.engine import Engine

    key = settings.read_ledger_key()
    async with Engine.open(database.service_url, key, settings.lane_groups) as engine:
        refuse_other_data(engine)
        if not engine.ledger.has_demo:
            # Marked first, so that a loading that is cut short can be completed.
            _mark(database.owner())
        with progress_bar("Loading the demo city") as progress:
            loaded = await load_demo(engine, progress, settings.data_directory / FOLDER)
        if clock_runs and engine.ledger.is_sandbox:
            await _let_the_clock_run(engine)
        return loaded


async def _let_the_clock_run(engine: "Engine") -> None:
    from ledger.store.ledger_row import run_sandbox_clock
    from ledger.store.unit_of_work import unit_of_work

    async with engine.pool.connection() as connection, unit_of_work(connection):
        await run_sandbox_clock(connection)


def _mark(owner_url: str) -> None:
    import psycopg

    from ledger.store.ledger_row import mark_demo

    with psycopg.connect(owner_url) as owner:
        mark_demo(owner)
