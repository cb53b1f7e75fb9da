"""The commands of ``citypoints settle`` about payments, banks' files and money that came in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, fail, say, say_json, say_table
from api.cli.settling import Name, Reason, take

if TYPE_CHECKING:
    from api.schemas.payments import BankFileOutcome, SuspenseAnswer, SuspenseList
    from ledger.posting.engine import Engine
    from settlement.store.money_rows import PaymentFile


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `settle`."""
    app.command("instruct", epilog="Example: citypoints settle instruct CITY-20261123-1 --reason 'pay today'")(instruct)
    app.command("payment-file", epilog="Example: citypoints settle payment-file CITY-20261123-1 --out payments.xml")(
        payment_file
    )
    app.command("retry", epilog="Example: citypoints settle retry CITY-20261123-1-7-1 --reason 'new account'")(retry)
    app.command("reconcile", epilog="Example: citypoints settle reconcile camt053.xml")(reconcile)
    app.command("suspense", epilog="Example: citypoints settle suspense")(suspense)
    app.command("match", epilog="Example: citypoints settle match ITEM CITY-20261123-1-9-0")(match)


def instruct(batch: Name, *, reason: Reason, as_json: AsJson = False) -> None:
    """Write the payment file of an approved batch, once, and book its payments."""
    from settlement.payments import instruct as take_step

    take(batch, reason, take_step, as_json=as_json)


def payment_file(
    batch: Name,
    *,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Where to. [default: standard output]")] = None,
) -> None:
    """Give out a batch's payment file as it was written: the same bytes every time."""
    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "list[PaymentFile]":
        from api.cli.staff import person_of_environment
        from settlement.store.money_rows import read_files

        person = await person_of_environment(engine)
        person.refuse_without("finance-clerk", "finance-approver", "manager", "auditor")
        async with engine.pool.connection() as connection:
            return await read_files(connection, batch)

    files = run_with_engine(work)
    if not files:
        fail(f"no payment file was made of a batch {batch!r}")
    if out is None:
        typer.echo(files[-1].content, nl=False)
        return
    out.write_bytes(files[-1].content)
    typer.echo(f"Wrote {files[-1].message_id} to {out}.")


def retry(
    payment: Annotated[str, typer.Argument(metavar="PAYMENT", help="The end-to-end id of what came back.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Order a rejected or returned payment again, to where its party is paid by now."""
    from settlement.payments import retry as take_step

    take(payment, reason, take_step, as_json=as_json)


def reconcile(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of the bank.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Import what the bank says: pain.002, camt.053, camt.054, pacs.004. The same file again changes nothing."""
    from api.cli.installation import run_with_engine

    contents = [_content(file) for file in files]

    async def work(engine: "Engine") -> "list[BankFileOutcome]":
        from api.cli.staff import person_of_environment
        from settlement.reconciliation import import_bank_file

        person = await person_of_environment(engine)
        return [await import_bank_file(engine, person, content) for content in contents]

    outcomes = run_with_engine(work)
    if as_json:
        say_json({"files": outcomes})
        return
    for file, outcome in zip(files, outcomes, strict=True):
        typer.echo(
            f"{file}: {outcome.kind} {outcome.message_id}: {outcome.confirmed} confirmed, {outcome.accepted} accepted, "
            f"{outcome.rejected} rejected, {outcome.returned} returned, {outcome.received} received, "
            f"{outcome.suspended} to the work list, {outcome.repeated} known before."
        )


def suspense(*, as_json: AsJson = False) -> None:
    """Show money that could not be placed."""
    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "SuspenseList":
        from api.schemas.payments import SuspenseList, suspense_answer
        from settlement.store.bank_rows import list_items

        async with engine.pool.connection() as connection:
            items = await list_items(connection, 200)
        return SuspenseList([suspense_answer(item, engine.registry.current) for item in items], None)

    found = run_with_engine(work)
    if as_json:
        say_json(found)
        return
    rows = [
        (one.id, one.booked_on.isoformat(), f"{one.amount.amount} {one.amount.currency}", one.payer, one.remittance)
        for one in found.items
    ]
    say_table(("ITEM", "BOOKED ON", "AMOUNT", "PAYER", "WRITTEN"), rows)


def match(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="As `settle suspense` shows it.")],
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The notice that it pays.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Say which notice a receipt of the work list pays."""
    from api.cli.installation import run_with_engine
    from api.schemas.proposals import proposal_id

    identifier = proposal_id(item)
    if identifier is None:
        fail(f"nothing on the work list has the id {item[:40]!r}")

    async def work(engine: "Engine") -> "SuspenseAnswer":
        from api.cli.staff import person_of_environment
        from api.schemas.payments import suspense_answer
        from settlement.receipts import match as match_item

        person = await person_of_environment(engine)
        return suspense_answer(await match_item(engine, person, identifier, reference), engine.registry.current)

    answer = run_with_engine(work)
    say(f"Placed {answer.amount.amount} {answer.amount.currency} with {answer.matched_to}.", answer, as_json=as_json)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f"FILE: {file} cannot be read: {error.strerror}") from error
