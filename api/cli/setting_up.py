"""``citypoints init`` and ``migrate``."""

from typing import Annotated

import typer

from api.cli.output import AsJson, fail, say

MOST_LANES = 4096


def init(
    *,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="A ledger for trials whose clock you set; it can never become live.")
    ] = False,
    lanes: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_LANES, help="Lanes, which can post side by side; never changed later. [default: 64]"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a ledger: data folder, key, database, and the programme CITY. Again changes nothing."""
    from api.cli.founding import found_ledger
    from api.cli.installation import open_database
    from api.settings import Settings

    settings = Settings.from_environment()
    with open_database(settings, create=True) as database:
        founded = found_ledger(settings, database, is_sandbox=sandbox, lanes=lanes)
    kind = "sandbox" if founded.is_sandbox else "live"
    where = "DATABASE_URL" if settings.database_url else str(settings.data_directory)
    if not founded.created and sandbox and not founded.is_sandbox:
        fail(f"the ledger in {where} is live and can never become a sandbox; nothing was changed")
    done = f"Made a {kind} ledger" if founded.created else f"A {kind} ledger exists already"
    line = f"{done} in {where}, with {founded.lanes} lanes{'' if founded.created else '; nothing was changed'}."
    say(line, founded, as_json=as_json)


def migrate(*, as_json: AsJson = False) -> None:
    """Bring the database to this release's tables, as its owner, and make partitions ahead."""
    from api.cli.installation import open_database
    from api.settings import Settings
    from ledger.store.migrate import upgrade
    from ledger.store.readiness import head_revision

    with open_database(Settings.from_environment()) as database:
        upgrade(database.owner())
    revision = head_revision()
    say(f"The database is at migration {revision}.", {"revision": revision}, as_json=as_json)
