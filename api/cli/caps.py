"""``citypoints caps``: add caps, grant them points, show how they stand."""

from typing import TYPE_CHECKING, Annotated, get_args
from uuid import uuid4

import msgspec
import typer

from api.cli.output import AsJson, fail, say, say_json, say_table
from api.cli.programmes import checked_code

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.posting.engine import Engine
    from ledger.rules.outcomes import Outcome
    from ledger.rules.programmes import Registry
    from ledger.store.registry_writes import NewCap

MOST_POINTS = 1_000_000_000_000
OWNER = "s:cli"

app = typer.Typer(help="Add caps, grant them points, show how they stand.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The cap's code.")]
Points = Annotated[int, typer.Option(min=1, max=MOST_POINTS, help="Points that may be given under it.")]


class ShownCap(msgspec.Struct, frozen=True):
    """A cap as it stands."""

    code: str
    programme: str
    partner: str | None
    scene: str | None
    authorised: int
    used: int
    left: int
    measure: str


@app.command("add", epilog="Example: citypoints caps add SPRING --programme CITY --partner TEA --points 100000")
def add(
    code: Code,
    *,
    programme: Annotated[str, typer.Option(metavar="CODE", help="The programme it limits.")],
    points: Points,
    partner: Annotated[str | None, typer.Option(metavar="CODE", help="Only this partner. [default: all]")] = None,
    scene: Annotated[str | None, typer.Option(help="Only this scene. [default: all]")] = None,
    as_json: AsJson = False,
) -> None:
    """Limit what may be given; the same command again finishes one that was cut short."""
    from api.cli.installation import run_with_engine
    from ledger.posting.cap_grants import grant_first

    checked_code(code)
    _refuse_unknown_scene(scene)

    async def work(engine: "Engine") -> "Outcome":
        await _add_or_keep(engine, _new_cap(engine.registry.current, code, programme, partner, scene))
        return await grant_first(engine, code, points)

    _refuse_refusal(run_with_engine(work), code)
    document = {"code": code, "programme": programme, "partner": partner, "scene": scene, "points": points}
    say(f"Cap {code} limits programme {programme} to {points} points.", document, as_json=as_json)


@app.command("grant", epilog='Example: citypoints caps grant SPRING --points 5000 --reason "budget voted"')
def grant(
    code: Code,
    *,
    points: Points,
    reason: Annotated[str, typer.Option(help="Why.")],
    as_json: AsJson = False,
) -> None:
    """Let more points be given under a cap."""
    from api.cli.installation import run_with_engine
    from ledger.posting.cap_grants import grant as post_grant

    async def work(engine: "Engine") -> "Outcome":
        return await post_grant(engine, code, points, owner=OWNER, idempotency_key=str(uuid4()), reason=reason)

    _refuse_refusal(run_with_engine(work), code)
    say(f"Granted cap {code} {points} points more.", {"code": code, "points": points}, as_json=as_json)


@app.command("show", epilog="Example: citypoints caps show --json")
def show(*, as_json: AsJson = False) -> None:
    """Show all caps: what each was authorised for, what of it is used, what is left."""
    from api.cli.installation import run_with_connection

    caps = run_with_connection(_read)
    if as_json:
        say_json({"caps": caps})
        return
    headings = ("CODE", "PROGRAMME", "PARTNER", "SCENE", "MEASURE", "AUTHORISED", "USED", "LEFT")
    figures = [
        (
            *(c.code, c.programme, c.partner or "all", c.scene or "all", c.measure),
            *(str(c.authorised), str(c.used), str(c.left)),
        )
        for c in caps
    ]
    say_table(headings, figures)


async def _read(connection: "AsyncConnection") -> list[ShownCap]:
    from ledger.reading.caps import read_caps
    from ledger.store.registry import read_registry

    registry = await read_registry(connection)
    standings = await read_caps(connection, registry.caps)
    return [
        ShownCap(
            cap.code,
            registry.programme_numbered(cap.programme).code,
            None if cap.partner is None else registry.partners[cap.partner].code,
            cap.scene,
            standings[cap.number].authorised,
            standings[cap.number].used,
            standings[cap.number].left,
            cap.measure,
        )
        for cap in sorted(registry.caps, key=lambda cap: cap.code)
    ]


def _new_cap(registry: "Registry", code: str, programme: str, partner: str | None, scene: str | None) -> "NewCap":
    from ledger.store.registry_writes import NewCap

    found = registry.programmes.get(programme)
    if found is None:
        fail(f"no programme has the code {programme!r}; `citypoints programmes list` shows all")
    limited = None if partner is None else registry.partner_coded(partner)
    if partner is not None and limited is None:
        fail(f"no partner has the code {partner!r}; `citypoints partners list` shows all")
    return NewCap(code=code, programme=found.number, partner=None if limited is None else limited.number, scene=scene)


async def _add_or_keep(engine: "Engine", new: "NewCap") -> None:
    """Add the cap, where it is not there with the same terms; raises AlreadyExists for other terms."""
    from ledger.store.registry_writes import add_cap
    from ledger.store.unit_of_work import unit_of_work

    known = engine.registry.current.cap_coded(new.code)
    if known is not None and (known.programme, known.partner, known.scene) == (new.programme, new.partner, new.scene):
        return
    async with engine.pool.connection() as connection:
        async with unit_of_work(connection):
            await add_cap(connection, new)
        await engine.registry.refresh(connection)


def _refuse_refusal(outcome: "Outcome", code: str) -> None:
    """Fail with what the ledger says where it posted nothing."""
    from ledger.rules.outcomes import KeyReused, Refused

    if isinstance(outcome, Refused):
        fail(outcome.detail)
    if isinstance(outcome, KeyReused):
        fail(f"cap {code} was added with other points; `citypoints caps grant` gives it more")


def _refuse_unknown_scene(scene: str | None) -> None:
    from api.schemas.fields import Scene

    scenes: tuple[str, ...] = get_args(Scene)
    if scene is not None and scene not in scenes:
        raise typer.BadParameter(f"--scene: got {scene!r}, wanted one of {', '.join(scenes)}")
