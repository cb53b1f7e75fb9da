"""``citypoints keys``: create, list, rotate and revoke API keys."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, get_args

import msgspec
import typer

from api.cli.output import AsJson, fail, say, say_json, say_table

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.rules.programmes import Partner
    from ledger.store.credentials import Credential, IssuedCredential

Role = Literal["operator", "finance-clerk", "finance-approver", "manager", "auditor", "support"]

ROLES: tuple[Role, ...] = get_args(Role)

SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3_600
MOST_DAYS = 3_650
MOST_OVERLAP_HOURS = 168
KEYS_PER_PAGE = 1_000
MOST_NAME_CHARACTERS = 200

app = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)

Prefix = Annotated[str, typer.Argument(metavar="PREFIX", help="The key's prefix: what stands after cpk_.")]


class ListedKey(msgspec.Struct, frozen=True):
    """A key without its secret; times are RFC 3339 in UTC."""

    prefix: str
    owner: str
    roles: tuple[Role, ...]
    state: Literal["good", "expired", "revoked"]
    created_at: str
    expires_at: str | None


@app.command("create", epilog="Example: citypoints keys create --partner TEA --expires-days 365 --json")
def create(
    *,
    partner: Annotated[str | None, typer.Option(metavar="CODE", help="A key for this partner's systems.")] = None,
    operator: Annotated[bool, typer.Option("--operator", help="A key that sets the ledger up.")] = False,
    staff: Annotated[str | None, typer.Option(metavar="NAME", help="A key for this person, with --role.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(help=f"A role of the person: {', '.join(ROLES)}; repeat for more.")
    ] = None,
    expires_days: Annotated[
        int | None, typer.Option(min=1, max=MOST_DAYS, help="Days until the key ends. [default: never]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for a partner, the operator or a member of staff; it is shown only this once."""
    from api.cli.installation import run_with_connection
    from ledger.store.unit_of_work import unit_of_work

    if (partner is not None) + operator + (staff is not None) != 1:
        raise typer.BadParameter("wanted exactly one of --partner CODE, --operator and --staff NAME")
    if (staff is not None) != bool(role):
        raise typer.BadParameter("--staff NAME and --role go together, and with nothing else")
    if staff is not None and not (staff.strip() and len(staff) <= MOST_NAME_CHARACTERS and staff.isprintable()):
        raise typer.BadParameter(f"--staff: got {staff!r}, wanted 1 to {MOST_NAME_CHARACTERS} printable characters")
    lifetime = None if expires_days is None else expires_days * SECONDS_PER_DAY
    staff_name = "operator" if operator else staff or ""
    roles: list[Role] = ["operator"] if operator else _roles(role or [])

    async def work(connection: "AsyncConnection") -> "IssuedCredential":
        async with unit_of_work(connection):
            return await _issue(connection, partner, staff_name, roles, lifetime)

    _say_issued("Made", run_with_connection(work), partner or staff_name, as_json=as_json)


@app.command("list", epilog="Example: citypoints keys list")
def list_all(*, as_json: AsJson = False) -> None:
    """List all keys, without their secrets."""
    from api.cli.installation import run_with_connection

    keys = run_with_connection(_list)
    if as_json:
        say_json({"keys": keys})
        return
    say_table(
        ("PREFIX", "OWNER", "ROLES", "STATE", "CREATED", "EXPIRES"),
        [(k.prefix, k.owner, " ".join(k.roles), k.state, k.created_at, k.expires_at or "never") for k in keys],
    )


@app.command("rotate", epilog="Example: citypoints keys rotate 0123456789abcdef --overlap-hours 24")
def rotate(
    prefix: Prefix,
    *,
    overlap_hours: Annotated[
        int, typer.Option(min=0, max=MOST_OVERLAP_HOURS, help="Hours for which the old key stays good.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Make a new key with the same owner and roles; the old one ends after the overlap."""
    from api.cli.installation import run_with_connection
    from ledger.store.credentials import rotate_key
    from ledger.store.unit_of_work import unit_of_work

    async def work(connection: "AsyncConnection") -> "tuple[IssuedCredential, str]":
        async with unit_of_work(connection):
            issued = await rotate_key(connection, prefix, overlap_seconds=overlap_hours * SECONDS_PER_HOUR)
            return issued, _owner(issued.credential, await _partners(connection))

    issued, owner = run_with_connection(work)
    _say_issued(f"Rotated {prefix} to", issued, owner, as_json=as_json)


@app.command("revoke", epilog="Example: citypoints keys revoke 0123456789abcdef")
def revoke(prefix: Prefix, *, as_json: AsJson = False) -> None:
    """End a key for good; running services refuse it within about a second."""
    from api.cli.installation import run_with_connection
    from ledger.store.credentials import revoke_key
    from ledger.store.unit_of_work import unit_of_work

    async def work(connection: "AsyncConnection") -> None:
        async with unit_of_work(connection):
            await revoke_key(connection, prefix)

    run_with_connection(work)
    say(f"Revoked key {prefix}.", {"prefix": prefix, "state": "revoked"}, as_json=as_json)


def _roles(names: Sequence[str]) -> list[Role]:
    for name in names:
        if name not in ROLES:
            raise typer.BadParameter(f"--role: got {name!r}, wanted one of {', '.join(ROLES)}")
    return [role for role in ROLES if role in names]


def _say_issued(what: str, issued: "IssuedCredential", owner: str, *, as_json: bool) -> None:
    prefix = issued.credential.prefix
    line = f"{what} key {prefix} for {owner}, shown only this once: {issued.key}"
    say(line, {"key": issued.key, "prefix": prefix, "owner": owner}, as_json=as_json)


async def _issue(
    connection: "AsyncConnection", partner: str | None, staff: str, roles: Sequence[Role], lifetime: int | None
) -> "IssuedCredential":
    from ledger.store.credentials import add_partner_key, add_staff_key

    if partner is None:
        return await add_staff_key(connection, staff, roles, lifetime_seconds=lifetime)
    found = [known for known in (await _partners(connection)).values() if known.code == partner]
    if not found:
        fail(f"no partner has the code {partner!r}; `citypoints partners list` shows all")
    return await add_partner_key(connection, found[0].number, lifetime_seconds=lifetime)


async def _list(connection: "AsyncConnection") -> list[ListedKey]:
    from datetime import UTC, datetime

    from ledger.rules.business_day import to_datetime, to_instant
    from ledger.store.credentials import list_credentials

    partners = await _partners(connection)
    now = to_instant(datetime.now(UTC))
    found: list[ListedKey] = []
    while True:
        page = await list_credentials(connection, after=found[-1].prefix if found else None, limit=KEYS_PER_PAGE)
        for key in page:
            created, expires = to_datetime(key.created_at), key.expires_at and to_datetime(key.expires_at)
            state: Literal["good", "expired", "revoked"] = "good" if key.is_good(now) else "expired"
            found.append(
                ListedKey(
                    key.prefix,
                    _owner(key, partners),
                    key.roles,
                    "revoked" if key.revoked_at is not None else state,
                    created.isoformat(timespec="seconds"),
                    expires.isoformat(timespec="seconds") if expires else None,
                )
            )
        if len(page) < KEYS_PER_PAGE:
            return found


async def _partners(connection: "AsyncConnection") -> "dict[int, Partner]":
    from ledger.store.registry import read_registry

    return (await read_registry(connection)).partners


def _owner(key: "Credential", partners: "dict[int, Partner]") -> str:
    return key.staff_name or "" if key.partner is None else partners[key.partner].code
