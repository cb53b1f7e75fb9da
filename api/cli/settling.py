"""``citypoints settle``: close days, run batches, take them to their end. CITYPOINTS_KEY says who does it."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, fail, progress_bar, say, say_json, say_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import date

    from api.schemas.settlement import BatchAnswer, DayAnswer
    from ledger.posting.engine import Engine
    from ledger.rules.programmes import Programme
    from settlement.batches import Batch
    from settlement.people import Person

    Taking = Callable[[Engine, Person, str, str], Awaitable[Batch]]

app = typer.Typer(help="Close days, settle them, pay once. CITYPOINTS_KEY says who you are.", no_args_is_help=True)

Code = Annotated[str, typer.Option("--programme", metavar="CODE", help="The programme's code.")]
Name = Annotated[str, typer.Argument(metavar="BATCH", help="The batch's name, such as CITY-20261123-1.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]


@app.command("close-day", epilog="Example: citypoints settle close-day 2026-11-23 --programme CITY")
def close_day(
    day: Annotated[str, typer.Argument(metavar="DATE", help="The business day.")],
    *,
    programme: Code,
    as_json: AsJson = False,
) -> None:
    """Close a business day: from then on nothing can be recorded in it."""
    from api.cli.installation import run_with_engine

    of_day = day_of(day, "DATE")

    async def work(engine: "Engine") -> "DayAnswer":
        from api.cli.staff import person_of_environment
        from api.schemas.settlement import day_answer
        from settlement.days import close_day as close

        person = await person_of_environment(engine)
        return day_answer(programme, await close(engine, person, programme_coded(engine, programme), of_day))

    answer = run_with_engine(work)
    say(f"Closed {answer.day} of {programme}; {answer.closed_by} did, at {answer.closed_at}.", answer, as_json=as_json)


@app.command("run", epilog="Example: citypoints settle run --programme CITY")
def run(
    *,
    programme: Code,
    through: Annotated[str | None, typer.Option(metavar="DATE", help="Through this closed day. [default: all]")] = None,
    as_json: AsJson = False,
) -> None:
    """Settle all closed days that no batch has; the batch of the day where it has one already."""
    from api.cli.installation import run_with_engine

    last = None if through is None else day_of(through, "--through")
    with progress_bar("Summing the journal") as progress:

        async def work(engine: "Engine") -> "BatchAnswer":
            from api.cli.staff import person_of_environment
            from settlement.run import run as run_batch

            person = await person_of_environment(engine)
            found = programme_coded(engine, programme)
            return await shown(engine, await run_batch(engine, person, found, last, progress))

        answer = run_with_engine(work)
    _say_batch(answer, as_json=as_json)


@app.command("show", epilog="Example: citypoints settle show CITY-20261123-1 --json")
def show(batch: Name, *, as_json: AsJson = False) -> None:
    """Show a batch with every line, payment and notice."""
    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "BatchAnswer":
        from ledger.errors import NotFound
        from settlement.store.batch_rows import read_batch

        async with engine.pool.connection() as connection:
            found = await read_batch(connection, batch)
        if found is None:
            raise NotFound(f"No settlement batch has the name {batch!r}.")
        return await shown(engine, found)

    _say_batch(run_with_engine(work), as_json=as_json)


@app.command("submit", epilog="Example: citypoints settle submit CITY-20261123-1 --reason 'agrees with the banks'")
def submit(batch: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Hand a draft to a second person."""
    from settlement.approval import submit as take_step

    take(batch, reason, take_step, as_json=as_json)


@app.command("approve", epilog="Example: citypoints settle approve CITY-20261123-1 --reason checked")
def approve(batch: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Approve what another person submitted: points and money are posted."""
    from settlement.approval import approve as take_step

    take(batch, reason, take_step, as_json=as_json)


@app.command("cancel", epilog="Example: citypoints settle cancel CITY-20261123-1 --reason 'terms were wrong'")
def cancel(batch: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Cancel a batch that is not approved; its days can be settled again."""
    from settlement.approval import cancel as take_step

    take(batch, reason, take_step, as_json=as_json)


@app.command("close", epilog="Example: citypoints settle close CITY-20261123-1 --reason 'all paid'")
def close(batch: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Close a batch whose payments have all been confirmed."""
    from settlement.approval import close as take_step

    take(batch, reason, take_step, as_json=as_json)


def take(batch: str, reason: str, step: "Taking", *, as_json: bool) -> None:
    """Take a step with a batch as the person of the environment, and say where the batch is then."""
    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "BatchAnswer":
        from api.cli.staff import person_of_environment

        person = await person_of_environment(engine)
        return await shown(engine, await step(engine, person, batch, reason))

    _say_batch(run_with_engine(work), as_json=as_json)


async def shown(engine: "Engine", batch: "Batch") -> "BatchAnswer":
    """A batch as it is shown, with its payments and notices."""
    from api.schemas.settlement import batch_answer
    from settlement.store.money_rows import read_notices, read_payments

    async with engine.pool.connection() as connection:
        payments = await read_payments(connection, batch.id)
        notices = await read_notices(connection, batch.id)
    return batch_answer(batch, engine.registry.current, payments, notices)


def programme_coded(engine: "Engine", code: str) -> "Programme":
    """The programme with a code; fails for an unknown one."""
    programme = engine.registry.current.programmes.get(code)
    if programme is None:
        fail(f"no programme has the code {code!r}; `citypoints programmes list` shows all")
    return programme


def day_of(text: str, field: str) -> "date":
    """A date given as text; raises BadParameter that names the field."""
    from datetime import date

    from api.schemas.fields import FIRST_YEAR, LAST_YEAR

    wanted = f"a date such as 2026-11-23, of the years {FIRST_YEAR} to {LAST_YEAR}"
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{field}: got {text!r}, wanted {wanted}") from error
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise typer.BadParameter(f"{field}: got {text!r}, wanted {wanted}")
    return day


def _say_batch(answer: "BatchAnswer", *, as_json: bool) -> None:
    if as_json:
        say_json(answer)
        return
    currency = answer.collect.currency
    typer.echo(
        f"Batch {answer.id} is {answer.state}: {answer.first_day} to {answer.last_day}, "
        f"collects {answer.collect.amount} and pays out {answer.pay_out.amount} {currency}."
    )
    rows: list[tuple[str, str, str, str]] = [
        (party.party, line.kind, str(line.points), line.amount.amount)
        for party in answer.parties
        for line in party.lines
    ]
    rows += [(party.party, "net", "", party.net.amount) for party in answer.parties]
    say_table(("PARTY", "LINE", "POINTS", currency), sorted(rows, key=lambda row: (row[0], row[1] == "net")))
