"""``citypoints demo``: load the demo city."""

import asyncio
from typing import TYPE_CHECKING

from api.cli.installation import Database, open_database
from api.cli.output import AsJson, progress_bar, say
from api.settings import Settings

if TYPE_CHECKING:
    from api.demo.outcomes import DemoLoaded


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


def load_demo_city(settings: Settings, database: Database) -> "DemoLoaded":
    """Load the demo city, or what is missing of it; raises AlreadyExists where the ledger holds other data."""
    return asyncio.run(_load(settings, database))


async def _load(settings: Settings, database: Database) -> "DemoLoaded":
    from api.demo.loading import load_demo, refuse_other_data
    from ledger.posting.engine import Engine

    key = settings.read_ledger_key()
    async with Engine.open(database.service_url, key, settings.lane_groups) as engine:
        refuse_other_data(engine)
        if not engine.ledger.has_demo:
            # Marked first, so that a loading that is cut short can be completed.
            _mark(database.owner())
        with progress_bar("Loading the demo city") as progress:
            return await load_demo(engine, progress)


def _mark(owner_url: str) -> None:
    import psycopg

    from ledger.store.ledger_row import mark_demo

    with psycopg.connect(owner_url) as owner:
        mark_demo(owner)
