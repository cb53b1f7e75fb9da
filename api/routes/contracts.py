"""Contracts and other changes of settlement's set-up: proposed by one person, decided by another; quotes."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Response, get, post, put
from litestar.params import HeaderParameter, QueryParameter
from psycopg import AsyncConnection

from api.access import for_roles
from api.authentication import PartnerCaller
from api.idempotent_answers import FirstAnswer, answer_once, answer_step
from api.pages_of_lists import cut, next_link, position_after
from api.posting_answers import CREATED, JSON
from api.requests import CityRequest
from api.routes.declarations import (
    LIST_PROBLEMS,
    READ_PROBLEMS,
    WRITE_PROBLEMS,
    CodePath,
    CursorQuery,
    IdempotencyKey,
    LimitQuery,
    ProgrammeQuery,
    answers,
)
from api.schemas.contracts import QuoteSent, TermsHistory, TermsSent, terms_answer
from api.schemas.proposals import DecisionSent, ProposalAnswer, ProposalList, ProposalSent, proposal_answer, proposal_id
from api.settlement_access import FINANCE, person_of, programme_coded, sees_accounts
from api.wiring import wiring_of
from ledger.errors import NotFound, PartnerNotFound
from ledger.posting.engine import Engine
from ledger.reading.cursors import DEFAULT_LIMIT
from settlement.people import Person
from settlement.proposals import (
    AnyRequest,
    approve_proposal,
    proposal_named,
    propose,
    reject_proposal,
    terms_mark,
    withdraw_proposal,
)
from settlement.store.proposal_rows import Proposal, list_proposals, read_proposal
from settlement.store.term_rows import add_quote, read_history

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", required=False, description="The ETag of the contract as you read it."),
]

StateQuery = Annotated[
    Literal["waiting", "approved", "rejected", "withdrawn"] | None,
    QueryParameter(name="state", required=False, description="Only those in this state."),
]

Decide = Callable[[Engine, Person, UUID, str], Awaitable[Proposal]]

PROPOSING = ("finance-clerk", "manager", "operator")
DECIDING = ("finance-approver", "manager")
ACCEPTED = 202

_TERMS_PROBLEMS = ("terms-in-the-past", "precondition-failed")
_PROPOSING_PROBLEMS = (*WRITE_PROBLEMS, "programme-not-found", "partner-not-found", "clock-behind", "shutting-down")
_RATE_PROBLEMS = ("terms-in-the-past", "contract-missing")
_PERIOD_PROBLEMS = ("day-not-over", "batch-in-the-way")
_DECIDING_PROBLEMS = (
    *WRITE_PROBLEMS,
    "not-found",
    "second-person-required",
    "proposal-decided",
    "partner-not-found",
    "programme-not-found",
    *_RATE_PROBLEMS,
    *_PERIOD_PROBLEMS,
    "clock-behind",
    "shutting-down",
)
_WITHDRAWING_PROBLEMS = (*WRITE_PROBLEMS, "not-found", "proposal-decided", "clock-behind", "shutting-down")
_encode = msgspec.json.Encoder().encode


@put(
    "/v1/partners/{code:str}/terms",
    status_code=ACCEPTED,
    before_request=for_roles(*PROPOSING),
    operation_id="proposeTerms",
    summary="Propose contract terms",
    tags=["Contracts"],
    responses=answers(ACCEPTED, ProposalAnswer, "Proposed.", *_PROPOSING_PROBLEMS, *_TERMS_PROBLEMS),
)
async def put_terms(
    request: CityRequest,
    code: CodePath,
    data: TermsSent,
    idempotency_key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response[bytes]:
    """Propose a new version of a partner's contract; it holds once another person has approved it.

    Versions are dated and never overwritten. `reserve` and `fee` are what the partner is charged per point it
    issues, `reimbursement` less `commission` what it gets per point it takes. With `If-Match` it is proposed only if
    nobody has proposed or changed anything of the contract since you read it.
    """
    change = partial(data.request, code)
    return await _propose(request, idempotency_key, f"terms:{code}", data, data.programme, change, if_match)


@get(
    "/v1/partners/{code:str}/terms",
    before_request=for_roles(*FINANCE, partners=True),
    operation_id="getTerms",
    summary="Read contract terms",
    tags=["Contracts"],
    responses=answers(
        200, TermsHistory, "All versions, with their ETag.", *READ_PROBLEMS, "programme-not-found", "partner-not-found"
    ),
)
async def get_terms(request: CityRequest, code: CodePath, programme: ProgrammeQuery) -> Response[bytes]:
    """All versions of a partner's contract, the oldest first. A partner reads its own."""
    wiring = wiring_of(request)
    found = await programme_coded(wiring, programme)
    registry = wiring.engine.registry.current
    partner = registry.partner_coded(code)
    caller = request.user
    is_own = isinstance(caller, PartnerCaller)
    if partner is None or (isinstance(caller, PartnerCaller) and caller.partner != partner.number):
        raise PartnerNotFound("You know no partner by this code.", partner=code)
    async with wiring.engine.pool.connection() as connection:
        history = await read_history(connection, found.number, partner.number)
        mark = await terms_mark(connection, found.number, partner.number, code)
    shows_account = is_own or sees_accounts(request)
    items = [terms_answer(one, registry, shows_account=shows_account, shows_people=not is_own) for one in history]
    return Response(_encode(TermsHistory(items)), media_type=JSON, headers={"ETag": f'"{mark}"'})


@post(
    "/v1/settlement-proposals",
    status_code=ACCEPTED,
    before_request=for_roles(*PROPOSING),
    operation_id="proposeChange",
    summary="Propose a rate of exchange, an adjustment, a movement of the reserve, a limit or an account",
    tags=["Contracts"],
    responses=answers(ACCEPTED, ProposalAnswer, "Proposed.", *_PROPOSING_PROBLEMS, *_PERIOD_PROBLEMS, *_RATE_PROBLEMS),
)
async def post_proposal(request: CityRequest, data: ProposalSent, idempotency_key: IdempotencyKey) -> Response[bytes]:
    """Propose a change; it is carried out when another person approves it."""
    return await _propose(request, idempotency_key, "proposal", data, data.programme, data.request)


@get(
    "/v1/settlement-proposals",
    before_request=for_roles(*FINANCE),
    operation_id="listProposals",
    summary="List proposals",
    tags=["Contracts"],
    responses=answers(200, ProposalList, "A page, the last first.", *LIST_PROBLEMS),
)
async def get_proposals(
    request: CityRequest, standing: StateQuery = None, cursor: CursorQuery = None, limit: LimitQuery = DEFAULT_LIMIT
) -> Response[bytes]:
    """What was proposed, by whom, and what became of it; `state=waiting` is the list of what to decide."""
    wiring, name = wiring_of(request), f"settlement-proposals:{standing}"
    after = position_after(wiring.engine.key, name, cursor, limit)
    registry = await wiring.fresh_registry()
    async with wiring.engine.pool.connection() as connection:
        found = await list_proposals(connection, standing, limit + 1, after)
    page, following = cut(wiring.engine.key, name, found, lambda one: str(one.proposal), limit)
    shows_account = sees_accounts(request)
    items = [proposal_answer(one, registry, shows_account=shows_account) for one in page]
    answer = ProposalList(items, following)
    return Response(_encode(answer), media_type=JSON, headers=next_link(request, following))


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
    return await _decide(request, idempotency_key, proposal, data, "approve", approve_proposal)


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
    return await _decide(request, idempotency_key, proposal, data, "reject", reject_proposal)


@post(
    "/v1/settlement-proposals/{proposal:str}/withdrawal",
    before_request=for_roles(*PROPOSING),
    operation_id="withdrawProposal",
    summary="Withdraw a proposal",
    tags=["Contracts"],
    responses=answers(CREATED, ProposalAnswer, "Withdrawn.", *_WITHDRAWING_PROBLEMS),
)
async def post_proposal_withdrawal(
    request: CityRequest, proposal: CodePath, data: DecisionSent, idempotency_key: IdempotencyKey
) -> Response[bytes]:
    """Take back what you proposed yourself, before anybody has decided: nothing is changed."""
    return await _decide(request, idempotency_key, proposal, data, "withdraw", withdraw_proposal)


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
    kept = data.quote(programme)

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
    change: Callable[[str], AnyRequest],
    if_match: str | None = None,
) -> Response[bytes]:
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> ProposalAnswer:
        programme = await programme_coded(wiring, programme_code)
        # The request's own id: taken again after a crash it is the same proposal.
        identifier = proposal_named(person, idempotency_key)
        reason = str(getattr(data, "reason", ""))
        asked = change(programme.currency)
        seen = None if if_match in {None, "*"} else str(if_match).strip('"')
        proposal = await propose(wiring.engine, person, programme, asked, reason, identifier, seen=seen)
        return proposal_answer(proposal, wiring.engine.registry.current)

    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, data, step, ACCEPTED)


async def _decide(
    request: CityRequest, idempotency_key: str, proposal: str, data: DecisionSent, what: str, decide: Decide
) -> Response[bytes]:
    wiring, person = wiring_of(request), person_of(request)

    async def step() -> ProposalAnswer:
        registry = await wiring.fresh_registry()
        identifier = proposal_id(proposal)
        async with wiring.engine.pool.connection() as connection:
            known = None if identifier is None else await read_proposal(connection, identifier)
        if known is None:
            raise NotFound("No proposal has this id.")
        return proposal_answer(await decide(wiring.engine, person, known.proposal, data.reason), registry)

    operation = f"{what}-proposal:{proposal}"
    return await answer_step(wiring.engine, f"p:{person.name}", idempotency_key, operation, data, step)


contract_routes = [
    put_terms,
    get_terms,
    post_proposal,
    get_proposals,
    post_proposal_approval,
    post_proposal_rejection,
    post_proposal_withdrawal,
    post_quote,
]
