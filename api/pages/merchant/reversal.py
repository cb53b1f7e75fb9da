"""Reversing a transaction in two steps: checked as it would be decided, then posted once, however often it is sent."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from api.access import partner_of
from api.pages.frame import see_other
from api.pages.guards import for_merchants, own_form
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.transaction_texts import REVERSAL
from api.pages.merchant.transactions import ADDRESS, OwnTransaction, own_transaction
from api.pages.typed_texts import is_short_text
from api.posting_answers import Answered, code_of, prepare, shown
from api.requests import CityRequest, refuse_key
from api.schemas.commands import ReversalRequest
from api.schemas.fields import MoneySent
from ledger.errors import MalformedRequest
from ledger.reading.transactions import view_posted
from ledger.rules.commands import Reverse
from ledger.rules.money import to_minor
from ledger.rules.outcomes import Refused

MOST_DIGITS = 15

_KEY_BYTES = 18
_EXTENTS = ("all", "points", "spend")


class _Asked(msgspec.Struct, frozen=True):
    """What the form says: ``wrong`` are the fields that cannot be used, each with the key of what to say."""

    extent: str = "all"
    points: str = ""
    spend: str = ""
    reason: str = ""
    wrong: Mapping[str, str] = {}

    def command(self, found: OwnTransaction) -> Reverse:
        """The command it asks for, made as the API makes it."""
        currency = found.view.currency or ""
        return ReversalRequest(
            reason=self.reason,
            points=int(self.points) if self.extent == "points" else None,
            spend=MoneySent(currency, self.spend) if self.extent == "spend" else None,
        ).reversal_of(found.view.id)


@get("/transactions/{transaction:str}/reversal", include_in_schema=False, before_request=for_merchants)
async def reversal_page(request: CityRequest, transaction: FromPath[str]) -> Response[str] | Redirect:
    """Ask how much and why."""
    view = await merchant_view(request)
    found = await own_transaction(request, view, transaction)
    if not found.is_reversible:
        return see_other(f"{ADDRESS}/{found.view.id}")
    return _form(request, view, found, _Asked())


@post(
    "/transactions/{transaction:str}/reversal/check",
    include_in_schema=False,
    before_request=for_merchants,
    status_code=HTTPStatus.OK,
)
async def check_reversal(request: CityRequest, transaction: FromPath[str]) -> Response[str]:
    """Decide the reversal as it would be decided now, and record nothing; the answer has a key for posting it."""
    fields = await own_form(request)
    view = await merchant_view(request)
    found = await own_transaction(request, view, transaction)
    asked = _asked(fields, found)
    if asked.wrong or "change" in fields:
        return _form(request, view, found, asked)
    view.wiring.quote_limit.take(partner_of(request).owner)
    trial_key = secrets.token_urlsafe(_KEY_BYTES)
    submission = await prepare(view.wiring, view.partner.number, trial_key, asked.command(found), None)
    outcome = await view.wiring.trials.run(submission)
    if isinstance(outcome, Refused):
        return _form(request, view, found, asked, refusal=outcome.code)
    [would_be] = await view_posted(view.wiring.engine.pool, outcome, view.registry)
    return merchant_page(
        request,
        view,
        "reversal_check",
        texts=REVERSAL,
        back=f"{ADDRESS}/{found.view.id}/reversal",
        found=found,
        asked=asked,
        points=would_be.points,
        spend_minor=would_be.spend_minor,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


@post("/transactions/{transaction:str}/reversal", include_in_schema=False, before_request=for_merchants)
async def post_own_reversal(request: CityRequest, transaction: FromPath[str]) -> Response[str] | Redirect:
    """Post the reversal under the form's key: sent twice, it is posted once and answered the same."""
    fields = await own_form(request)
    view = await merchant_view(request)
    found = await own_transaction(request, view, transaction)
    asked = _asked(fields, found)
    if asked.wrong:
        return _form(request, view, found, asked)
    key = fields.get("key", "")
    refuse_key(key)
    submission = await prepare(view.wiring, view.partner.number, key, asked.command(found), None)
    answer = await shown(view.wiring, await view.wiring.engine.posters.submit(submission))
    if isinstance(answer, Answered):
        return _form(request, view, found, asked, refusal=code_of(answer))
    return see_other(f"{ADDRESS}/{answer.view.id}?posted=1")


def _form(
    request: CityRequest, view: MerchantView, found: OwnTransaction, asked: _Asked, refusal: str | None = None
) -> Response[str]:
    said = None
    if refusal is not None:
        said = f"refused_{refusal}" if f"refused_{refusal}" in REVERSAL else "refused_other"
    is_wrong = bool(asked.wrong) or refusal is not None
    return merchant_page(
        request,
        view,
        "reversal",
        texts=REVERSAL,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=f"{ADDRESS}/{found.view.id}/reversal",
        found=found,
        when=view.moment(found.view.recorded_at, found.view.programme),
        asked=asked,
        refusal=said,
    )


def _asked(fields: Mapping[str, str], found: OwnTransaction) -> _Asked:
    extent, reason = fields.get("extent", ""), fields.get("reason", "").strip()
    points = fields.get("points", "").strip().replace(",", "")
    spend = fields.get("spend", "").strip().replace(",", "")
    wrong = {}
    if extent not in _EXTENTS:
        wrong["extent"] = "extent_wrong"
    if extent == "points" and not _is_count(points):
        wrong["points"] = "points_wrong"
    if extent == "spend" and not _is_amount(spend, found.view.currency):
        wrong["spend"] = "spend_wrong"
    if not is_short_text(reason):
        wrong["reason"] = "reason_wrong"
    return _Asked(extent, points, spend, reason, wrong)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text) > 0


def _is_amount(text: str, currency: str | None) -> bool:
    if currency is None:
        return False
    try:
        return to_minor(text, currency) > 0
    except MalformedRequest:
        return False
