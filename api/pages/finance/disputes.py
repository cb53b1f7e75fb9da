"""Disputes: what is disputed, opening one, and deciding it as the second person."""

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages import formats
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.work_refusals import decides, for_deciding, for_preparing, prepares, refusal_in
from api.pages.finance.work_texts import DISPUTES
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from api.schemas.disputes import DisputeDecisionSent, DisputeSent
from api.schemas.proposals import proposal_id
from ledger.errors import LedgerError, NotFound
from ledger.ids import Place
from ledger.reading.transactions import read_views
from settlement.disputes import decide_against_acceptor, decide_for_acceptor, dispute_of, open_dispute
from settlement.store.dispute_rows import Dispute, list_disputes_of_programme, read_dispute

ON_A_PAGE = 25
TONES = {"open": "warn", "for-acceptor": "good", "against-acceptor": "plain"}

_STAFF = for_staff(*FINANCE_READERS)


class DisputeLine(msgspec.Struct, frozen=True):
    """A dispute as people read it; ``is_own``: the reader opened it, so another person decides."""

    id: str
    acceptor: str
    points: int
    amount: str
    is_held: bool
    state: str
    tone: str
    reason: str
    opened_by: str
    opened_at: str
    decided_by: str | None
    decided_at: str | None
    decision_reason: str | None
    is_own: bool


@get("/disputes", include_in_schema=False, before_request=_STAFF)
async def disputes_page(
    request: CityRequest, programme: FromQuery[str | None] = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """List the programme's disputes, the last first, and offer to open one."""
    return await _list(request, await finance_view(request, programme), cursor, {})


@post("/disputes", include_in_schema=False, before_request=for_preparing)
async def start_dispute(request: CityRequest) -> Response[str] | Redirect:
    """Open a dispute; a redemption that is disputed already leads to that dispute."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    transaction = proposal_id(fields.get("transaction", "").strip())
    wrong = _wrong(DisputeSent, {"transaction": str(transaction or ""), "reason": fields.get("reason", "")})
    if wrong or transaction is None:
        return await _list(request, view, None, fields, frozenset(wrong))
    try:
        opened = await open_dispute(
            view.wiring.engine, view.person, transaction, fields["reason"], dispute_of(transaction)
        )
    except LedgerError as error:
        said = refusal_in(error, view.language)
        is_unknown = isinstance(error, NotFound)
        return await _list(
            request, view, None, fields, frozenset({"transaction"} if is_unknown else ()), None if is_unknown else said
        )
    programme = view.registry.programme_numbered(opened.programme)
    return see_other(f"/finance/disputes/{opened.dispute}?programme={programme.code}")


@get("/disputes/{dispute:str}", include_in_schema=False, before_request=_STAFF)
async def dispute_page(
    request: CityRequest, dispute: FromPath[str], programme: FromQuery[str | None] = None
) -> Response[str]:
    """Show a dispute, and let the second person decide it."""
    view = await finance_view(request, programme)
    return await _one(request, view, await _found(view, dispute), {})


@post("/disputes/{dispute:str}/check", include_in_schema=False, before_request=for_deciding, status_code=HTTPStatus.OK)
async def check_decision(request: CityRequest, dispute: FromPath[str]) -> Response[str]:
    """Say what a decision will do; nothing is done yet."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, dispute)
    wrong = _wrong(DisputeDecisionSent, fields)
    if wrong or "change" in fields:
        return await _one(request, view, found, fields, frozenset() if "change" in fields else frozenset(wrong))
    return finance_page(
        request,
        view,
        "dispute_check",
        texts=DISPUTES,
        back=_address(view, found),
        dispute=_line(found, view),
        decision=fields["decision"],
        reason=fields["reason"],
    )


@post("/disputes/{dispute:str}", include_in_schema=False, before_request=for_deciding)
async def decide(request: CityRequest, dispute: FromPath[str]) -> Response[str] | Redirect:
    """Decide a dispute; sent twice, it is decided once."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, dispute)
    wrong = _wrong(DisputeDecisionSent, fields)
    if wrong:
        return await _one(request, view, found, fields, frozenset(wrong))
    step = decide_for_acceptor if fields["decision"] == "for-acceptor" else decide_against_acceptor
    try:
        await step(view.wiring.engine, view.person, found.dispute, fields["reason"])
    except LedgerError as error:
        refusal = refusal_in(error, view.language)
        return await _one(request, view, await _found(view, dispute), fields, refusal=refusal)
    return see_other(_address(view, found))


async def _found(view: FinanceView, dispute: str) -> Dispute:
    """A dispute of the programme; raises NotFound for any other."""
    identifier = proposal_id(dispute)
    async with view.wiring.engine.pool.connection() as connection:
        found = None if identifier is None else await read_dispute(connection, identifier)
    if found is None or found.programme != view.programme.number:
        raise NotFound("No dispute has this id.")
    return found


async def _list(
    request: CityRequest,
    view: FinanceView,
    cursor: str | None,
    typed: Mapping[str, str],
    wrong: frozenset[str] = frozenset(),
    refusal: str | None = None,
) -> Response[str]:
    key, name = view.wiring.engine.key, f"disputes-page:{view.programme.code}"
    after = position_after(key, name, cursor, ON_A_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_disputes_of_programme(connection, view.programme.number, ON_A_PAGE + 1, after)
    page, following = cut(key, name, found, lambda one: str(one.dispute), ON_A_PAGE)
    return finance_page(
        request,
        view,
        "disputes",
        texts=DISPUTES,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or refusal else HTTPStatus.OK,
        back=f"/finance/disputes?programme={view.programme.code}",
        disputes=[_line(one, view) for one in page],
        following=following,
        is_first=cursor is None,
        may_open=prepares(view.person),
        may_act=prepares(view.person) or decides(view.person),
        typed=typed,
        wrong=wrong,
        refusal=refusal,
    )


async def _one(
    request: CityRequest,
    view: FinanceView,
    dispute: Dispute,
    typed: Mapping[str, str],
    wrong: frozenset[str] = frozenset(),
    refusal: str | None = None,
) -> Response[str]:
    place = Place(dispute.lane, dispute.sequence)
    async with view.wiring.engine.pool.connection() as connection:
        transaction = (await read_views(connection, view.registry, [place]))[place]
    is_own = dispute.opened_by == view.person.name
    return finance_page(
        request,
        view,
        "dispute",
        texts=DISPUTES,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or refusal else HTTPStatus.OK,
        back=_address(view, dispute),
        dispute=_line(dispute, view),
        transaction=str(transaction.id),
        may_decide=dispute.state == "open" and decides(view.person) and not is_own,
        must_wait=dispute.state == "open" and decides(view.person) and is_own,
        typed=typed,
        wrong=wrong,
        refusal=refusal,
    )


def _line(dispute: Dispute, view: FinanceView) -> DisputeLine:
    zone, language = view.programme.zone, view.language
    partner = view.registry.partners[dispute.acceptor]
    decided_at = None if dispute.decided_at is None else formats.moment(dispute.decided_at, zone, language)
    return DisputeLine(
        id=str(dispute.dispute),
        acceptor=partner.name,
        points=dispute.points,
        amount=formats.money(dispute.amount_minor, view.programme.currency, language),
        is_held=dispute.is_held,
        state=dispute.state,
        tone=TONES[dispute.state],
        reason=dispute.reason,
        opened_by=dispute.opened_by,
        opened_at=formats.moment(dispute.opened_at, zone, language),
        decided_by=dispute.decided_by,
        decided_at=decided_at,
        decision_reason=dispute.decision_reason,
        is_own=dispute.opened_by == view.person.name,
    )


def _wrong(kind: type[msgspec.Struct], fields: Mapping[str, str]) -> set[str]:
    """The fields that a request of a kind cannot be made with."""
    wrong = set()
    for field in msgspec.structs.fields(kind):
        try:
            msgspec.convert(fields.get(field.name, ""), field.type)
        except msgspec.ValidationError:
            wrong.add(field.name)
    return wrong


def _address(view: FinanceView, dispute: Dispute) -> str:
    return f"/finance/disputes/{dispute.dispute}?programme={view.programme.code}"


dispute_pages = [disputes_page, start_dispute, dispute_page, check_decision, decide]
