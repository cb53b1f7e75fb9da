"""The commands of ``citypoints settle`` that set it up: accounts, limits, rates, bank days, and money by proposal."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from api.cli.output import AsJson, say
from api.cli.settling import Code, Reason, day_of, programme_coded

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.schemas.contracts import QuoteSent
    from api.schemas.proposals import ProposalAnswer
    from ledger.posting.engine import Engine
    from ledger.rules.programmes import Programme
    from settlement.people import Person
    from settlement.proposals import AnyRequest

    Asking = Callable[[Programme], tuple[AnyRequest, str]]

Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In the programme's currency, such as 50000.00.")]


def add_to(app: typer.Typer) -> None:
    """Add the commands to those of `settle`."""
    example = "Example: citypoints settle"
    app.command(
        "account",
        epilog=f"{example} account 'City Points/6222020200112233445/102100000012' --programme CITY --reason 'opened'",
    )(account)
    app.command(
        "limit", epilog=f"{example} limit finance-approver 50000.00 --programme CITY --reason 'board of 20 November'"
    )(limit)
    app.command("adjust", epilog=f"{example} adjust CAFE 12.50 --programme CITY --about CITY-20261123-1 --reason late")(
        adjust
    )
    app.command("reserve", epilog=f"{example} reserve 100000.00 --programme CITY --reason 'end of month'")(reserve)
    app.command("close-period", epilog=f"{example} close-period 2026-11-30 --programme CITY --reason 'end of month'")(
        close_period
    )
    app.command(
        "exchange-rate",
        epilog=f"{example} exchange-rate MILES 5:4 --issuer SKY --price 0.0115 --from 2026-12-01 "
        "--programme CITY --reason 'contract of 20 November'",
    )(exchange_rate)
    app.command(
        "quote",
        epilog=f"{example} quote THB 4.95 --programme CITY --from 2026-11-23T00:00:00+08:00 "
        "--until 2026-11-24T12:00:00+08:00 --source 'the bank'",
    )(quote)
    app.command("bank-days", epilog=f"{example} bank-days 2027-02-06 --working --note 调休")(bank_days)


def account(
    pay_from: Annotated[str, typer.Argument(metavar="NAME/ACCOUNT/CODE", help="Name, account, clearing code.")],
    *,
    programme: Code,
    reason: Reason,
    currency: Annotated[str | None, typer.Option(help="Its currency. [default: the programme's]")] = None,
    as_json: AsJson = False,
) -> None:
    """Propose the account of ours that parties are paid from and pay to; `terms approve` decides."""
    from api.cli.terms import beneficiary_of

    fields: dict[str, object] = {"operation": "account", "beneficiary": beneficiary_of(pay_from, "NAME/ACCOUNT/CODE")}
    _propose(programme, reason, fields, currency, as_json=as_json)


def limit(
    role: Annotated[Literal["finance-approver", "manager"], typer.Argument(help="The role.")],
    amount: Amount,
    *,
    programme: Code,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Propose how much a batch may pay out that a role approves."""
    _propose(programme, reason, {"operation": "limit", "role": role, "amount": amount}, as_json=as_json)


def adjust(
    party: Annotated[str, typer.Argument(metavar="PARTNER", help="The partner's code.")],
    amount: Amount,
    *,
    programme: Code,
    about: Annotated[str, typer.Option(help="What it corrects: a batch, a dispute.")],
    reason: Reason,
    take: Annotated[bool, typer.Option("--take", help="Take it back from the party, instead of giving.")] = False,
    as_json: AsJson = False,
) -> None:
    """Propose money for a party at the operator's cost, or taken back from it."""
    direction = "take" if take else "give"
    of_party = {"party": party, "amount": amount, "direction": direction, "about": about}
    _propose(programme, reason, {"operation": "adjustment", **of_party}, as_json=as_json)


def reserve(
    amount: Amount,
    *,
    programme: Code,
    reason: Reason,
    release: Annotated[bool, typer.Option("--release", help="Out of the reserve, instead of into it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Propose money into the reserve's account, or out of it."""
    direction = "release" if release else "fund"
    _propose(programme, reason, {"operation": "reserve", "amount": amount, "direction": direction}, as_json=as_json)


def close_period(
    through: Annotated[str, typer.Argument(metavar="DATE", help="The last day of the period.")],
    *,
    programme: Code,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Propose to close a period: nothing is taken any more that occurred on a day up to DATE."""
    last = day_of(through, "DATE").isoformat()
    _propose(programme, reason, {"operation": "period", "through": last}, as_json=as_json)


def exchange_rate(
    target_programme: Annotated[str, typer.Argument(metavar="PROGRAMME", help="The programme whose points are got.")],
    step: Annotated[
        str, typer.Argument(metavar="GIVE:GET", help="So many points are given for so many, such as 5:4; 1:0 ends it.")
    ],
    *,
    programme: Code,
    issuer: Annotated[str, typer.Option(help="The partner that issues them there.")],
    starts_on: Annotated[str, typer.Option("--from", metavar="DATE", help="From this business day on.")],
    reason: Reason,
    price: Annotated[str, typer.Option(help="What the issuer has for each point it issues.")] = "0",
    as_json: AsJson = False,
) -> None:
    """Propose at which rate points become points of another programme; `terms approve` decides."""
    give, separator, get = step.partition(":")
    if not (separator and give.isdecimal() and get.isdecimal()):
        raise typer.BadParameter(f"GIVE:GET is {step!r}; wanted are two whole numbers, such as 5:4.")
    first_day = day_of(starts_on, "--from").isoformat()
    terms = {"issuer": issuer, "starts_on": first_day, "give": int(give), "get": int(get), "price": price}
    offered = {"target_programme": target_programme, **terms}
    _propose(programme, reason, {"operation": "exchange-rate", **offered}, as_json=as_json)


def quote(
    currency: Annotated[str, typer.Argument(metavar="CURRENCY", help="The foreign currency.")],
    rate: Annotated[str, typer.Argument(metavar="RATE", help="So much of it for one of the programme's.")],
    *,
    programme: Code,
    valid_from: Annotated[str, typer.Option("--from", metavar="TIME", help="RFC 3339, with an offset.")],
    expires_at: Annotated[str, typer.Option("--until", metavar="TIME", help="From then on it no longer holds.")],
    source: Annotated[str, typer.Option(help="Who quoted it.")],
    as_json: AsJson = False,
) -> None:
    """Enter a rate that was quoted; a batch takes the one in force at its cut-off."""
    import msgspec

    from api.cli.installation import run_with_engine
    from api.schemas.contracts import QuoteSent

    fields = {"programme": programme, "currency": currency, "rate": rate, "source": source}
    try:
        sent = msgspec.convert({**fields, "valid_from": valid_from, "expires_at": expires_at}, QuoteSent)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error

    async def work(engine: "Engine") -> "QuoteSent":
        from api.cli.staff import person_of_environment
        from ledger.store.unit_of_work import unit_of_work
        from settlement.store.term_rows import add_quote

        person = await person_of_environment(engine)
        person.refuse_without("finance-clerk", "manager")
        kept = sent.quote(programme_coded(engine, programme))
        async with engine.pool.connection() as connection, unit_of_work(connection):
            await add_quote(connection, kept, person.name)
        return sent

    say(f"Kept: 1 is {rate} {currency} until {expires_at}.", run_with_engine(work), as_json=as_json)


def bank_days(
    days: Annotated[list[str], typer.Argument(metavar="DATE...", help="The days.")],
    *,
    note: Annotated[str, typer.Option(help="What they are, such as the festival.")],
    working: Annotated[bool, typer.Option("--working", help="Banks settle on them, instead of not.")] = False,
    as_json: AsJson = False,
) -> None:
    """Name holidays, or working days at a weekend."""
    import msgspec

    from api.cli.installation import run_with_engine
    from api.schemas.settlement import BankDaysSent

    named = [day_of(day, "DATE").isoformat() for day in days]
    try:
        sent = msgspec.convert({"days": named, "is_business": working, "note": note}, BankDaysSent)
    except msgspec.ValidationError as error:
        raise typer.BadParameter(str(error)) from error

    async def work(engine: "Engine") -> "Person":
        from api.cli.staff import person_of_environment
        from ledger.store.unit_of_work import unit_of_work
        from settlement.store.day_rows import set_bank_days

        person = await person_of_environment(engine)
        person.refuse_without("operator", "finance-clerk", "manager")
        async with engine.pool.connection() as connection, unit_of_work(connection):
            await set_bank_days(connection, sent.days, sent.note, person.name, is_business=working)
        return person

    run_with_engine(work)
    what = "working days" if working else "holidays"
    say(f"Kept {len(named)} as {what} of the banks.", sent, as_json=as_json)


def propose_change(programme: str, asked: "Asking") -> "ProposalAnswer":
    """Propose a change as the person of the environment; ``asked`` says what, given the programme, and why."""
    from uuid import uuid4

    from api.cli.installation import run_with_engine

    async def work(engine: "Engine") -> "ProposalAnswer":
        from api.cli.staff import person_of_environment
        from api.schemas.proposals import proposal_answer
        from settlement.proposals import propose

        person = await person_of_environment(engine)
        found = programme_coded(engine, programme)
        change, reason = asked(found)
        proposal = await propose(engine, person, found, change, reason, uuid4())
        return proposal_answer(proposal, engine.registry.current)

    return run_with_engine(work)


def _propose(
    programme: str, reason: str, fields: dict[str, object], currency: str | None = None, *, as_json: bool
) -> None:
    import msgspec

    from api.schemas.proposals import ProposalSent

    def asked(found: "Programme") -> "tuple[AnyRequest, str]":
        whole = {"programme": programme, "reason": reason, **fields}
        if "amount" in whole:
            whole["amount"] = {"currency": found.currency, "amount": whole["amount"]}
        if whole["operation"] == "account":
            whole["currency"] = currency or found.currency
        try:
            sent = msgspec.convert(whole, ProposalSent)
        except msgspec.ValidationError as error:
            raise typer.BadParameter(str(error)) from error
        return sent.request(found.currency), sent.reason

    answer = propose_change(programme, asked)
    say(f"Proposed as {answer.id}: another person approves it.", answer, as_json=as_json)
