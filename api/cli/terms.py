"""``citypoints terms``: propose, approve and show the contracts that points are settled by."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, fail, say, say_json, say_table

if TYPE_CHECKING:
    from api.schemas.contracts import ProposalAnswer, TermsHistory
    from ledger.posting.engine import Engine

app = typer.Typer(help="Propose, approve and show the contracts that points are settled by.", no_args_is_help=True)

Partner = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's code.")]
Programme = Annotated[str, typer.Option(metavar="CODE", help="The programme's code.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept.")]

_SET_EXAMPLE = (
    "Example: citypoints terms set BANK --programme CITY --from 2026-12-01 --reserve 0.01 --fee 0.002 "
    "--reimbursement 0.01 --commission 0.02 --reason 'contract of 20 November'"
)


@app.command("set", epilog=_SET_EXAMPLE)
def set_terms(  # noqa: PLR0913 - one option for each term of a contract
    partner: Partner,
    *,
    programme: Programme,
    starts_on: Annotated[str, typer.Option("--from", metavar="DATE", help="First business day it holds on.")],
    reason: Reason,
    reserve: Annotated[str | None, typer.Option(help="Reserve per point issued.")] = None,
    fee: Annotated[str, typer.Option(help="Fee per point issued.")] = "0",
    reimbursement: Annotated[str | None, typer.Option(help="Paid per point taken.")] = None,
    commission: Annotated[str, typer.Option(help="Rate of the reimbursement that is kept.")] = "0",
    cycle: Annotated[str, typer.Option(help="daily, weekly or monthly.")] = "daily",
    currency: Annotated[str | None, typer.Option(help="Currency of settlement. [default: the programme's]")] = None,
    tax: Annotated[str, typer.Option(help="Rate of VAT on fee and commission.")] = "0",
    no_netting: Annotated[bool, typer.Option("--no-netting", help="Pay and collect apart.")] = False,
    carry: Annotated[
        bool, typer.Option("--carry", help="Carry what returns leave owed, instead of collecting.")
    ] = False,
    due_days: Annotated[int, typer.Option(min=0, max=250, help="Business days to pay a notice.")] = 5,
    pay_to: Annotated[
        str | None, typer.Option(metavar="NAME/ACCOUNT/CODE", help="Beneficiary: name, account, clearing code.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose a new version of a contract; another person approves it with `terms approve`."""
    fields = {
        "programme": programme,
        "starts_on": starts_on,
        "reason": reason,
        "reserve": reserve,
        "fee": fee,
        "reimbursement": reimbursement,
        "commission": commission,
        "cycle": cycle,
        "currency": currency,
        "tax": tax,
        "nets": not no_netting,
        "debit_rest": "carry" if carry else "collect",
        "due_days": due_days,
        "beneficiary": _beneficiary(pay_to),
    }
    answer = _propose(partner, {name: value for name, value in fields.items() if value is not None})
    say(f"Proposed as {answer.id}: another person approves it.", answer, as_json=as_json)


@app.command(
    "approve", epilog="Example: citypoints terms approve 5f6c1f5e-6f43-5f6e-9a55-0d8f7b7c2a11 --reason checked"
)
def approve(
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="The id that `terms set` printed.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Approve what another person proposed: terms, or any other change of settlement's set-up."""
    from api.cli.installation import run_with_engine
    from api.schemas.contracts import proposal_answer, proposal_id

    identifier = proposal_id(proposal)
    if identifier is None:
        fail(f"no proposal has the id {proposal[:40]!r}")

    async def work(engine: "Engine") -> "ProposalAnswer":
        from api.cli.staff import person_of_environment
        from settlement.proposals import approve_proposal

        person = await person_of_environment(engine)
        return proposal_answer(await approve_proposal(engine, person, identifier, reason), engine.registry.current)

    answer = run_with_engine(work)
    say(f"Approved: {answer.outcome}.", answer, as_json=as_json)


@app.command("show", epilog="Example: citypoints terms show BANK --programme CITY")
def show(partner: Partner, *, programme: Programme, as_json: AsJson = False) -> None:
    """Show all versions of a partner's contract, and who decided them."""
    from api.cli.installation import run_with_engine

    history = run_with_engine(lambda engine: _history(engine, partner, programme))
    if as_json:
        say_json(history)
        return
    headings = ("VERSION", "FROM", "RESERVE", "FEE", "REIMBURSEMENT", "COMMISSION", "PROPOSED BY", "APPROVED BY")
    rows = [
        (
            str(one.version),
            one.starts_on.isoformat(),
            one.reserve or "-",
            one.fee or "-",
            one.reimbursement or "-",
            one.commission or "-",
            one.proposed_by,
            one.approved_by,
        )
        for one in history.items
    ]
    say_table(headings, rows)


def _propose(partner: str, fields: dict[str, object]) -> "ProposalAnswer":
    from uuid import uuid4

    import msgspec

    from api.cli.installation import run_with_engine
    from api.schemas.contracts import TermsSent, proposal_answer

    try:
        sent = msgspec.convert(fields, TermsSent)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error

    async def work(engine: "Engine") -> "ProposalAnswer":
        from api.cli.settling import programme_coded
        from api.cli.staff import person_of_environment
        from settlement.proposals import propose

        person = await person_of_environment(engine)
        programme = programme_coded(engine, sent.programme)
        proposal = await propose(engine, person, programme, sent.request(partner), sent.reason, uuid4())
        return proposal_answer(proposal, engine.registry.current)

    return run_with_engine(work)


async def _history(engine: "Engine", partner: str, programme: str) -> "TermsHistory":
    from api.cli.settling import programme_coded
    from api.schemas.contracts import TermsHistory, terms_answer
    from settlement.store.term_rows import read_history

    registry = engine.registry.current
    found = registry.partner_coded(partner)
    if found is None:
        fail(f"no partner has the code {partner!r}; `citypoints partners list` shows all")
    number = programme_coded(engine, programme).number
    async with engine.pool.connection() as connection:
        history = await read_history(connection, number, found.number)
    return TermsHistory([terms_answer(one, registry) for one in history])


def _beneficiary(pay_to: str | None) -> dict[str, str] | None:
    if pay_to is None:
        return None
    parts = pay_to.split("/")
    if len(parts) != len(("name", "account", "clearing_code")):
        raise typer.BadParameter(f"--pay-to: got {pay_to!r}, wanted NAME/ACCOUNT/CODE")
    return dict(zip(("name", "account", "clearing_code"), parts, strict=True))
