"""Proposing a change in two steps: written and checked as the core would, then proposed under the form's key."""

import secrets
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.pages.finance.changes import change_rows
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.proposal_forms import FORMS, LONGEST, filled_in, read_typed
from api.pages.finance.proposal_texts import PROPOSALS
from api.pages.finance.proposals import address_of
from api.pages.finance.suspense import today_of
from api.pages.finance.work_refusals import field_of, for_preparing, refusal_in
from api.pages.frame import see_other
from api.pages.guards import own_form
from api.requests import CityRequest, refuse_key
from ledger.errors import LedgerError, NotFound, PartnerNotFound
from ledger.rules.programmes import Partner
from settlement.proposals import AnyRequest, check_proposal, proposal_named, propose, terms_mark
from settlement.store.proposal_rows import Operation
from settlement.store.term_rows import read_book

_KEY_BYTES = 18


@get("/proposals/new/{operation:str}", include_in_schema=False, before_request=for_preparing)
async def propose_page(
    request: CityRequest,
    operation: FromPath[str],
    programme: FromQuery[str | None] = None,
    partner: FromQuery[str | None] = None,
) -> Response[str]:
    """Ask what is proposed; for terms first whose, then with what holds now. Raises NotFound for another change."""
    view, wanted = await finance_view(request, programme), _operation(operation)
    if wanted != "terms":
        return await _form(request, view, wanted, {field.name: field.usual for field in FORMS[wanted]})
    if partner is None:
        return finance_page(request, view, "proposal_partner", texts=PROPOSALS, partners=_partners(view))
    found = _partner(view, partner)
    number = view.programme.number
    async with view.wiring.engine.pool.connection() as connection:
        versions = (await read_book(connection, number)).versions(found.number)
        seen = await terms_mark(connection, number, found.number, found.code)
        tomorrow = await today_of(connection, view) + timedelta(days=1)
    now = versions[-1] if versions else None
    typed = {field.name: field.usual for field in FORMS["terms"]} | filled_in(
        now, view.registry, view.programme, tomorrow
    )
    return await _form(request, view, "terms", typed | {"partner": found.code, "seen": seen})


@post(
    "/proposals/new/{operation:str}/check",
    include_in_schema=False,
    before_request=for_preparing,
    status_code=HTTPStatus.OK,
)
async def check_proposing(request: CityRequest, operation: FromPath[str]) -> Response[str]:
    """Show what would change; nothing is proposed yet. A key for proposing it comes with the answer."""
    fields = await own_form(request)
    view, wanted = await finance_view(request, fields.get("programme")), _operation(operation)
    asked = await _asked(request, view, wanted, fields)
    if isinstance(asked, Response):
        return asked
    try:
        await check_proposal(view.wiring.engine, view.person, view.programme, asked)
    except LedgerError as error:
        return await _refused(request, view, wanted, fields, error)
    async with view.wiring.engine.pool.connection() as connection:
        rows = await change_rows(view, connection, asked, shows_account=True)
    return finance_page(
        request,
        view,
        "proposal_check",
        texts=PROPOSALS,
        back=_back(view, wanted, fields),
        operation=wanted,
        rows=rows,
        kept=_kept(wanted, fields),
        reason=fields["reason"],
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


@post("/proposals/new/{operation:str}", include_in_schema=False, before_request=for_preparing)
async def make_proposal(request: CityRequest, operation: FromPath[str]) -> Response[str] | Redirect:
    """Propose the change under the form's key: sent twice, it is one proposal."""
    fields = await own_form(request)
    view, wanted = await finance_view(request, fields.get("programme")), _operation(operation)
    asked = await _asked(request, view, wanted, fields)
    if isinstance(asked, Response):
        return asked
    key = fields.get("key", "")
    refuse_key(key)
    reason, seen = fields["reason"].strip(), fields.get("seen") or None
    try:
        proposal = await propose(
            view.wiring.engine,
            view.person,
            view.programme,
            asked,
            reason,
            proposal_named(view.person, key),
            seen=seen if wanted == "terms" else None,
        )
    except LedgerError as error:
        return await _refused(request, view, wanted, fields, error)
    return see_other(address_of(view, proposal))


async def _asked(
    request: CityRequest, view: FinanceView, operation: Operation, fields: Mapping[str, str]
) -> AnyRequest | Response[str]:
    """What the form asks for, or the form again where it cannot be used or is to be changed."""
    typed = read_typed(operation, fields, view.programme)
    if "change" in fields:
        return await _form(request, view, operation, fields)
    if typed.wrong:
        return await _form(request, view, operation, fields, typed.wrong)
    partner = _partner(view, fields.get("partner", "")).code if operation == "terms" else ""
    try:
        return typed.request(partner, view.programme.currency)
    except LedgerError as error:
        return await _refused(request, view, operation, fields, error)


async def _refused(
    request: CityRequest, view: FinanceView, operation: Operation, fields: Mapping[str, str], error: LedgerError
) -> Response[str]:
    """The form again with why; what the core says of a field stands at that field."""
    refusal, field = refusal_in(error, view.language), field_of(error)
    return await _form(request, view, operation, fields, frozenset({field} if field else ()), refusal)


async def _form(
    request: CityRequest,
    view: FinanceView,
    operation: Operation,
    typed: Mapping[str, str],
    wrong: frozenset[str] = frozenset(),
    refusal: str | None = None,
) -> Response[str]:
    partner = view.registry.partner_coded(typed.get("partner", ""))
    return finance_page(
        request,
        view,
        "proposal_form",
        texts=PROPOSALS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if wrong or refusal else HTTPStatus.OK,
        back=_back(view, operation, typed),
        operation=operation,
        fields=FORMS[operation],
        longest=LONGEST,
        typed=typed,
        wrong=wrong,
        refusal=refusal,
        partner=partner if operation == "terms" else None,
        is_first=typed.get("seen", "").startswith("v0"),
        partners=_partners(view),
        targets=[one.code for one in view.programmes if one.number != view.programme.number],
    )


def _kept(operation: Operation, fields: Mapping[str, str]) -> dict[str, str]:
    """What the second step sends again."""
    names = [*(field.name for field in FORMS[operation]), "reason", "partner", "seen"]
    return {name: fields[name].strip() for name in names if name in fields}


def _back(view: FinanceView, operation: Operation, fields: Mapping[str, str]) -> str:
    partner = view.registry.partner_coded(fields.get("partner", ""))
    of = f"&partner={partner.code}" if operation == "terms" and partner is not None else ""
    return f"/finance/proposals/new/{operation}?programme={view.programme.code}{of}"


def _operation(sent: str) -> Operation:
    found = next((operation for operation in FORMS if operation == sent), None)
    if found is None:
        raise NotFound("No change has this name.")
    return found


def _partners(view: FinanceView) -> list[Partner]:
    """The partners of the programme, by their names."""
    numbers = view.programme.issuers | view.programme.acceptors
    return sorted((view.registry.partners[number] for number in numbers), key=lambda one: (one.name, one.code))


def _partner(view: FinanceView, code: str) -> Partner:
    found = view.registry.partner_coded(code)
    if found is None:
        raise PartnerNotFound("No partner has this code.", partner=code)
    return found


proposing_pages = [propose_page, check_proposing, make_proposal]
