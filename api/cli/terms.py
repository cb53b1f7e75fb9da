"""``citypoints terms``: propose, approve and show the contracts that points are settled by."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, fail, say, say_json, say_table
from api.cli.settling import Code, Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from uuid import UUID

    from api.schemas.contracts import TermsHistory
    from api.schemas.proposals import ProposalAnswer, ProposalList
    from ledger.posting.engine import Engine
    from ledger.rules.programmes import Programme
    from settlement.people import Person
    from settlement.proposals import AnyRequest
    from settlement.store.proposal_rows import Proposal

    Deciding = Callable[[Engine, Person, UUID, str], Awaitable[Proposal]]

app = typer.Typer(help="Propose, approve and show the contracts that points are settled by.", no_args_is_help=True)

Partner = Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's code.")]

_SHOWN = 200
_BENEFICIARY = ("name", "account", "clearing_code")
_SET_EXAMPLE = (
    "Example: citypoints terms set BANK --programme CITY --from 2026-12-01 --reserve 0.01 --fee 0.002 "
    "--reimbursement 0.01 --commission 0.02 --reason 'contract of 20 November'"
)


@app.command("set", epilog=_SET_EXAMPLE)
def set_terms(  # noqa: PLR0913 - one option for each term of a contract
    partner: Partner,
    *,
    programme: Code,
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
    credit_limit: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Most that it may owe.")] = None,
    prefunding: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Level of cover that is warned at.")] = None,
    attribution_fee: Annotated[str, typer.Option(metavar="RATE", help="Rate that goes to another partner.")] = "0",
    attribution_partner: Annotated[str | None, typer.Option(metavar="PARTNER", help="That partner.")] = None,
    defer_fee: Annotated[bool, typer.Option("--defer-fee", help="The fee is earned as points are used.")] = False,
    keep_breakage: Annotated[
        bool, typer.Option("--keep-breakage", help="The operator keeps the reserve of expired points.")
    ] = False,
    own_account: Annotated[bool, typer.Option("--own-account", help="The operator's own goodwill.")] = False,
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
        "credit_limit": credit_limit,
        "prefunding": prefunding,
        "attribution_fee": attribution_fee,
        "attribution_partner": attribution_partner,
        "fee_is_deferred": defer_fee,
        "breakage": "operator" if keep_breakage else "issuer",
        "is_own_account": own_account,
        "due_days": due_days,
        "beneficiary": None if pay_to is None else beneficiary_of(pay_to, "--pay-to"),
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
    from settlement.proposals import approve_proposal

    answer = _decide(proposal, reason, approve_proposal)
    say(f"Approved: {answer.outcome}.", answer, as_json=as_json)


@app.command(
    "reject",
    epilog="Example: citypoints terms reject 5f6c1f5e-6f43-5f6e-9a55-0d8f7b7c2a11 --reason 'not what we signed'",
)
def reject(
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its id.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Reject what another person proposed: nothing is changed."""
    from settlement.proposals import reject_proposal

    answer = _decide(proposal, reason, reject_proposal)
    say(f"Rejected the proposal of {answer.operation} by {answer.proposed_by}.", answer, as_json=as_json)


@app.command(
    "withdraw",
    epilog="Example: citypoints terms withdraw 5f6c1f5e-6f43-5f6e-9a55-0d8f7b7c2a11 --reason 'wrong account'",
)
def withdraw(
    proposal: Annotated[str, typer.Argument(metavar="PROPOSAL", help="Its id.")],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Take back what you proposed yourself, before anybody has decided: nothing is changed."""
    from settlement.proposals import withdraw_proposal

    answer = _decide(proposal, reason, withdraw_proposal)
    say(f"Withdrawn: your proposal of {answer.operation}.", answer, as_json=as_json)


@app.command("proposals", epilog="Example: citypoints terms proposals --waiting")
def proposals(
    *,
    waiting: Annotated[bool, typer.Option("--waiting", help="Only those that nobody has decided.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the latest proposals and what became of them."""
    from api.cli.installation import run_with_engine

    found = run_with_engine(lambda engine: _proposals(engine, "waiting" if waiting else None))
    if as_json:
        say_json(found)
        return
    rows = [
        (one.id, one.operation, one.state, one.proposed_by, one.decided_by or "-", one.outcome or one.reason)
        for one in found.items
    ]
    say_table(("PROPOSAL", "WHAT", "STATE", "PROPOSED BY", "DECIDED BY", "OUTCOME OR REASON"), rows)


@app.command("show", epilog="Example: citypoints terms show BANK --programme CITY")
def show(partner: Partner, *, programme: Code, as_json: AsJson = False) -> None:
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
            one.proposed_by or "-",
            one.approved_by or "-",
        )
        for one in history.items
    ]
    say_table(headings, rows)


def _propose(partner: str, fields: dict[str, object]) -> "ProposalAnswer":
    import msgspec

    from api.cli.settling_set_up import propose_change
    from api.schemas.contracts import TermsSent

    def request_of(programme: "Programme") -> "tuple[AnyRequest, str]":
        for name in ("credit_limit", "prefunding"):
            if name in fields:
                fields[name] = {"currency": programme.currency, "amount": fields[name]}
        try:
            sent = msgspec.convert(fields, TermsSent)
        except msgspec.ValidationError as error:
            raise typer.BadParameter(str(error)) from error
        return sent.request(partner, programme.currency), sent.reason

    return propose_change(str(fields["programme"]), request_of)


def _decide(proposal: str, reason: str, decide: "Deciding") -> "ProposalAnswer":
    from api.cli.installation import run_with_engine
    from api.schemas.proposals import proposal_answer, proposal_id

    identifier = proposal_id(proposal)
    if identifier is None:
        fail(f"no proposal has the id {proposal[:40]!r}")

    async def work(engine: "Engine") -> "ProposalAnswer":
        from api.cli.staff import person_of_environment

        person = await person_of_environment(engine)
        return proposal_answer(await decide(engine, person, identifier, reason), engine.registry.current)

    return run_with_engine(work)


async def _proposals(engine: "Engine", state: str | None) -> "ProposalList":
    from api.schemas.proposals import ProposalList, proposal_answer
    from settlement.store.proposal_rows import list_proposals

    async with engine.pool.connection() as connection:
        found = await list_proposals(connection, state, _SHOWN)
    return ProposalList([proposal_answer(one, engine.registry.current) for one in found], None)


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


def beneficiary_of(text: str, field: str) -> dict[str, str]:
    """A beneficiary written NAME/ACCOUNT/CODE; raises BadParameter that names the field."""
    parts = text.rsplit("/", 2)
    if len(parts) != len(_BENEFICIARY):
        raise typer.BadParameter(f"{field}: got {text!r}, wanted NAME/ACCOUNT/CODE")
    return dict(zip(_BENEFICIARY, parts, strict=True))
