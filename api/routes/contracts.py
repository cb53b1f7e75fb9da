"""Contracts and other changes of settlement's set-up: proposed by one person, decided by another; quotes."""

from decimal import Decimal
from uuid import UUID, uuid5

import msgspec
from litestar import Response, get, post, put
from psycopg import AsyncConnection

from api.access import for_roles
from api.idempotent_answers import FirstAnswer, answer_once, answer_step
from api.posting_answers import CREATED, JSON
from api.requests import CityRequest
from api.routes.declarations import (
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    IdempotencyKey,
    LimitQuery,
    ProgrammeQuery,
    answers,
)
from api.schemas.contracts import (
    AccountSent,
    AdjustmentSent,
    DecisionSent,
    LimitSent,
    ProposalAnswer,
    ProposalList,
    ProposalSent,
    QuoteSent,
    ReserveSent,
    TermsHistory,
    TermsSent,
    proposal_answer,
    proposal_id,
    terms_answer,
)
from api.schemas.fields import instant_of, refuse
from api.settlement_access import FINANCE, person_of, programme_coded
from api.wiring import wiring_of
from ledger.errors import NotFound, PartnerNotFound
from ledger.reading.cursors import DEFAULT_LIMIT
from settlement.proposals import (
    AdjustmentRequest,
    AnyRequest,
    ReserveRequest,
    approve_proposal,
    propose,
    reject_proposal,
)
from settlement.set_up import AccountRequest, LimitRequest
from settlement.store.proposal_rows import list_proposals, read_proposal
from settlement.store.term_rows import Quote, add_quote, read_history

PROPOSING = ("finance-clerk", "manager", "operator")
DECIDING = ("finance-approver", "manager")
ACCEPTED = 202
RATE = 100_000_000

_PROPOSALS = UUID("5f6c1f5e-6f43-4f6e-9a55-0d8f7b7c2a11")
_PROPOSING_PROBLEMS = (*WRITE_PROBLEMS, "programme-not-found", "partner-not-found", "clock-behind")
_DECIDING_PROBLEMS = (
    *WRITE_PROBLEMS,
    "not-found",
    "second-person-required",
    "proposal-decided",
    "partner-not-found",
    "terms-in-the-past",
    "clock-behind",
)
_encode = msgspec.json.Encoder().encode


@put(
    "/v1/partners/{code:str}/terms",
    status_code=ACCEPTED,
    before_request=for_roles(*PROPOSING),
    operation_id="proposeTerms",
    summary="Propose contract terms",
    tags=["Contracts"],
    responses=answers(ACCEPTED, ProposalAnswer, "Proposed.", *_PROPOSING_PROBLEMS, "terms-in-the-past"),
)
async def put_terms(
    request: CityRequest, code: CodePath, data: TermsSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Propose a new version of a partner's contract; it holds once another person has approved it.

    Versions are dated and never overwritten. `reserve` and `fee` are what the partner is charged per point it
    issues, `reimbursement` less `commission` what it gets per point it takes.
    """
    return await _propose(request, idempotency_key, f"terms:{code}", data, data.programme, data.request(code))


@get(
    "/v1/partners/{code:str}/terms",
    before_request=for_roles(*FINANCE),
    operation_id="getTerms",
    summary="Read contract terms",
    tags=["Contracts"],
    responses=answers(200, TermsHistory, "All versions.", *READ_PROBLEMS, "programme-not-found", "partner-not-found"),
)
async def get_terms(request: CityRequest, code: CodePath, programme: ProgrammeQuery) -> Response[bytes]:
    """All versions of a partner's contract, with who proposed and approved each."""
    wiring = wiring_of(request)
    found = await programme_coded(wiring, programme)
    registry = wiring.engine.registry.current
    partner = registry.partner_coded(code)
    if partner is None:
        raise PartnerNotFound("No partner has this code.", partner=code)
    async with wiring.engine.pool.connection() as connection:
        history = await read_history(connection, found.number, partner.number)
    return Response(_encode(TermsHistory([terms_answer(one, registry) for one in history])), media_type=JSON)


@post(
    "/v1/settlement-proposals",
    status_code=ACCEPTED,
    before_request=for_roles(*PROPOSING),
    operation_id="proposeChange",
    summary="Propose an adjustment, a movement of the reserve, a limit or an account",
    tags=["Contracts"],
    responses=answers(ACCEPTED, ProposalAnswer, "Proposed.", *_PROPOSING_PROBLEMS),
)
async def post_proposal(request: CityRequest, data: ProposalSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Propose a change; it is carried out when another person approves it."""
    return await _propose(request, idempotency_key, "proposal", data, data.programme, _request_of(data))


@get(
    "/v1/settlement-proposals",
    before_request=for_roles(*FINANCE),
    operation_id="listProposals",
    summary="List proposals",
    tags=["Contracts"],
    responses=answers(200, ProposalList, "The latest, the last first.", *READ_PROBLEMS),
)
async def get_proposals(request: CityRequest, limit: LimitQuery = DEFAULT_LIMIT) -> Response[bytes]:
    """What was proposed, by whom, and what became of it."""
    wiring = wiring_of(request)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await list_proposals(connection, None, limit)
    return Response(_encode(ProposalList([proposal_answer(one, registry) for one in found])), media_type=JSON)


@post(
    "/v1/settlement-proposals/{proposal:str}/approval",
    before_request=for_roles(*DECIDING),
    operation_id="approveProposal",
    summary="Approve a proposal",
    tags=["Contracts"],
    responses=answers(CREATED, ProposalAnswer, "Approved and carried out.", *_DECIDING_PROBLEMS),
)
async def post_proposal_approval(
    request: CityRequest, proposal: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Approve what another person proposed: it is carried out at once."""
    return await _decide(request, idempotency_key, proposal, data, approves=True)


@post(
    "/v1/settlement-proposals/{proposal:str}/rejection",
    before_request=for_roles(*DECIDING),
    operation_id="rejectProposal",
    summary="Reject a proposal",
    tags=["Contracts"],
    responses=answers(CREATED, ProposalAnswer, "Rejected.", *_DECIDING_PROBLEMS),
)
async def post_proposal_rejection(
    request: CityRequest, proposal: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Reject what another person proposed: nothing is changed."""
    return await _decide(request, idempotency_key, proposal, data, approves=False)


@post(
    "/v1/fx-quotes",
    before_request=for_roles("finance-clerk", "manager"),
    operation_id="postQuoteOfRate",
    summary="Enter a rate that was quoted",
    tags=["Contracts"],
    responses=answers(CREATED, QuoteSent, "Kept.", *WRITE_PROBLEMS, "programme-not-found"),
)
async def post_quote(request: CityRequest, data: QuoteSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Enter a rate with the time in which it holds. A batch takes the rate in force at its cut-off, and keeps it."""
    wiring, person = wiring_of(request), person_of(request)
    programme = await programme_coded(wiring, data.programme)
    valid_from, expires_at = instant_of(data.valid_from, "valid_from"), instant_of(data.expires_at, "expires_at")
    quote = int(Decimal(data.rate) * RATE)
    if valid_from is None or expires_at is None or expires_at <= valid_from:
        refuse("expires_at", data.expires_at.isoformat(), "a time after valid_from")
    if quote == 0:
        refuse("rate", data.rate, "a rate above zero")
    kept = Quote(
        programme=programme.number,
        currency=data.currency,
        quote=quote,
        valid_from=valid_from,
        expires_at=expires_at,
        source=data.source,
    )

    async def work(connection: AsyncConnection) -> FirstAnswer:
        await add_quote(connection, kept, person.name)
        return FirstAnswer(CREATED, data)

    return await answer_once(wiring.engine, f"p:{person.name}", idempotency_key, "fx-quote", data, work)


async def _propose(
    request: CityRequest,
    idempotency_key: str,
    operation: str,
    data: msgspec.Struct,
    programme_code: str,
    change: AnyRequest,
) -> Response[bytes]:
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> ProposalAnswer:
        programme = await programme_coded(wiring, programme_code)
        # The request's own id: taken again after a crash it is the same proposal.
        identifier = uuid5(_PROPOSALS, f"{person.name}:{idempotency_key}")
        reason = str(getattr(data, "reason", ""))
        proposal = await propose(wiring.engine, person, programme, change, reason, identifier)
        return proposal_answer(proposal, wiring.engine.registry.current)

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, data, step, ACCEPTED)


async def _decide(
    request: CityRequest, idempotency_key: str, proposal: str, data: DecisionSent, *, approves: bool
) -> Response[bytes]:
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> ProposalAnswer:
        registry = await wiring.fresh_registry()
        identifier = proposal_id(proposal)
        async with wiring.engine.pool.connection() as connection:
            known = None if identifier is None else await read_proposal(connection, identifier)
        if known is None:
            raise NotFound("No proposal has this id.")
        decide = approve_proposal if approves else reject_proposal
        return proposal_answer(await decide(wiring.engine, person, known.proposal, data.reason), registry)

    operation = f"{'approve' if approves else 'reject'}-proposal:{proposal}"
    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, data, step)


def _request_of(data: ProposalSent) -> AnyRequest:
    if isinstance(data, AdjustmentSent):
        amount_minor = data.amount.minor("amount")
        return AdjustmentRequest(data.party, amount_minor if data.direction == "give" else -amount_minor, data.about)
    if isinstance(data, ReserveSent):
        amount_minor = data.amount.minor("amount")
        return ReserveRequest(amount_minor if data.direction == "fund" else -amount_minor)
    if isinstance(data, LimitSent):
        return LimitRequest(data.role, data.amount.minor("amount"))
    assert isinstance(data, AccountSent)  # noqa: S101 - the last of the union
    of = data.beneficiary
    return AccountRequest(data.currency, of.name, of.account, of.clearing_code)


contract_routes = [
    put_terms,
    get_terms,
    post_proposal,
    get_proposals,
    post_proposal_approval,
    post_proposal_rejection,
    post_quote,
]
