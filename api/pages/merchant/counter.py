"""The counter: a customer is scanned, what to post is checked as it would be decided, then posted once.

Why it is safe when the line drops: a sale has one key from the page on that asks for the customer, in every form of it.
Whoever sends a form again, reloads a page or goes back to one gets the one posting and the same result, also when the
customer's code has ended since. A refusal gives the next form a new key, since the old one keeps the refusal.
"""

import secrets
from collections.abc import Callable, Mapping
from http import HTTPStatus

from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from msgspec.structs import replace

from api.access import partner_of
from api.pages import formats
from api.pages.frame import preference, see_other
from api.pages.guards import for_merchants, own_form, signed_in
from api.pages.merchant.counter_before import KINDS, posted_alike, posted_under, posted_with
from api.pages.merchant.counter_customer import (
    Customer,
    CustomerRefused,
    customer_of,
    may_accept,
    may_issue,
    programme_named,
    programmes_of,
)
from api.pages.merchant.counter_form import (
    TILL_COOKIE,
    Presented,
    Sale,
    Till,
    is_outlet,
    kind_of,
    read_sale,
    read_till,
    till_of,
)
from api.pages.merchant.counter_texts import COUNTER
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.posting_answers import Answered, code_of, prepare, shown
from api.requests import CityRequest, refuse_key
from api.schemas.fields import refuse
from ledger.errors import TransactionNotFound
from ledger.ids import Place
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import view_posted
from ledger.rules.commands import Earn, Redeem, Submission
from ledger.rules.outcomes import Refused
from ledger.rules.programmes import Programme
from ledger.rules.scenes import SCENES

HOME = "/merchant/counter"

_KEY_BYTES = 18
_ENDED_CODES = frozenset({"code-used", "code-expired", "member-not-found"})


@get("/counter", include_in_schema=False, before_request=for_merchants)
async def counter_page(request: CityRequest) -> Response[str] | Redirect:
    """Ask who the customer is; first of all what this till sells."""
    view = await merchant_view(request)
    till = till_of(request)
    if till is None:
        return see_other(f"{HOME}/till")
    return _ask_member(request, view, till, Sale(member="", key=_new_key()))


@get("/counter/till", include_in_schema=False, before_request=for_merchants)
async def till_page(request: CityRequest) -> Response[str]:
    """Ask what this till sells, and in which outlet."""
    return _ask_till(request, await merchant_view(request), till_of(request) or Till(""))


@post("/counter/till", include_in_schema=False, before_request=for_merchants)
async def keep_till(request: CityRequest) -> Response[str] | Redirect:
    """Keep it in the browser: it is of this machine, not of whoever is signed in."""
    fields = await own_form(request)
    till = read_till(fields)
    if till is None:
        typed = Till(fields.get("scene", ""), fields.get("outlet", "")[:60])
        return _ask_till(request, await merchant_view(request), typed, is_wrong=True)
    return see_other(HOME, preference(TILL_COOKIE, till.cookie))


@post("/counter/member", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK)
async def look_at_member(request: CityRequest) -> Response[str]:
    """Show who it is as far as the code or card allows, and ask what to post."""
    fields = await own_form(request)
    view, sale, till = await merchant_view(request), read_sale(fields), _till_in(request, fields)
    if sale.presented is None:
        return _ask_member(request, view, till, sale, said="counter_member_wrong")
    try:
        customer = await customer_of(view, sale.presented)
    except CustomerRefused as refusal:
        return await _ask_again(request, view, till, sale, refusal.code)
    return _ask_sale(request, view, till, sale, customer)


@post("/counter/check", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK)
async def check_sale(request: CityRequest) -> Response[str] | Redirect:
    """Decide it as it would be decided now, and record nothing; a sale that is posted already leads to its result."""
    fields = await own_form(request)
    view, sale, till = await merchant_view(request), read_sale(fields), _till_in(request, fields)
    refuse_key(sale.key)
    if posted := await posted_under(view, sale.key):
        return _to_result(posted)
    presented, programme, command = _command(view, sale, till)
    if not isinstance(command, Earn | Redeem):
        return await _show_wrong(request, view, till, sale, presented, command)
    if presented.kind == "card" and isinstance(command, Redeem):
        # By a card alone the balance is not told, so it must not be found out by asking again and again.
        view.wiring.quote_limit.take(f"counter:{view.partner.number}:{signed_in(request).person.person}")
    submission = await _submission(request, view, _new_key(), command)
    outcome = await view.wiring.trials.run(submission)
    if isinstance(outcome, Refused):
        return await _show_refusal(request, view, till, sale, presented, outcome.code)
    [would_be] = await view_posted(view.wiring.engine.pool, outcome, view.registry)
    return merchant_page(
        request,
        view,
        "counter_check",
        texts=COUNTER,
        back=HOME,
        till=till,
        sale=sale,
        presented=presented,
        programme=programme,
        would_be=would_be,
        shows_balance=presented.kind == "code",
        alike=await posted_alike(view, submission, programme, would_be) if presented.kind == "card" else None,
    )


@post("/counter", include_in_schema=False, before_request=for_merchants)
async def post_sale(request: CityRequest) -> Response[str] | Redirect:
    """Post it under the form's key: sent twice, by whom and when ever, it is posted once and answered the same."""
    fields = await own_form(request)
    view, sale, till = await merchant_view(request), read_sale(fields), _till_in(request, fields)
    presented, _, command = _command(view, sale, till)
    if not isinstance(command, Earn | Redeem):
        return await _show_wrong(request, view, till, sale, presented, command)
    refuse_key(sale.key)
    submission = await _submission(request, view, sale.key, command)
    found = await shown(view.wiring, await view.wiring.engine.posters.submit(submission))
    if isinstance(found, Answered):
        return await _show_refusal(request, view, till, sale, presented, code_of(found))
    return _to_result(found.view)


@get("/counter/done", include_in_schema=False, before_request=for_merchants)
async def done_page(request: CityRequest, transaction: FromQuery[str]) -> Response[str]:
    """Say what was posted and what to tell the customer; raises TransactionNotFound for what is not the partner's."""
    view = await merchant_view(request)
    head = await view.wiring.engine.intake.find_transaction(transaction)
    if head is None or head.partner != view.partner.number:
        raise TransactionNotFound("You have no transaction of this id.")
    made = await view.wiring.view(Place(head.lane, head.sequence))
    if made.kind not in KINDS:
        raise TransactionNotFound("You have no such transaction of this id.")
    programme = view.registry.programme_numbered(head.programme)
    return merchant_page(request, view, "counter_done", texts=COUNTER, made=made, moment=_moments(view, programme.zone))


def _new_key() -> str:
    return secrets.token_urlsafe(_KEY_BYTES)


def _to_result(posted: TransactionView) -> Redirect:
    return see_other(f"{HOME}/done?transaction={posted.id}")


def _till_in(request: CityRequest, fields: Mapping[str, str]) -> Till:
    """The till of a form, which keeps it: what the browser keeps may have changed since. Raises MalformedRequest."""
    till = read_till(fields) if "scene" in fields else till_of(request)
    if till is None:
        refuse("scene", "none that is known", f"one of {', '.join(SCENES)}, and an outlet or none")
    return till


def _command(
    view: MerchantView, sale: Sale, till: Till
) -> tuple[Presented, Programme, Earn | Redeem | Mapping[str, str]]:
    """What a form asks for; raises MalformedRequest and ProgrammeNotFound for what no form of ours sends."""
    presented = sale.presented
    if presented is None:
        refuse("member", "neither of them", "a code or a card number")
    programme = programme_named(view, sale.programme, kind_of(sale.operation))
    return presented, programme, sale.command(presented, programme, till)


async def _submission(request: CityRequest, view: MerchantView, key: str, command: Earn | Redeem) -> Submission:
    return await prepare(view.wiring, partner_of(request).partner, key, command, None)


def _ask_till(request: CityRequest, view: MerchantView, till: Till, *, is_wrong: bool = False) -> Response[str]:
    return merchant_page(
        request,
        view,
        "counter_till",
        texts=COUNTER,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=f"{HOME}/till",
        till=till,
        scenes=SCENES,
        scene_is_wrong=is_wrong and till.scene not in SCENES,
        outlet_is_wrong=is_wrong and not is_outlet(till.outlet),
    )


def _ask_member(
    request: CityRequest,
    view: MerchantView,
    till: Till,
    sale: Sale,
    *,
    said: str | None = None,
    used: TransactionView | None = None,
) -> Response[str]:
    """Ask for a code or card, beside what was typed already."""
    return merchant_page(
        request,
        view,
        "counter",
        texts=COUNTER,
        status_code=HTTPStatus.OK if said is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        back=HOME,
        till=till,
        sale=sale,
        said=said,
        used=used,
        moment=_moments(view, _zone(view)),
        takes_part=bool(programmes_of(view)),
    )


def _ask_sale(
    request: CityRequest,
    view: MerchantView,
    till: Till,
    sale: Sale,
    customer: Customer,
    *,
    said: str | None = None,
    used: TransactionView | None = None,
) -> Response[str]:
    is_wrong = said is not None or bool(sale.wrong)
    return merchant_page(
        request,
        view,
        "counter_member",
        texts=COUNTER,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=HOME,
        till=till,
        sale=sale,
        customer=customer,
        said=said,
        used=used,
        moment=_moments(view, _zone(view)),
        issuing=may_issue(view),
        accepting=may_accept(view),
    )


async def _show_wrong(
    request: CityRequest, view: MerchantView, till: Till, sale: Sale, presented: Presented, wrong: Mapping[str, str]
) -> Response[str]:
    sale = replace(sale, wrong=wrong)
    try:
        customer = await customer_of(view, presented)
    except CustomerRefused as refusal:
        return await _ask_again(request, view, till, sale, refusal.code)
    return _ask_sale(request, view, till, sale, customer)


async def _show_refusal(
    request: CityRequest, view: MerchantView, till: Till, sale: Sale, presented: Presented, code: str
) -> Response[str]:
    """Say why not: beside the figures where they are the reason, else where the next code is asked for."""
    used = await posted_under(view, sale.key) if code == "idempotency-key-reused" else None
    sale = replace(sale, key=_new_key())
    if code in _ENDED_CODES:
        return await _ask_again(request, view, till, sale, code)
    try:
        customer = await customer_of(view, presented)
    except CustomerRefused as refusal:
        return await _ask_again(request, view, till, sale, refusal.code)
    return _ask_sale(request, view, till, sale, customer, said=_said(code), used=used)


async def _ask_again(request: CityRequest, view: MerchantView, till: Till, sale: Sale, code: str) -> Response[str]:
    """Ask for another code and keep what was typed; of one that was used here say what for: it may have been this."""
    used = None
    if code == "code-used" and sale.presented is not None:
        used = await posted_with(view, sale.presented)
    return _ask_member(request, view, till, sale, said=_said(code), used=used)


def _said(code: str) -> str:
    return f"refused_{code}" if f"refused_{code}" in COUNTER else "refused_other"


def _moments(view: MerchantView, zone: str) -> Callable[[int], str]:
    """How a page writes times."""
    return lambda instant: formats.moment(instant, zone, view.language)


def _zone(view: MerchantView) -> str:
    """Where the till's clock hangs: the zone of the partner's first programme."""
    return next((one.zone for one in programmes_of(view)), "Asia/Shanghai")
