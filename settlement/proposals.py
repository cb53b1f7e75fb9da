"""Changes that take two persons: one proposes, another approves or rejects.

Contracts, rates of exchange, adjustments of what a party is owed, movements of the reserve, our accounts and approval
limits all come this way. An approved change is carried out in the unit of work that approves it.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid5

import msgspec
from msgspec.structs import replace
from psycopg import AsyncConnection

from ledger.errors import (
    Forbidden,
    IdempotencyKeyReused,
    NotFound,
    PartnerNotFound,
    ProposalDecided,
    TermsChanged,
    TermsInThePast,
)
from ledger.posting.clearing import ClearingUnit, clear
from ledger.posting.engine import Engine
from ledger.rules.commands import Clear
from ledger.rules.money_postings import OPERATOR, MoneyAccount, MoneyPosting
from ledger.rules.programmes import Programme
from ledger.store.registry_writes import close_period
from settlement.covers import set_cover
from settlement.exchange_rates import ExchangeRateRequest, new_exchange_rate, set_exchange_rate
from settlement.people import Person, refuse_same
from settlement.periods import refuse_unsettled
from settlement.set_up import AccountRequest, LimitRequest
from settlement.store.day_rows import read_last_day
from settlement.store.proposal_rows import (
    Operation,
    Proposal,
    add_proposal,
    decide_proposal,
    list_waiting,
    read_proposal,
)
from settlement.store.term_rows import add_terms, read_book
from settlement.term_rules import refuse_unfit_account, refuse_unfit_amount, refuse_unfit_terms
from settlement.terms import Beneficiary, Breakage, ContractTerms, Cycle, DebitRest
from settlement.vocabulary import APPROVER, CLERK, MANAGER

PROPOSERS, DECIDERS = (CLERK, MANAGER, "operator"), (APPROVER, MANAGER)
"""Who may propose, and who may decide what another person proposed."""

_A = MoneyAccount


class TermsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """A new version of a partner's contract; fields as in ``ContractTerms``, partners by their codes."""

    partner: str
    starts_on: date
    reserve_micros: int | None = None
    fee_micros: int = 0
    reimbursement_micros: int | None = None
    commission_micros: int = 0
    currency: str | None = None
    cycle: Cycle = "daily"
    nets: bool = True
    debit_rest: DebitRest = "collect"
    credit_limit_minor: int | None = None
    prefunding_minor: int = 0
    tax_micros: int = 0
    attribution_micros: int = 0
    attribution_partner: str | None = None
    fee_is_deferred: bool = False
    breakage: Breakage = "issuer"
    is_own_account: bool = False
    due_days: int = 5
    beneficiary: Beneficiary | None = None


class AdjustmentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An amount given to a party, or taken from it where it is below zero, at the operator's cost; minor units.

    ``about`` names what it corrects: a batch, a dispute.
    """

    party: str
    amount_minor: int
    about: str


class ReserveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money into the reserve's account, or out of it where it is below zero; minor units."""

    amount_minor: int


class PeriodRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A period to be closed: nothing is taken any more that occurred on a business day up to ``through``."""

    through: date


AnyRequest = (
    TermsRequest
    | AdjustmentRequest
    | ReserveRequest
    | LimitRequest
    | AccountRequest
    | PeriodRequest
    | ExchangeRateRequest
)

OPERATION_OF: dict[type, Operation] = {
    TermsRequest: "terms",
    AdjustmentRequest: "adjustment",
    ReserveRequest: "reserve",
    LimitRequest: "limit",
    AccountRequest: "account",
    PeriodRequest: "period",
    ExchangeRateRequest: "exchange-rate",
}
REQUEST_OF: dict[str, type[AnyRequest]] = {
    "terms": TermsRequest,
    "adjustment": AdjustmentRequest,
    "reserve": ReserveRequest,
    "limit": LimitRequest,
    "account": AccountRequest,
    "period": PeriodRequest,
    "exchange-rate": ExchangeRateRequest,
}

_PROPOSALS = UUID("5f6c1f5e-6f43-4f6e-9a55-0d8f7b7c2a11")

_encode = msgspec.json.Encoder().encode


def proposal_named(person: Person, key: str) -> UUID:
    """The id of what a person proposes under an idempotency key: proposed again, it is the same proposal."""
    return uuid5(_PROPOSALS, f"{person.name}:{key}")


async def check_proposal(engine: Engine, person: Person, programme: Programme, request: AnyRequest) -> None:
    """Raise what proposing a change now would raise; nothing is kept."""
    person.refuse_without(*PROPOSERS)

    async def step(unit: ClearingUnit) -> None:
        await _check(unit, programme, request)

    await clear(engine, step)


async def propose(
    engine: Engine,
    person: Person,
    programme: Programme,
    request: AnyRequest,
    reason: str,
    proposal: UUID,
    *,
    seen: str | None = None,
) -> Proposal:
    """Keep a change for a second person to decide, under an id of the caller's; again it is the same one.

    ``seen`` is the mark of a contract as its proposer read it. Raises Forbidden, TermsChanged where the contract has
    another mark by now, IdempotencyKeyReused for another change under the id, MalformedRequest, and what carrying it
    out now would raise for what it names.
    """
    person.refuse_without(*PROPOSERS)

    async def step(unit: ClearingUnit) -> Proposal:
        known = await read_proposal(unit.connection, proposal)
        if known is not None:
            if known.request != _encode(request):
                raise IdempotencyKeyReused("The Idempotency-Key was used before, with another request.")
            return known
        await _check(unit, programme, request)
        if seen is not None and isinstance(request, TermsRequest):
            await _refuse_unseen(unit, programme, request.partner, seen)
        new = Proposal(
            proposal=proposal,
            programme=programme.number,
            operation=OPERATION_OF[type(request)],
            request=_encode(request),
            reason=reason,
            proposed_by=person.name,
            proposed_at=unit.now,
        )
        await add_proposal(unit.connection, new)
        return new

    return await clear(engine, step)


async def terms_mark(connection: AsyncConnection, programme: int, partner: int, code: str) -> str:
    """What changes when a partner's contract, or what waits to become of it, does."""
    versions = (await read_book(connection, programme)).versions(partner)
    waiting = [one.proposal for one in await list_waiting(connection, programme, "terms") if _is_of(one, code)]
    return "-".join([f"v{len(versions)}", *(proposal.hex[-12:] for proposal in waiting[-1:])])


async def approve_proposal(engine: Engine, person: Person, proposal: UUID, reason: str) -> Proposal:
    """Approve what another person proposed, and carry it out. Approving again changes nothing.

    Raises Forbidden, NotFound, SecondPersonRequired, ProposalDecided where it was rejected, and what no longer fits.
    """
    person.refuse_without(*DECIDERS)
    return await _decide(engine, person, proposal, reason, "approved")


async def reject_proposal(engine: Engine, person: Person, proposal: UUID, reason: str) -> Proposal:
    """Reject what another person proposed; raises as ``approve_proposal``."""
    person.refuse_without(*DECIDERS)
    return await _decide(engine, person, proposal, reason, "rejected")


async def withdraw_proposal(engine: Engine, person: Person, proposal: UUID, reason: str) -> Proposal:
    """Take back what one proposed oneself, before anybody has decided. Again it changes nothing.

    Raises Forbidden for what another person proposed, NotFound, and ProposalDecided where it was decided.
    """
    return await _decide(engine, person, proposal, reason, "withdrawn")


async def _decide(engine: Engine, person: Person, proposal: UUID, reason: str, state: str) -> Proposal:
    async def step(unit: ClearingUnit) -> Proposal:
        known = await read_proposal(unit.connection, proposal)
        if known is None:
            raise NotFound("No proposal has this id.")
        if state == "withdrawn" and known.proposed_by != person.name:
            raise Forbidden("Only who made a proposal may withdraw it.")
        if known.state == state:
            return known
        if known.state != "waiting":
            raise ProposalDecided(f"The proposal is {known.state} already.", state=known.state)
        if state != "withdrawn":
            refuse_same(known.proposed_by, person, "proposed")
        outcome = await _carry_out(unit, known) if state == "approved" else None
        decided = replace(
            known, state=state, decided_by=person.name, decided_at=unit.now, decision_reason=reason, outcome=outcome
        )
        await decide_proposal(unit.connection, decided)
        return decided

    return await clear(engine, step)


async def _refuse_unseen(unit: ClearingUnit, programme: Programme, code: str, seen: str) -> None:
    mark = await terms_mark(unit.connection, programme.number, _partner(unit, code), code)
    if seen != mark:
        raise TermsChanged("If-Match: the contract has changed, or a change of it is proposed, since you read it.")


def _is_of(proposal: Proposal, code: str) -> bool:
    request = request_of(proposal)
    return isinstance(request, TermsRequest) and request.partner == code


def request_of(proposal: Proposal) -> AnyRequest:
    """What a proposal asks for."""
    return msgspec.json.decode(proposal.request, type=REQUEST_OF[proposal.operation])


async def _check(unit: ClearingUnit, programme: Programme, request: AnyRequest) -> None:
    if isinstance(request, TermsRequest):
        await _new_terms(unit, programme, request)
    elif isinstance(request, AdjustmentRequest):
        _partner(unit, request.party)
        refuse_unfit_amount(request.amount_minor)
    elif isinstance(request, ReserveRequest):
        refuse_unfit_amount(request.amount_minor)
    elif isinstance(request, PeriodRequest):
        await refuse_unsettled(unit, programme, request.through)
    elif isinstance(request, ExchangeRateRequest):
        await new_exchange_rate(unit, programme, request)
    elif isinstance(request, AccountRequest):
        refuse_unfit_account(request.currency, Beneficiary(request.name, request.account, request.clearing_code))


async def _carry_out(unit: ClearingUnit, proposal: Proposal) -> str:
    request = request_of(proposal)
    programme = unit.registry.programme_numbered(proposal.programme)
    carry = _CARRIERS.get(type(request))
    return str(proposal.proposal) if carry is None else await carry(unit, programme, request, proposal)


async def _set_terms(unit: ClearingUnit, programme: Programme, request: TermsRequest, proposal: Proposal) -> str:
    terms = await _new_terms(unit, programme, request)
    await add_terms(unit.connection, terms, proposal.proposal)
    await set_cover(unit, terms, str(proposal.proposal))
    return f"version {terms.version} of {request.partner}"


async def _adjust(unit: ClearingUnit, programme: Programme, request: AdjustmentRequest, proposal: Proposal) -> str:
    """Give at the operator's cost, or take back: a new transaction that names what it corrects."""
    party = _partner(unit, request.party)
    cost, payable = (_A.GOODWILL, OPERATOR), (_A.ACCEPTOR_PAYABLE, party)
    debit, credit = (cost, payable) if request.amount_minor > 0 else (payable, cost)
    posting = MoneyPosting(programme.currency, *debit, *credit, abs(request.amount_minor))
    about = f"adjustment of {request.about}"
    unit.post(Clear(programme=programme.code, about=about, money=(posting,)), f"proposal:{proposal.proposal}")
    return about


async def _move_reserve(unit: ClearingUnit, programme: Programme, request: ReserveRequest, proposal: Proposal) -> str:
    reserve, bank = (_A.RESERVE_BANK, OPERATOR), (_A.SETTLEMENT_BANK, OPERATOR)
    debit, credit = (reserve, bank) if request.amount_minor > 0 else (bank, reserve)
    posting = MoneyPosting(programme.currency, *debit, *credit, abs(request.amount_minor))
    unit.post(Clear(programme=programme.code, about="reserve", money=(posting,)), f"proposal:{proposal.proposal}")
    return "reserve"


async def _close_period(unit: ClearingUnit, programme: Programme, request: PeriodRequest, _: Proposal) -> str:
    await refuse_unsettled(unit, programme, request.through)
    await close_period(unit.connection, programme.number, request.through)
    return f"closed through {request.through}"


async def _set_rate(unit: ClearingUnit, programme: Programme, request: ExchangeRateRequest, _: Proposal) -> str:
    return await set_exchange_rate(unit, programme, request)


_CARRIERS: dict[type, Callable[[ClearingUnit, Programme, Any, Proposal], Awaitable[str]]] = {
    TermsRequest: _set_terms,
    AdjustmentRequest: _adjust,
    ReserveRequest: _move_reserve,
    PeriodRequest: _close_period,
    ExchangeRateRequest: _set_rate,
}


async def _new_terms(unit: ClearingUnit, programme: Programme, request: TermsRequest) -> ContractTerms:
    """The version that a request makes.

    Raises TermsInThePast where it would change what is closed or agreed, PartnerNotFound, and MalformedRequest.
    """
    partner = _partner(unit, request.partner)
    versions = (await read_book(unit.connection, programme.number)).versions(partner)
    last_closed = await read_last_day(unit.connection, programme.number)
    if versions and request.starts_on <= versions[-1].starts_on:
        raise TermsInThePast(
            f"Version {versions[-1].version} starts on {versions[-1].starts_on}; the next one starts later.",
            got=request.starts_on.isoformat(),
            after=versions[-1].starts_on.isoformat(),
        )
    if versions and last_closed is not None and request.starts_on <= last_closed:
        raise TermsInThePast(
            f"The day {last_closed} is closed; new terms start after it.",
            got=request.starts_on.isoformat(),
            after=last_closed.isoformat(),
        )
    fields = msgspec.structs.asdict(request)
    attribution = fields.pop("attribution_partner")
    terms = ContractTerms(
        **fields
        | {
            "partner": partner,
            "programme": programme.number,
            "version": len(versions) + 1,
            "currency": request.currency or programme.currency,
            "attribution_partner": None if attribution is None else _partner(unit, attribution),
        }
    )
    refuse_unfit_terms(terms, programme.currency)
    return terms


def _partner(unit: ClearingUnit, code: str) -> int:
    partner = unit.registry.partner_coded(code)
    if partner is None:
        raise PartnerNotFound("No partner has this code.", partner=code)
    return partner.number
