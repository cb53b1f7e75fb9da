"""The commands of ``citypoints settle`` about disputes."""

from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

import typer

from api.cli.output import AsJson, fail, say
from api.cli.settling import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from api.schemas.disputes import DisputeAnswer
    from ledger.posting.engine import Engine
    from settlement.people import Person
    from settlement.store.dispute_rows import Dispute


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `settle`."""
    app.command("dispute", epilog="Example: citypoints settle dispute TRANSACTION --reason 'goods not given'")(dispute)
    app.command("decide", epilog="Example: citypoints settle decide DISPUTE for-acceptor --reason 'receipt seen'")(
        decide
    )


def dispute(
    transaction: Annotated[str, typer.Argument(metavar="TRANSACTION", help="The redemption's id.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Hold a redemption's money out of what its acceptor is owed, until it is decided."""
    from uuid import uuid4

    identifier = _id_of(transaction, "transaction")

    async def step(engine: "Engine", person: "Person") -> "Dispute":
        from settlement.disputes import open_dispute

        return await open_dispute(engine, person, identifier, reason, uuid4())

    answer = _run(step)
    say(f"Disputed as {answer.id}: {answer.amount.amount} {answer.amount.currency}.", answer, as_json=as_json)


def decide(
    dispute: Annotated[str, typer.Argument(metavar="DISPUTE", help="The dispute's id.")],
    decision: Annotated[Literal["for-acceptor", "against-acceptor"], typer.Argument(help="For whom.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Decide a dispute that another person opened."""
    identifier = _id_of(dispute, "dispute")

    async def step(engine: "Engine", person: "Person") -> "Dispute":
        from settlement.disputes import decide_against_acceptor, decide_for_acceptor

        decide_it = decide_for_acceptor if decision == "for-acceptor" else decide_against_acceptor
        return await decide_it(engine, person, identifier, reason)

    answer = _run(step)
    say(f"Dispute {answer.id} is decided {answer.state}.", answer, as_json=as_json)


def _run(step: "Callable[[Engine, Person], Awaitable[Dispute]]") -> "DisputeAnswer":
    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "DisputeAnswer":
        from api.cli.staff import person_of_environment
        from api.schemas.disputes import dispute_answer

        person = await person_of_environment(engine)
        return dispute_answer(await step(engine, person), engine.registry.current)

    return run_with_engine(work)


def _id_of(text: str, what: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        fail(f"no {what} has the id {text[:40]!r}")
