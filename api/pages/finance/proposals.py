"""What waits for a second person: the list, one proposal as it is and would be, and what becomes of it."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages import formats
from api.pages.finance.changes import OF_THE_MOMENT, change_rows, subject_of
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.proposal_forms import FORMS
from api.pages.finance.proposal_texts import PROPOSALS
from api.pages.finance.work_refusals import decides, for_deciding, for_preparing, prepares, refusal_in
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.pages.texts import in_language
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from api.schemas.fields import ShortText
from api.schemas.proposals import proposal_id
from api.settlement_access import sees_accounts
from ledger.errors import Forbidden, LedgerError, NotFound
from settlement.proposals import approve_proposal, reject_proposal, request_of, withdraw_proposal
from settlement.store.proposal_rows import Proposal, list_proposals, read_proposal

ON_A_PAGE = 25
WAITING = "waiting"
TONES = {"waiting": "warn", "approved": "good", "rejected": "bad", "withdrawn": "plain"}

_STAFF = for_staff(*FINANCE_READERS)
_DECIDE = {"approve": approve_proposal, "reject": reject_proposal}


class ProposalLine(msgspec.Struct, frozen=True):
    """A proposal as people read it; ``is_own``: the reader proposed it, so another person decides."""

    id: str
    operation: str
    subject: str
    state: str
    tone: str
    reason: str
    proposed_by: str
    proposed_at: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    is_own: bool


@get("/proposals", include_in_schema=False, before_request=_STAFF)
async def proposals_page(
    request: CityRequest,
    programme: FromQuery[str | None] = None,
    show: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """List what waits for a second person in the programme, or everything that was proposed; the last first."""
    view = await finance_view(request, programme)
    is_all = show == "all"
    key, name = view.wiring.engine.key, f"proposals-page:{view.programme.code}:{is_all}"
    after = position_after(key, name, cursor, ON_A_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        standing = None if is_all else WAITING
        found = await list_proposals(connection, standing, ON_A_PAGE + 1, after, view.programme.number)
    page, following = cut(key, name, found, lambda one: str(one.proposal), ON_A_PAGE)
    return finance_page(
        request,
        view,
        "proposals",
        texts=PROPOSALS,
        proposals=[proposal_line(one, view) for one in page],
        following=following,
        is_first=cursor is None,
        is_all=is_all,
        operations=offered_changes(view) if prepares(view.person) else [],
        may_act=prepares(view.person) or decides(view.person),
    )


@get("/proposals/{proposal:str}", include_in_schema=False, before_request=_STAFF)
async def proposal_page(
    request: CityRequest, proposal: FromPath[str], programme: FromQuery[str | None] = None
) -> Response[str]:
    """Show what a proposal changes, and let the second person decide."""
    view = await finance_view(request, programme)
    return await _one(request, view, await _found(view, proposal), {})


@post("/proposals/{proposal:str}", include_in_schema=False, before_request=for_deciding)
async def decide_on_proposal(request: CityRequest, proposal: FromPath[str]) -> Response[str] | Redirect:
    """Approve or reject what another person proposed; sent twice, it is decided once."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, proposal)
    decide = _DECIDE.get(fields.get("decision", ""))
    try:
        reason = msgspec.convert(fields.get("reason", "").strip(), ShortText)
    except msgspec.ValidationError:
        return await _one(request, view, found, fields, wrong=frozenset({"reason"}))
    if decide is None:
        return await _one(request, view, found, fields, wrong=frozenset({"decision"}))
    try:
        await decide(view.wiring.engine, view.person, found.proposal, reason)
    except LedgerError as error:
        refusal = refusal_in(error, view.language)
        return await _one(request, view, await _found(view, proposal), fields, refusal=refusal)
    return see_other(address_of(view, found))


@post("/proposals/{proposal:str}/withdrawal", include_in_schema=False, before_request=for_preparing)
async def withdraw_by_form(request: CityRequest, proposal: FromPath[str]) -> Response[str] | Redirect:
    """Take back what the reader proposed; sent twice, it is withdrawn once."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, proposal)
    try:
        reason = msgspec.convert(fields.get("reason", "").strip(), ShortText)
    except msgspec.ValidationError:
        return await _one(request, view, found, fields, wrong=frozenset({"reason"}))
    try:
        await withdraw_proposal(view.wiring.engine, view.person, found.proposal, reason)
    except Forbidden:
        refusal = in_language(PROPOSALS, view.language)["withdraw_not_own"]
        return await _one(request, view, found, fields, refusal=refusal)
    except LedgerError as error:
        refusal = refusal_in(error, view.language)
        return await _one(request, view, await _found(view, proposal), fields, refusal=refusal)
    return see_other(address_of(view, found))


def address_of(view: FinanceView, proposal: Proposal) -> str:
    """The page of a proposal."""
    return f"/finance/proposals/{proposal.proposal}?programme={view.programme.code}"


def offered_changes(view: FinanceView) -> list[str]:
    """What can be proposed in the programme; without another programme there is none to exchange with."""
    return [operation for operation in FORMS if operation != "exchange-rate" or len(view.programmes) > 1]


def proposal_line(proposal: Proposal, view: FinanceView) -> ProposalLine:
    """A proposal as it stands in a list."""
    zone, language = view.programme.zone, view.language
    decided_at = None if proposal.decided_at is None else formats.moment(proposal.decided_at, zone, language)
    return ProposalLine(
        id=str(proposal.proposal),
        operation=proposal.operation,
        subject=subject_of(view, request_of(proposal)),
        state=proposal.state,
        tone=TONES[proposal.state],
        reason=proposal.reason,
        proposed_by=proposal.proposed_by,
        proposed_at=formats.moment(proposal.proposed_at, zone, language),
        decided_by=proposal.decided_by,
        decided_at=decided_at,
        decision_reason=proposal.decision_reason,
        is_own=proposal.proposed_by == view.person.name,
    )


async def _found(view: FinanceView, proposal: str) -> Proposal:
    """A proposal of the programme; raises NotFound for any other."""
    identifier = proposal_id(proposal)
    async with view.wiring.engine.pool.connection() as connection:
        found = None if identifier is None else await read_proposal(connection, identifier)
    if found is None or found.programme != view.programme.number:
        raise NotFound("No proposal has this id.")
    return found


async def _one(
    request: CityRequest,
    view: FinanceView,
    proposal: Proposal,
    typed: Mapping[str, str],
    wrong: frozenset[str] = frozenset(),
    refusal: str | None = None,
) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        rows = await change_rows(view, connection, request_of(proposal), shows_account=sees_accounts(request))
    line = proposal_line(proposal, view)
    is_waiting = proposal.state == WAITING
    return finance_page(
        request,
        view,
        "proposal",
        texts=PROPOSALS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or refusal else HTTPStatus.OK,
        back=address_of(view, proposal),
        proposal=line,
        # Of what was decided the present is no longer what it was decided against; terms alone keep every version.
        has_before=is_waiting or proposal.operation == "terms",
        rows=[row for row in rows if is_waiting or row.name not in OF_THE_MOMENT],
        may_decide=is_waiting and decides(view.person) and not line.is_own,
        must_wait=is_waiting and line.is_own,
        may_withdraw=is_waiting and line.is_own and prepares(view.person),
        typed=typed,
        wrong=wrong,
        refusal=refusal,
    )


proposal_pages = [proposals_page, proposal_page, decide_on_proposal, withdraw_by_form]
