"""Disputes: a redemption's money is held out of what its acceptor is owed until a second person decides.

Decided for the acceptor, it is paid with the next batch. Decided against it, the redemption is reversed and its
money moved back in one unit of work; the batch that the reversal falls in then counts its points alone.
"""

from fractions import Fraction
from uuid import UUID, uuid5

from msgspec.structs import replace

from ledger.errors import DisputeDecided, NotDisputable, NotFound
from ledger.ids import Place, place_of
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.reading.transactions import read_views
from ledger.rules.commands import Clear, Reverse
from ledger.rules.journal import TransactionKind
from ledger.rules.money import minor_places
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.outcomes import Posted
from ledger.rules.programmes import Programme
from settlement.batches import Batch
from settlement.people import Person, refuse_same
from settlement.rounding import MICROS, half_even, in_minor
from settlement.run import funding_shares
from settlement.store.dispute_rows import (
    Dispute,
    Redemption,
    add_dispute,
    decide_dispute,
    hold_out,
    is_settled,
    read_dispute,
    read_dispute_of,
    read_redemption,
    read_to_hold,
    read_uses,
)
from settlement.store.term_rows import read_book
from settlement.terms import missing
from settlement.vocabulary import APPROVER, CLERK, MANAGER

_A = MoneyAccount
_DISPUTES = UUID("0c6f3a52-41a5-4c46-9b0a-7d1f7b2f9e10")
_REDEMPTIONS = frozenset({TransactionKind.REDEEM, TransactionKind.CAPTURE})


def dispute_of(transaction: UUID) -> UUID:
    """The id of a transaction's dispute, by whichever door it is opened."""
    return uuid5(_DISPUTES, str(transaction))


async def open_dispute(engine: Engine, person: Person, transaction: UUID, reason: str, dispute: UUID) -> Dispute:
    """Dispute a whole redemption, under an id of the caller's; one that is disputed already is returned as it is.

    Its money is held out at once where its batch is approved, else when it will be. Raises Forbidden, NotFound,
    NotDisputable for what is no redemption, was partly returned, or is settled in another currency, ContractMissing.
    """
    person.refuse_without(CLERK, MANAGER)
    place = place_of(transaction)

    async def step(unit: ClearingUnit) -> Dispute:
        found = None if place is None else await read_redemption(unit.connection, place)
        if place is None or found is None:
            raise NotFound("No transaction has this id.")
        known = await read_dispute_of(unit.connection, place)
        if known is not None:
            return known
        new = await _new(unit, person, place, found, reason, dispute)
        await add_dispute(unit.connection, new)
        if new.is_held:
            _post(unit, new, "held", [(_A.ACCEPTOR_PAYABLE, new.acceptor, _A.SUSPENSE, OPERATOR, new.amount_minor)])
        return new

    return await clear(engine, step)


async def decide_for_acceptor(engine: Engine, person: Person, dispute: UUID, reason: str) -> Dispute:
    """Let the acceptor have what was held out; again it is as it was.

    Raises Forbidden, NotFound, SecondPersonRequired, and DisputeDecided where it was decided otherwise.
    """
    person.refuse_without(APPROVER, MANAGER)

    async def step(unit: ClearingUnit) -> Dispute:
        found = await _undecided(unit, person, dispute, "for-acceptor")
        if found.state != "open":
            return found
        decided = _decided(unit, found, person, "for-acceptor", reason)
        if found.is_held:
            back = (_A.SUSPENSE, OPERATOR, _A.ACCEPTOR_PAYABLE, found.acceptor, found.amount_minor)
            _post(unit, found, "released", [back])
        await decide_dispute(unit.connection, decided)
        return decided

    return await clear(engine, step)


async def decide_against_acceptor(engine: Engine, person: Person, dispute: UUID, reason: str) -> Dispute:
    """Reverse the redemption and move its money back to the obligation towards the member, in one unit of work.

    Raises as ``decide_for_acceptor``, and NotDisputable where the redemption cannot be reversed any more.
    """
    person.refuse_without(APPROVER, MANAGER)
    async with engine.pool.connection() as connection:
        found = await read_dispute(connection, dispute)
    if found is None:
        raise NotFound("No dispute has this id.")
    transaction = await _transaction_id(engine, found)
    command = Reverse(transaction=str(transaction), reason=reason)
    submission = await engine.intake.prepare(found.acceptor, f"dispute:{dispute}", command, owner="l:settlement")

    async def step(unit: ClearingUnit) -> Dispute:
        current = await _undecided(unit, person, dispute, "against-acceptor")
        if current.state != "open":
            return current
        outcome = unit.submit(submission)
        if not isinstance(outcome, Posted):
            raise NotDisputable(f"The redemption cannot be reversed: {outcome.detail}", refusal=outcome.code)
        reversal = outcome.own_entries[-1].transaction
        if current.is_held:
            _post(unit, current, "taken-back", _taken_back(current))
        decided = replace(
            _decided(unit, current, person, "against-acceptor", reason),
            reversal_lane=reversal.lane,
            reversal_sequence=reversal.sequence,
        )
        await decide_dispute(unit.connection, decided)
        return decided

    return await clear(engine, step, [submission])


async def hold_out_disputed(unit: ClearingUnit, batch: Batch) -> list[MoneyPosting]:
    """The postings that hold out what is disputed of a batch that is being approved."""
    ranges = [(one.lane, one.after, one.last) for one in batch.inputs.ranges]
    postings = []
    for dispute in await read_to_hold(unit.connection, batch.programme, ranges):
        await hold_out(unit.connection, dispute.dispute)
        payable, suspense = (_A.ACCEPTOR_PAYABLE, dispute.acceptor), (_A.SUSPENSE, OPERATOR)
        postings.append(MoneyPosting(batch.inputs.currency, *payable, *suspense, dispute.amount_minor))
    return postings


async def _new(
    unit: ClearingUnit, person: Person, place: Place, found: Redemption, reason: str, dispute: UUID
) -> Dispute:
    programme = unit.registry.programme_numbered(found.programme)
    if found.kind not in _REDEMPTIONS or found.reversed_points:
        raise NotDisputable("Only a redemption or capture of which nothing was returned can be disputed.")
    book = await read_book(unit.connection, programme.number)
    terms = book.on(found.partner, programme.business_day(found.occurred_at))
    if terms is None or terms.reimbursement_micros is None:
        raise missing(found.partner, "acceptor", terms)
    if terms.currency != programme.currency:
        raise NotDisputable("The acceptor is settled in another currency: its redemptions are corrected by reversal.")
    places = minor_places(programme.currency)
    gross = in_minor(found.points, terms.reimbursement_micros, places)
    commission_minor = half_even(gross * terms.commission_micros / MICROS)
    amount_minor = half_even(gross) - commission_minor
    if amount_minor <= 0:
        raise NotDisputable("The redemption is worth less than the smallest unit of the currency.")
    return Dispute(
        dispute=dispute,
        programme=programme.number,
        lane=place.lane,
        sequence=place.number,
        acceptor=found.partner,
        points=found.points,
        amount_minor=amount_minor,
        commission_minor=commission_minor,
        reserve_minor=await _reserve(unit, programme, place),
        is_held=await is_settled(unit.connection, programme.number, place),
        state="open",
        reason=reason,
        opened_by=person.name,
        opened_at=unit.now,
    )


async def _reserve(unit: ClearingUnit, programme: Programme, place: Place) -> int:
    """What the lots of a redemption had in reserve, each at its own version, rounded once."""
    book = await read_book(unit.connection, programme.number)
    fundings = await funding_shares(unit.connection)
    exact = Fraction(0)
    for funding, earned_at, points in await read_uses(unit.connection, place):
        lead = fundings[funding].lead
        terms = book.on(lead, programme.business_day(earned_at))
        if terms is None or terms.reserve_micros is None:
            raise missing(lead, "issuer", terms)
        exact += in_minor(points, terms.reserve_micros, minor_places(programme.currency))
    return half_even(exact)


async def _undecided(unit: ClearingUnit, person: Person, dispute: UUID, state: str) -> Dispute:
    found = await read_dispute(unit.connection, dispute)
    if found is None:
        raise NotFound("No dispute has this id.")
    if found.state == state:
        return found
    if found.state != "open":
        raise DisputeDecided(f"The dispute is decided {found.state} already.", state=found.state)
    refuse_same(found.opened_by, person, "opened")
    return found


def _decided(unit: ClearingUnit, dispute: Dispute, person: Person, state: str, reason: str) -> Dispute:
    return replace(dispute, state=state, decided_by=person.name, decided_at=unit.now, decision_reason=reason)


def _taken_back(dispute: Dispute) -> list[tuple[MoneyAccount, int, MoneyAccount, int, int]]:
    """The mirror of the redemption, from what was held: the lots' reserves are owed to the member again."""
    obligation = (_A.REDEMPTION_OBLIGATION, OPERATOR)
    variance_minor = dispute.reserve_minor - dispute.amount_minor - dispute.commission_minor
    moves = [
        (_A.SUSPENSE, OPERATOR, *obligation, dispute.amount_minor),
        (_A.COMMISSION, OPERATOR, *obligation, dispute.commission_minor),
        (_A.RESERVE_VARIANCE, OPERATOR, *obligation, variance_minor),
    ]
    if variance_minor < 0:
        moves[-1] = (*obligation, _A.RESERVE_VARIANCE, OPERATOR, -variance_minor)
    return [move for move in moves if move[-1]]


def _post(
    unit: ClearingUnit, dispute: Dispute, what: str, moves: list[tuple[MoneyAccount, int, MoneyAccount, int, int]]
) -> None:
    programme = unit.registry.programme_numbered(dispute.programme)
    money = tuple(MoneyPosting(programme.currency, *move) for move in moves)
    about = f"dispute {dispute.dispute}"
    unit.post(Clear(programme=programme.code, about=about, money=money), f"{what}:{about}")


async def _transaction_id(engine: Engine, dispute: Dispute) -> UUID:
    async with engine.pool.connection() as connection:
        place = Place(dispute.lane, dispute.sequence)
        views = await read_views(connection, engine.registry.current, [place])
    return UUID(views[place].id)
