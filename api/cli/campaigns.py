"""``citypoints campaigns``: add and list what several partners give together."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api.cli.output import AsJson, fail, say, say_json, say_table
from api.cli.programmes import checked_code

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.rules.programmes import Registry
    from ledger.store.campaigns import NewCampaign

LEAST_SHARES = 2
MOST_PARTS = 1_000_000

app = typer.Typer(help="Add and list campaigns that several partners fund.", no_args_is_help=True)


class ListedCampaign(msgspec.Struct, frozen=True):
    """A campaign: its points are settled at the terms of the ``lead`` and divided by ``shares``."""

    code: str
    programme: str
    lead: str
    shares: dict[str, int]


@app.command("add", epilog="Example: citypoints campaigns add SPRING --programme CITY --share BANK=3 --share SHOP=1")
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The campaign's code, for ever.")],
    *,
    programme: Annotated[str, typer.Option(metavar="CODE", help="The programme whose points are given.")],
    share: Annotated[
        list[str], typer.Option(metavar="PARTNER=PARTS", help="What a partner bears of it; at least two of them.")
    ],
    lead: Annotated[
        str | None, typer.Option(metavar="PARTNER", help="Whose terms hold. [default: the first share's]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let partners give points together, each bearing its share."""
    from api.cli.installation import run_with_connection
    from ledger.errors import AlreadyExists
    from ledger.store.campaigns import add_campaign
    from ledger.store.registry import read_registry
    from ledger.store.unit_of_work import unit_of_work

    checked_code(code)
    parts = dict(_share(text) for text in share)
    if len(parts) != len(share) or len(parts) < LEAST_SHARES:
        raise typer.BadParameter("--share: wanted two partners or more, each of them once")
    wanted = ListedCampaign(code, programme, lead or next(iter(parts)), parts)

    async def work(connection: "AsyncConnection") -> None:
        async with unit_of_work(connection):
            registry = await read_registry(connection)
            try:
                await add_campaign(connection, _new_campaign(registry, wanted))
            except AlreadyExists as error:
                fail(error.detail)

    run_with_connection(work)
    say(f"Added campaign {code} of programme {programme}, led by {wanted.lead}.", wanted, as_json=as_json)


@app.command("list", epilog="Example: citypoints campaigns list --json")
def list_all(*, as_json: AsJson = False) -> None:
    """List the campaigns with who bears them."""
    from api.cli.installation import run_with_connection

    campaigns = run_with_connection(_read)
    if as_json:
        say_json({"campaigns": campaigns})
        return
    rows = [
        (one.code, one.programme, one.lead, " ".join(f"{partner}={parts}" for partner, parts in one.shares.items()))
        for one in campaigns
    ]
    say_table(("CODE", "PROGRAMME", "LEAD", "SHARES"), rows)


async def _read(connection: "AsyncConnection") -> list[ListedCampaign]:
    from ledger.store.registry import read_registry

    registry = await read_registry(connection)
    return [
        ListedCampaign(
            campaign.code,
            registry.programme_numbered(campaign.programme).code,
            registry.partners[campaign.lead].code,
            {registry.partners[partner].code: parts for partner, parts in registry.fundings[campaign.funding]},
        )
        for campaign in registry.campaigns.values()
    ]


def _share(text: str) -> tuple[str, int]:
    partner, _, parts = text.partition("=")
    if not parts.isascii() or not parts.isdigit() or not 1 <= int(parts) <= MOST_PARTS:
        raise typer.BadParameter(f"--share: got {text!r}, wanted PARTNER=PARTS with 1 to {MOST_PARTS} parts")
    return partner, int(parts)


def _new_campaign(registry: "Registry", wanted: ListedCampaign) -> "NewCampaign":
    from ledger.store.campaigns import NewCampaign

    programme = registry.programmes.get(wanted.programme)
    if programme is None:
        fail(f"no programme has the code {wanted.programme!r}; `citypoints programmes list` shows all")
    numbers = {partner.code: partner.number for partner in registry.partners.values()}
    for partner in wanted.shares:
        if partner not in numbers:
            fail(f"no partner has the code {partner!r}; `citypoints partners list` shows all")
    if wanted.lead not in wanted.shares:
        fail(f"--lead: got {wanted.lead!r}, wanted one of {', '.join(wanted.shares)}")
    shares = {numbers[partner]: parts for partner, parts in wanted.shares.items()}
    return NewCampaign(wanted.code, programme.number, shares, numbers[wanted.lead])
