"""``citypoints programmes``: add, list, open and close."""

import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.output import AsJson, fail, say, say_json, say_table

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from ledger.rules.programmes import EarnRate, Programme
    from ledger.store.registry_writes import NewProgramme, NewRules

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", re.ASCII)
DEFAULT_VALIDITY_MONTHS = 24
MINUTES_PER_HOUR = 60
MOST_MONTHS = 1_200
MOST_DAYS = 36_500
MOST_POINTS_PER_STEP = 10_000
MOST_GIFT_POINTS = 1_000_000_000_000

app = typer.Typer(help="Add, list, open and close programmes.", no_args_is_help=True)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The programme's code, such as CITY.")]


def checked_code(code: str) -> str:
    """Return a code that can be used for a programme or a partner; raises BadParameter."""
    if CODE.fullmatch(code) is None:
        raise typer.BadParameter(f"CODE: got {code!r}, wanted 1 to 32 letters, digits, '.', '_' or '-'")
    return code


@app.command("add", epilog="Example: citypoints programmes add SHOP --currency GBP --zone Europe/London --no-expiry")
def add(  # noqa: PLR0913 - one option for each term of a programme
    code: Code,
    *,
    zone: Annotated[str, typer.Option(help="IANA zone that divides its days.")] = "Asia/Shanghai",
    currency: Annotated[str, typer.Option(help="ISO 4217 code of spends.")] = "CNY",
    cut_off: Annotated[str, typer.Option(metavar="HH:MM", help="Local time at which a business day begins.")] = "00:00",
    validity_months: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_MONTHS, help="Points are good to the end of the month so many months later. [default: 24]"
        ),
    ] = None,
    validity_days: Annotated[
        int | None, typer.Option(min=1, max=MOST_DAYS, help="Points are good for so many days.")
    ] = None,
    no_expiry: Annotated[bool, typer.Option("--no-expiry", help="Points stay good.")] = False,
    earn_rate: Annotated[
        str, typer.Option(metavar="P or P/U", help="P points for every U whole currency units; U is 1 when left out.")
    ] = "1",
    maximum_age_days: Annotated[
        str, typer.Option(metavar="N or none", help="How many days late an event may be told.")
    ] = "60",
    restore_grace_days: Annotated[
        int, typer.Option(min=0, max=MOST_DAYS, help="Days for which points restored after their last day are good.")
    ] = 0,
    shortfall: Annotated[
        Literal["member", "issuer"], typer.Option(help="Who bears points that a reversal cannot take back.")
    ] = "member",
    gift_points_a_month: Annotated[
        int, typer.Option(min=0, max=MOST_GIFT_POINTS, help="Points a member may give as gifts in a calendar month.")
    ] = 5_000,
    as_json: AsJson = False,
) -> None:
    """Add a programme, open, with its first rules."""
    from api.cli.installation import run_with_connection
    from ledger.store.registry_writes import NewProgramme, add_programme
    from ledger.store.unit_of_work import unit_of_work

    programme = NewProgramme(
        code=checked_code(code),
        currency=currency,
        zone=_zone(zone),
        rules=_rules(currency, earn_rate, validity_months, validity_days, never=no_expiry),
        cut_off_minutes=_cut_off_minutes(cut_off),
        maximum_age_days=_maximum_age(maximum_age_days),
        restore_grace_days=restore_grace_days,
        shortfall_policy=shortfall,
        gift_points_a_month=gift_points_a_month,
    )

    async def work(connection: "AsyncConnection") -> None:
        async with unit_of_work(connection):
            await add_programme(connection, programme)

    run_with_connection(work)
    say(f"Added programme {code}: {_terms(programme)}.", programme, as_json=as_json)


@app.command("list", epilog="Example: citypoints programmes list --json")
def list_all(*, as_json: AsJson = False) -> None:
    """List the programmes with the rules in force; with --json, with all their dated rules."""
    programmes, now = _read()
    if as_json:
        say_json({"programmes": [_document(programme) for programme in programmes]})
        return
    headings = ("CODE", "STATE", "CURRENCY", "ZONE", "RATE", "VALIDITY", "PARTNERS")
    say_table(headings, [_row(programme, now) for programme in programmes])


@app.command("close", epilog="Example: citypoints programmes close SHOP")
def close(code: Code, *, as_json: AsJson = False) -> None:
    """Close a programme: no new earnings and redemptions; returns stay possible."""
    _set_open(code, is_open=False, as_json=as_json)


@app.command("open", epilog="Example: citypoints programmes open SHOP")
def open_again(code: Code, *, as_json: AsJson = False) -> None:
    """Open a closed programme again."""
    _set_open(code, is_open=True, as_json=as_json)


def _set_open(code: str, *, is_open: bool, as_json: bool) -> None:
    from api.cli.installation import run_with_connection
    from ledger.store.registry import read_registry
    from ledger.store.registry_writes import set_programme_open
    from ledger.store.unit_of_work import unit_of_work

    async def work(connection: "AsyncConnection") -> bool:
        async with unit_of_work(connection):
            found = (await read_registry(connection)).programmes.get(code)
            if found is None:
                fail(f"no programme has the code {code!r}; `citypoints programmes list` shows all")
            if found.is_open != is_open:
                await set_programme_open(connection, found.number, is_open=is_open)
            return found.is_open != is_open

    state = "open" if is_open else "closed"
    changed = run_with_connection(work)
    line = f"Programme {code} is {state} now." if changed else f"Programme {code} was {state} already."
    say(line, {"code": code, "is_open": is_open, "changed": changed}, as_json=as_json)


def _read() -> "tuple[list[Programme], int]":
    from api.cli.installation import run_with_connection
    from ledger.store.ledger_row import read_clock
    from ledger.store.registry import read_registry

    async def work(connection: "AsyncConnection") -> "tuple[list[Programme], int]":
        programmes = (await read_registry(connection)).programmes
        ordered = sorted(programmes.values(), key=lambda programme: programme.code)
        return ordered, await read_clock(connection)

    return run_with_connection(work)


def _document(programme: "Programme") -> dict[str, object]:
    from ledger.rules.money import from_minor

    hours, minutes = divmod(programme.cut_off_minutes, MINUTES_PER_HOUR)
    return {
        "code": programme.code,
        "is_open": programme.is_open,
        "currency": programme.currency,
        "zone": programme.zone,
        "cut_off": f"{hours:02}:{minutes:02}",
        "maximum_age_days": programme.maximum_age_days,
        "restore_grace_days": programme.restore_grace_days,
        "shortfall": programme.shortfall_policy,
        "gift_points_a_month": programme.gift_points_a_month,
        "rules": [
            {
                "starts_on": rules.starts_on,
                "points": rules.earn_rate.points,
                "per": from_minor(rules.earn_rate.per_minor, programme.currency),
                "validity_months": rules.validity_months,
                "validity_days": rules.validity_days,
            }
            for rules in programme.versions
        ],
    }


def _row(programme: "Programme", now: int) -> tuple[str, ...]:
    rules = programme.version_on(programme.business_day(now))
    return (
        programme.code,
        "open" if programme.is_open else "closed",
        programme.currency,
        programme.zone,
        _rate(rules.earn_rate, programme.currency),
        _validity(rules.validity_months, rules.validity_days),
        str(len(programme.issuers | programme.acceptors)),
    )


def _terms(programme: "NewProgramme") -> str:
    rules = programme.rules
    rate = _rate(rules.earn_rate, programme.currency)
    return f"{rate}, {_validity(rules.validity_months, rules.validity_days)}, {programme.zone}"


def _rate(rate: "EarnRate", currency: str) -> str:
    from ledger.rules.money import from_minor

    return f"{rate.points} per {currency} {from_minor(rate.per_minor, currency)}"


def _validity(months: int | None, days: int | None) -> str:
    if months is not None:
        return f"good for {months} months"
    return "no expiry" if days is None else f"good for {days} days"


def _zone(name: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        ZoneInfo(name)
    # A name with a NUL is a ValueError, the name of a folder an OSError.
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(f"--zone: got {name!r}, wanted an IANA time zone such as Asia/Shanghai") from None
    return name


def _cut_off_minutes(text: str) -> int:
    if re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", text) is None:
        raise typer.BadParameter(f"--cut-off: got {text!r}, wanted HH:MM from 00:00 to 23:59")
    return int(text[:2]) * MINUTES_PER_HOUR + int(text[3:])


def _maximum_age(text: str) -> int | None:
    if text == "none":
        return None
    if re.fullmatch(r"[0-9]{1,5}", text) is None or int(text) > MOST_DAYS:
        raise typer.BadParameter(f"--maximum-age-days: got {text!r}, wanted 0 to {MOST_DAYS} or none")
    return int(text)


def _rules(currency: str, rate: str, months: int | None, days: int | None, *, never: bool) -> "NewRules":
    from ledger.rules.money import MINOR_PLACES
    from ledger.rules.programmes import EarnRate
    from ledger.store.registry_writes import NewRules

    if (months is not None) + (days is not None) + never > 1:
        raise typer.BadParameter("got several of --validity-months, --validity-days and --no-expiry, wanted one")
    if currency not in MINOR_PLACES:
        raise typer.BadParameter(f"--currency: got {currency!r}, wanted an ISO 4217 code in capitals such as CNY")
    match = re.fullmatch(r"([1-9][0-9]{0,8})(?:/([1-9][0-9]{0,8}))?", rate)
    if match is None or int(match[1]) > MOST_POINTS_PER_STEP:
        wanted = f"points, such as 1, or points/units, such as 3/2, of at most {MOST_POINTS_PER_STEP} points"
        raise typer.BadParameter(f"--earn-rate: got {rate!r}, wanted {wanted}")
    per_minor = int(match[2] or 1) * 10 ** MINOR_PLACES[currency]
    if months is None and days is None and not never:
        months = DEFAULT_VALIDITY_MONTHS
    return NewRules(EarnRate(int(match[1]), per_minor), validity_months=months, validity_days=days)
