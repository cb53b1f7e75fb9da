"""Running a batch: closed days become lines, money and points, as a draft that says what it rests on.

The figures are computed outside any unit of work, from closed ranges that never change; then the draft is kept at
once. Running again, or twice at once, gives the one batch.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from msgspec.structs import replace
from psycopg import AsyncConnection

from ledger.errors import BatchInTheWay, BatchOutdated, ContractMissing, NothingToSettle, QuoteMissing
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.business_day import first_instant_after
from ledger.rules.money_postings import OPERATOR, MoneyAccount
from ledger.rules.programmes import ExchangeRate, Programme, Registry
from settlement.batches import Batch, BatchInputs, Range, Step, batch_id, documents
from settlement.figures import BatchFigures, Opening, settle
from settlement.flows import Flow, FlowKind
from settlement.gathering import Gathering, Progress
from settlement.lines import Funding
from settlement.people import Person
from settlement.store.batch_rows import (
    add_batch,
    count_revisions,
    note_step,
    read_balances,
    read_batch_of_day,
    read_last_approved,
    read_unapproved,
    read_waiting_days,
)
from settlement.store.day_rows import read_last_day, read_lasts
from settlement.store.flow_rows import read_fundings, read_leads
from settlement.store.term_rows import read_book, read_quote
from settlement.terms import ContractTerms, TermsBook
from settlement.vocabulary import CLERK, MANAGER


async def run(
    engine: Engine,
    person: Person,
    programme: Programme,
    through: date | None = None,
    progress: Progress | None = None,
) -> Batch:
    """Settle all closed days up to ``through``, by default the last closed one; the batch of that day if it has one.

    Raises Forbidden, NothingToSettle, BatchInTheWay while another batch is not approved, ContractMissing and
    QuoteMissing, which name what is missing, with nothing kept.
    """
    person.refuse_without(CLERK, MANAGER)
    async with engine.pool.connection() as connection:
        await engine.registry.refresh(connection)
        last_day = await read_last_day(connection, programme.number)
        if last_day is None or (through is not None and through > last_day):
            raise NothingToSettle(
                f"No day of {programme.code} is closed that could be settled.", programme=programme.code
            )
        wanted = through or last_day
        found = await _found(connection, programme, wanted)
        if found is not None:
            return found
        days = await read_waiting_days(connection, programme.number, wanted)
        if not days:
            # Another run may have taken them since; what is before the first closed day waits for ever.
            found = await _found(connection, programme, wanted)
            if found is None:
                raise NothingToSettle(f"No day of {programme.code} waits up to {wanted}.", programme=programme.code)
            return found
    inputs, figures = await _compute(engine, programme, days, progress)
    return await _keep(engine, person, programme, inputs, figures)


async def _found(connection: AsyncConnection, programme: Programme, day: date) -> Batch | None:
    """The batch of a day; raises BatchInTheWay where one without the day is not approved yet."""
    # In this order: a batch of this very day that is kept between the two readings is found, and in nobody's way.
    other = await read_unapproved(connection, programme.number)
    found = await read_batch_of_day(connection, programme.number, day)
    if found is not None:
        return found
    if other is not None:
        raise BatchInTheWay(
            f"Batch {other.id} is {other.state}: approve or cancel it first.", batch=other.id, state=other.state
        )
    return None


async def _compute(
    engine: Engine, programme: Programme, days: list[date], progress: Progress | None
) -> tuple[BatchInputs, BatchFigures]:
    registry = engine.registry.current
    async with engine.pool.connection() as connection:
        book = await read_book(connection, programme.number)
        fundings = await funding_shares(connection)
        ranges = await ranges_of(connection, programme, days)
        last = await read_last_approved(connection, programme.number)
        balances = await read_balances(connection, programme.number)
    rates = registry.exchange_rates
    gathering = Gathering(programme, book, fundings, days[0], rates)
    try:
        flows = await gathering.gather(engine.pool.connection, ranges, progress)
        currencies = currencies_of(flows, book, fundings, days[-1])
        async with engine.pool.connection() as connection:
            quotes = await _quotes(connection, programme, days[-1], set(currencies.values()))
        opening = Opening(
            positions=() if last is None else last.figures.positions,
            obligation_minor=-balances.get((MoneyAccount.REDEMPTION_OBLIGATION, OPERATOR, programme.currency), 0),
            deferred_fee_minor=-balances.get((MoneyAccount.DEFERRED_FEE, OPERATOR, programme.currency), 0),
        )
        figures = settle(flows, book, fundings, opening, programme.currency, quotes, currencies, rates)
    except ContractMissing as error:
        raise _named(error, registry, programme) from error
    inputs = BatchInputs(
        programme=programme.code,
        currency=programme.currency,
        days=tuple(days),
        ranges=tuple(ranges),
        terms=_terms_used(book, fundings, figures, days[-1]),
        quotes=quotes,
        leads={position.funding: fundings[position.funding].lead for position in figures.positions},
        obligation_minor=opening.obligation_minor,
        deferred_fee_minor=opening.deferred_fee_minor,
        rates=rates_used(flows, rates),
    )
    return inputs, figures


async def funding_shares(connection: AsyncConnection) -> dict[int, Funding]:
    """Who pays for each funding's points; the lead is the partner that it belongs to, of a campaign its lead."""
    fundings = await read_fundings(connection)
    leads = await read_leads(connection)
    return {
        funding: Funding(lead=leads.get(funding, shares[0][0]), shares=tuple(shares))
        for funding, shares in fundings.items()
    }


def currencies_of(
    flows: Sequence[Flow], book: TermsBook, fundings: Mapping[int, Funding], last_day: date
) -> dict[int, str]:
    """In which currency each party of the flows is settled, by its contract on the last day."""
    parties = {flow.acceptor for flow in flows if flow.acceptor}
    parties |= {partner for flow in flows for partner, _ in fundings[flow.funding].shares}
    parties |= book.attributed(parties)
    return {party: terms.currency for party in parties if (terms := book.on(party, last_day)) is not None}


def rates_used(flows: Sequence[Flow], rates: Mapping[int, ExchangeRate]) -> tuple[ExchangeRate, ...]:
    """The rates of the exchanges among flows, by number."""
    numbers = {flow.acceptor_version for flow in flows if flow.kind == FlowKind.EXCHANGE}
    return tuple(rates[number] for number in sorted(numbers))


async def ranges_of(connection: AsyncConnection, programme: Programme, days: Sequence[date]) -> list[Range]:
    """From where the day before the first left each lane to where the last did."""
    before = await read_lasts(connection, programme.number, days[0] - timedelta(days=1))
    after = await read_lasts(connection, programme.number, days[-1])
    found = [Range(lane, before.get(lane, 0), last) for lane, last in sorted(after.items())]
    return [one for one in found if one.last > one.after]


async def _quotes(
    connection: AsyncConnection, programme: Programme, last_day: date, currencies: set[str]
) -> dict[str, int]:
    """The quotes in force at the last day's cut-off; raises QuoteMissing."""
    at = first_instant_after(last_day, programme.zone, programme.cut_off_minutes) - 1
    quotes: dict[str, int] = {}
    for currency in sorted(currencies - {programme.currency}):
        quote = await read_quote(connection, programme.number, currency, at)
        if quote is None:
            raise QuoteMissing(
                f"No rate of {currency} was in force at the end of {last_day}.",
                currency=currency,
                day=last_day.isoformat(),
            )
        quotes[currency] = quote
    return quotes


def _terms_used(
    book: TermsBook, fundings: Mapping[int, Funding], figures: BatchFigures, last_day: date
) -> tuple[ContractTerms, ...]:
    """The contracts that lines and positions rest on, and of every party the one in force, by which it is paid."""
    used = {(fundings[position.funding].lead, position.version) for position in figures.positions}
    used |= {(line.party, line.version) for line in figures.lines if line.kind in ("redemption_gross", "return_gross")}
    for partner in book.partners:
        current = book.on(partner, last_day)
        if current is not None:
            used.add((partner, current.version))
    return tuple(book.numbered(*place) for place in sorted(used))


def _named(error: ContractMissing, registry: Registry, programme: Programme) -> ContractMissing:
    """The same error, with the partner's code in place of its number."""
    partner = registry.partners[int(str(error.facts["partner"]))]
    side = error.facts["side"]
    return ContractMissing(
        f"Partner {partner.code} has no contract for programme {programme.code} that prices its {side}'s side.",
        partner=partner.code,
        programme=programme.code,
        side=side,
    )


async def _keep(
    engine: Engine, person: Person, programme: Programme, inputs: BatchInputs, figures: BatchFigures
) -> Batch:
    first, second, digest = documents(inputs, figures)

    async def step(unit: ClearingUnit) -> Batch:
        found = await _found(unit.connection, programme, inputs.days[-1])
        if found is not None:
            return found
        if await read_waiting_days(unit.connection, programme.number, inputs.days[-1]) != list(inputs.days):
            raise BatchOutdated(
                f"Days of {programme.code} were settled meanwhile: run again.", programme=programme.code
            )
        revision = 1 + await count_revisions(unit.connection, programme.number, inputs.days[-1])
        batch = Batch(
            id=batch_id(programme.code, inputs.days[-1], revision),
            programme=programme.number,
            first_day=inputs.days[0],
            last_day=inputs.days[-1],
            revision=revision,
            state="draft",
            digest=digest,
            inputs=inputs,
            figures=figures,
        )
        await add_batch(unit.connection, batch, first, second)
        drafted = Step("draft", person.name, unit.now, "run")
        await note_step(unit.connection, batch.id, drafted)
        return replace(batch, steps=(drafted,))

    return await clear(engine, step)
