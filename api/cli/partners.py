"""``citypoints partners``: add and list."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from api.cli.output import AsJson, fail, say, say_json, say_table
from api.cli.programmes import checked_code

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.rules.programmes import Programme, Registry

Kind = Literal["merchant", "government", "bank", "charity"]

MOST_NAME_CHARACTERS = 200

app = typer.Typer(help="Add and list partners.", no_args_is_help=True)


class ListedPartner(msgspec.Struct, frozen=True):
    """A partner with the programmes in which it may issue and accept points."""

    code: str
    kind: Kind
    name: str
    issues_in: list[str]
    accepts_in: list[str]


class Added(msgspec.Struct, frozen=True):
    """What became of an addition: whether the partner is new, and where it may issue and accept."""

    code: str
    created: bool
    programmes: list[str]


@app.command(
    "add", epilog='Example: citypoints partners add TEA --kind merchant --name "Old Street Tea" --programme CITY'
)
def add(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The partner's code, for ever.")],
    *,
    kind: Annotated[Kind, typer.Option(help="What the partner is.")],
    name: Annotated[str, typer.Option(help="The partner's name, as people read it.")],
    programme: Annotated[
        list[str] | None,
        typer.Option(help="A programme in which it may issue and accept; repeat for more. [default: all open ones]"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Add a partner that may issue and accept points; the same one again is permitted in more programmes."""
    from api.cli.installation import run_with_connection
    from ledger.store.unit_of_work import unit_of_work

    if not name.strip() or len(name) > MOST_NAME_CHARACTERS or not name.isprintable():
        raise typer.BadParameter(f"--name: got {name!r}, wanted 1 to {MOST_NAME_CHARACTERS} printable characters")
    wanted = ListedPartner(checked_code(code), kind, name, [], [])

    async def work(connection: "AsyncConnection") -> Added:
        async with unit_of_work(connection):
            return await _add(connection, wanted, programme or [])

    added = run_with_connection(work)
    what = "Added" if added.created else "Kept"
    where = ", ".join(added.programmes) or "no programme, as none is open"
    say(f"{what} {kind} {code}, which may issue and accept in {where}.", added, as_json=as_json)


@app.command("list", epilog="Example: citypoints partners list --json")
def list_all(*, as_json: AsJson = False) -> None:
    """List the partners with what they may do."""
    from api.cli.installation import run_with_connection
    from ledger.store.registry import read_registry

    async def work(connection: "AsyncConnection") -> list[ListedPartner]:
        return _listed(await read_registry(connection))

    partners = run_with_connection(work)
    if as_json:
        say_json({"partners": partners})
        return
    say_table(
        ("CODE", "KIND", "NAME", "ISSUES IN", "ACCEPTS IN"),
        [(p.code, p.kind, p.name, " ".join(p.issues_in), " ".join(p.accepts_in)) for p in partners],
    )


async def _add(connection: "AsyncConnection", wanted: ListedPartner, programme_codes: Sequence[str]) -> Added:
    from ledger.store.registry import read_registry
    from ledger.store.registry_writes import add_partner, permit

    registry = await read_registry(connection)
    programmes = _programmes(registry, programme_codes)
    found = registry.partner_coded(wanted.code)
    if found is None:
        number = await add_partner(connection, wanted.code, wanted.name, wanted.kind)
    elif (found.kind, found.name) == (wanted.kind, wanted.name):
        number = found.number
    else:
        fail(f"partner {found.code} exists already as {found.kind} {found.name!r} and is never overwritten")
    for programme in programmes:
        if number not in programme.issuers & programme.acceptors:
            await permit(connection, programme.number, number, may_issue=True, may_accept=True)
    return Added(wanted.code, found is None, [programme.code for programme in programmes])


def _programmes(registry: "Registry", codes: Sequence[str]) -> "list[Programme]":
    if not codes:
        return [programme for programme in registry.programmes.values() if programme.is_open]
    for code in codes:
        if code not in registry.programmes:
            fail(f"no programme has the code {code!r}; `citypoints programmes list` shows all")
    return [registry.programmes[code] for code in dict.fromkeys(codes)]


def _listed(registry: "Registry") -> list[ListedPartner]:
    programmes = sorted(registry.programmes.values(), key=lambda programme: programme.code)
    return [
        ListedPartner(
            partner.code,
            partner.kind,
            partner.name,
            [programme.code for programme in programmes if partner.number in programme.issuers],
            [programme.code for programme in programmes if partner.number in programme.acceptors],
        )
        for partner in sorted(registry.partners.values(), key=lambda partner: partner.code)
    ]
