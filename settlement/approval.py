"""A batch on its way to approval: submitted by one person, approved by another, or cancelled.

Approval posts points and money in one unit of work, nets every party by its contract, and plans what is paid and
what is asked for. Nothing is posted before.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction

from ledger.errors import BatchInTheWay, BatchOutdated, LimitExceeded, NotFound
from ledger.ids import Place
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.commands import Clear
from ledger.rules.money_postings import OPERATOR, MoneyAccount
from settlement.batches import Batch, PartyPlace, Step, add_money, documents, refuse_transition
from settlement.calendars import banking_day_after, ends_in
from settlement.covers import give_back
from settlement.disputes import hold_out_disputed
from settlement.netting import Netting, net_party
from settlement.people import Person, refuse_same
from settlement.rounding import half_even
from settlement.set_up import read_limits
from settlement.store.batch_rows import (
    add_step,
    free_days,
    party_balances,
    read_balances,
    read_batch,
    read_not_instructed,
)
from settlement.store.day_rows import read_bank_days
from settlement.store.money_rows import Notice, Payment, add_notice, add_payment, read_open_notices, receive
from settlement.terms import ContractTerms
from settlement.vocabulary import APPROVER, CLERK, MANAGER

ID_CHARACTERS = 35
"""The longest EndToEndId of ISO 20022."""

_A = MoneyAccount


async def submit(engine: Engine, person: Person, batch: str, reason: str) -> Batch:
    """Hand a draft to a second person; again it stays as it is. Raises Forbidden, NotFound, BatchNotInState."""
    person.refuse_without(CLERK, MANAGER)
    return await clear(engine, lambda unit: _step(unit, person, batch, "submitted", reason))


async def cancel(engine: Engine, person: Person, batch: str, reason: str) -> Batch:
    """Cancel an unapproved batch and free its days; raises as ``submit``."""
    person.refuse_without(CLERK, MANAGER, APPROVER)

    async def step(unit: ClearingUnit) -> Batch:
        cancelled = await _step(unit, person, batch, "cancelled", reason)
        await free_days(unit.connection, batch)
        return cancelled

    return await clear(engine, step)


async def close(engine: Engine, person: Person, batch: str, reason: str) -> Batch:
    """Close a batch whose payments have all been confirmed; raises as ``submit``."""
    person.refuse_without(CLERK, MANAGER)
    return await clear(engine, lambda unit: _step(unit, person, batch, "closed", reason))


async def approve(engine: Engine, person: Person, batch: str, reason: str) -> Batch:
    """Approve what another person submitted: post it, net it, plan what is paid and asked for.

    Raises Forbidden, NotFound, BatchNotInState, SecondPersonRequired, LimitExceeded, BatchInTheWay while an earlier
    batch's payments are not instructed, BatchOutdated where the ledger has moved under the draft.
    """
    person.refuse_without(APPROVER, MANAGER)

    async def step(unit: ClearingUnit) -> Batch:
        found = await find_batch(unit, batch)
        if found.state not in ("draft", "submitted", "cancelled"):
            return found
        refuse_transition(found, "approved")
        for preparer in found.prepared_by:
            refuse_same(preparer, person, "prepared")
        await _refuse_above_limit(unit, person, found)
        await _refuse_outdated(unit, found)
        place = _post(unit, found)
        await _net(unit, found)
        await add_step(unit.connection, found, Step("approved", person.name, unit.now, reason), place.number)
        return await find_batch(unit, batch)

    return await clear(engine, step)


async def find_batch(unit: ClearingUnit, batch: str) -> Batch:
    """A batch by its name; raises NotFound."""
    found = await read_batch(unit.connection, batch)
    if found is None:
        raise NotFound("No settlement batch has this name.", batch=batch)
    return found


async def _step(unit: ClearingUnit, person: Person, batch: str, state: str, reason: str) -> Batch:
    found = await find_batch(unit, batch)
    if any(step.state == state for step in found.steps):
        return found
    refuse_transition(found, state)
    await add_step(unit.connection, found, Step(state, person.name, unit.now, reason))
    return await find_batch(unit, batch)


async def _refuse_above_limit(unit: ClearingUnit, person: Person, batch: Batch) -> None:
    """A role approves up to its limit; a role without one, any amount."""
    limits = await read_limits(unit.connection, batch.programme)
    own = [limits.get(role) for role in person.roles & {APPROVER, MANAGER}]
    amount_minor = batch.figures.pay_out_minor
    if None in own:
        return
    most = max(limit for limit in own if limit is not None)
    if amount_minor > most:
        raise LimitExceeded(
            f"Batch {batch.id} pays out more than you may approve: a person with a higher limit decides.",
            batch=batch.id,
            pays_out_minor=amount_minor,
            limit_minor=most,
        )


async def _refuse_outdated(unit: ClearingUnit, batch: Batch) -> None:
    """What was computed must still be what is stored, and rest on what the ledger owes now."""
    before = await read_not_instructed(unit.connection, batch.programme)
    if before is not None:
        raise BatchInTheWay(f"Batch {before} is approved: instruct its payments first.", batch=before, state="approved")
    balances = await read_balances(unit.connection, batch.programme)
    currency = batch.inputs.currency
    now = (
        -balances.get((_A.REDEMPTION_OBLIGATION, OPERATOR, currency), 0),
        -balances.get((_A.DEFERRED_FEE, OPERATOR, currency), 0),
    )
    rests_on = (batch.inputs.obligation_minor, batch.inputs.deferred_fee_minor)
    *_, digest = documents(batch.inputs, batch.figures)
    if now != rests_on or digest != batch.digest:
        raise BatchOutdated(f"Money has moved since batch {batch.id} was run: cancel it and run again.", batch=batch.id)


def _post(unit: ClearingUnit, batch: Batch) -> Place:
    figures = batch.figures
    command = Clear(programme=batch.inputs.programme, about=batch.id, points=figures.points, money=figures.money)
    return unit.post(command, f"approve:{batch.id}")


async def _net(unit: ClearingUnit, batch: Batch) -> None:
    """Net every party, then plan its payment where its cycle ends, and ask for what it owes."""
    standing = await read_balances(unit.connection, batch.programme)
    balances = party_balances(standing)
    add_money(balances, batch.figures.money)
    current = batch.inputs.current_terms
    calendar = await read_bank_days(unit.connection)
    # What is disputed is held out first: it is neither netted nor paid.
    postings = await hold_out_disputed(unit, batch)
    add_money(balances, postings)
    for party, currency in sorted(balances):
        terms = current.get(party)
        if terms is None:
            continue
        netting = net_party(party, currency, balances[party, currency], terms)
        postings += netting.postings
        await give_back(unit, batch.programme, party, _netted(netting), f"net:{batch.id}:{party}")
        if netting.payable_minor > 0 and ends_in(terms.cycle, batch.first_day, batch.last_day):
            await add_payment(unit.connection, _payment(batch, party, currency, netting, standing))
        await _ask(unit, batch, (party, currency), netting.due_minor, terms, calendar)
    if postings:
        unit.post(Clear(programme=batch.inputs.programme, about=batch.id, money=tuple(postings)), f"net:{batch.id}")


def _netted(netting: Netting) -> int:
    """What an issuer has paid by netting; what prefunding pays was counted when it came in."""
    return sum(
        posting.amount_minor
        for posting in netting.postings
        if posting.credit == _A.ISSUER_RECEIVABLE and posting.debit != _A.PREFUNDING
    )


async def _ask(
    unit: ClearingUnit,
    batch: Batch,
    place: PartyPlace,
    due_minor: int,
    terms: ContractTerms,
    calendar: Mapping[date, bool],
) -> None:
    """Ask for what is due above what was asked for before; what netting has paid of older notices is counted."""
    party, currency = place
    asked = await read_open_notices(unit.connection, batch.programme, party, currency)
    rest_minor = sum(notice.open_minor for notice in asked) - due_minor
    for notice in asked:
        netted_minor = min(max(rest_minor, 0), notice.open_minor)
        if netted_minor:
            await receive(unit.connection, notice.reference, netted_minor)
            rest_minor -= netted_minor
    if rest_minor < 0:
        new = Notice(
            reference=end_to_end_id(batch, party, 0),
            batch=batch.id,
            programme=batch.programme,
            party=party,
            currency=currency,
            amount_minor=-rest_minor,
            due_on=banking_day_after(batch.last_day, calendar, terms.due_days),
        )
        await add_notice(unit.connection, new)


def _payment(
    batch: Batch, party: int, currency: str, netting: Netting, standing: Mapping[tuple[int, int, str], int]
) -> Payment:
    return Payment(
        end_to_end_id=end_to_end_id(batch, party, 1),
        batch=batch.id,
        programme=batch.programme,
        party=party,
        attempt=1,
        currency=currency,
        amount_minor=netting.payable_minor,
        refundable_minor=netting.refundable_minor,
        booked_minor=_booked(batch, party, currency, netting.payable_minor, standing),
    )


def _booked(
    batch: Batch, party: int, currency: str, amount_minor: int, standing: Mapping[tuple[int, int, str], int]
) -> int:
    """What an amount stands at in the programme's currency: a foreign party's position, by the part that is paid."""
    own = batch.inputs.currency
    if currency == own:
        return amount_minor
    position = {of: standing.get((_A.FX_POSITION, party, of), 0) for of in (own, currency)}
    for posting in batch.figures.money:
        if posting.currency in position:
            position[posting.currency] += posting.amount_minor * (
                ((posting.debit, posting.debit_party) == (_A.FX_POSITION, party))
                - ((posting.credit, posting.credit_party) == (_A.FX_POSITION, party))
            )
    return max(half_even(Fraction(-position[own] * amount_minor, position[currency])), 1)


def end_to_end_id(batch: Batch, party: int, attempt: int) -> str:
    """The id of a payment's attempt, or with attempt 0 of a notice: from batch, party number and attempt.

    Banks take no underscore, and 35 characters: where the programme's code does not fit, its number stands for it.
    """
    named = f"{batch.id}-{party}-{attempt}"
    if len(named) <= ID_CHARACTERS and "_" not in named:
        return named
    return f"{batch.programme}-{batch.last_day:%Y%m%d}-{batch.revision}-{party}-{attempt}"
