"""Webhooks of the partner: added with the secret shown once, tried, paused, removed, and what is delivered to them."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.access import partner_of
from api.pages.answered import decoded, refusal_code
from api.pages.frame import see_other
from api.pages.guards import for_merchants, own_form
from api.pages.merchant.delivery_rows import STATES, TONES, delivery_rows
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.webhook_texts import WEBHOOKS
from api.pages.typed_texts import is_short_text
from api.requests import CityRequest
from api.schemas.webhooks import ReplayRequest, WebhookAnswer, WebhookRequest
from api.webhook_steps import CHANGES, WebhookDoor, webhook_id
from ledger.errors import MalformedRequest, NotFound
from ledger.reading.events import EVENT_TYPES
from ledger.rules.journal import TransactionKind
from ledger.store.webhook_queue import DeliveryState
from ledger.store.webhooks import MAXIMUM_OF_A_PARTNER, Webhook, find_webhook, list_webhooks

ADDRESS = "/merchant/webhooks"
LONGEST_URL = 2000
DONE = ("ping", "pause", "resume", "replay")

_KEY_BYTES = 18
_POINTS = (TransactionKind.EARN, TransactionKind.REDEEM, TransactionKind.CAPTURE, TransactionKind.REVERSE)
TYPES: Mapping[str, list[str] | None] = {"all": None, "points": [EVENT_TYPES[kind] for kind in _POINTS]}
"""What can be chosen to be sent, and the types of events that it stands for."""


class _Asked(msgspec.Struct, frozen=True):
    """What the form says; ``wrong`` are the fields that cannot be used, each with the key of what to say."""

    url: str = ""
    description: str = ""
    types: str = "all"
    wrong: Mapping[str, str] = {}


@get("/webhooks", include_in_schema=False, before_request=for_merchants)
async def webhooks_page(request: CityRequest, removed: FromQuery[str | None] = None) -> Response[str]:
    """List the partner's endpoints and offer to add one."""
    return await _list(request, await merchant_view(request), _Asked(), was_removed=removed is not None)


@post("/webhooks", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK)
async def add_own_webhook(request: CityRequest) -> Response[str]:
    """Add an endpoint and show its secret on this answer; the same form again adds no other and shows none."""
    fields = await own_form(request)
    view = await merchant_view(request)
    asked = _asked(fields)
    if asked.wrong:
        return await _list(request, view, asked)
    wanted = WebhookRequest(asked.url, TYPES[asked.types], asked.description or None)
    answer = await _door(request, view).make(wanted, fields.get("key", ""))
    refusal = refusal_code(answer)
    if refusal is not None:
        return await _list(request, view, asked, refusal=refusal)
    return _secret(request, view, answer)


@get("/webhooks/{webhook:str}", include_in_schema=False, before_request=for_merchants)
async def webhook_page(
    request: CityRequest,
    webhook: FromPath[str],
    only: FromQuery[str] = "all",
    done: FromQuery[str | None] = None,
    cursor: FromQuery[str | None] = None,
) -> Response[str]:
    """Show an endpoint and what is delivered to it; raises NotFound for another partner's."""
    view = await merchant_view(request)
    found = await _own(view, webhook)
    if only not in STATES:
        wanted = ", ".join(STATES)
        raise MalformedRequest(f"only: wanted is one of {wanted}.", field="only", got=only, wanted=wanted)
    state: DeliveryState | None = STATES[only]
    page = await delivery_rows(view, found, state, cursor)
    return merchant_page(
        request,
        view,
        "webhook",
        texts=WEBHOOKS,
        hook=found,
        created=view.moment(found.created_at),
        former=None if found.former_secret_ends_at is None else view.moment(found.former_secret_ends_at),
        done=done if done in DONE else None,
        only=only,
        states=list(STATES),
        tones=TONES,
        rows=page.rows,
        following=None if page.next_cursor is None else f"only={only}&cursor={page.next_cursor}",
        newest=None if cursor is None else f"{ADDRESS}/{found.id}?only={only}",
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


@post("/webhooks/{webhook:str}/ping", include_in_schema=False, before_request=for_merchants)
async def ping_webhook(request: CityRequest, webhook: FromPath[str]) -> Redirect:
    """Have a ping sent."""
    fields = await own_form(request)
    view = await merchant_view(request)
    identifier = webhook_id(webhook)
    _refuse_missing(await _door(request, view).ping(identifier, fields.get("key", "")))
    return see_other(f"{ADDRESS}/{identifier}?done=ping")


@post("/webhooks/{webhook:str}/state", include_in_schema=False, before_request=for_merchants)
async def change_webhook(request: CityRequest, webhook: FromPath[str]) -> Redirect:
    """Pause or resume an endpoint."""
    fields = await own_form(request)
    view = await merchant_view(request)
    identifier, change = webhook_id(webhook), fields.get("change", "")
    if change not in CHANGES:
        raise MalformedRequest("change: wanted is pause or resume.", field="change", got=change[:20])
    _refuse_missing(await _door(request, view).change(identifier, change, fields.get("key", "")))
    return see_other(f"{ADDRESS}/{identifier}?done={change}")


@post(
    "/webhooks/{webhook:str}/secret", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK
)
async def renew_webhook_secret(request: CityRequest, webhook: FromPath[str]) -> Response[str]:
    """Give an endpoint a new secret and show it on this answer."""
    fields = await own_form(request)
    view = await merchant_view(request)
    answer = await _door(request, view).renew_secret(webhook_id(webhook), fields.get("key", ""))
    _refuse_missing(answer)
    return _secret(request, view, answer)


@post("/webhooks/{webhook:str}/replay", include_in_schema=False, before_request=for_merchants)
async def replay_deliveries(request: CityRequest, webhook: FromPath[str]) -> Redirect:
    """Have one event, or all dead letters, sent again."""
    fields = await own_form(request)
    view = await merchant_view(request)
    identifier = webhook_id(webhook)
    event = fields.get("event")
    wanted = ReplayRequest(state="dead") if event is None else ReplayRequest(event=_event(event))
    _refuse_missing(await _door(request, view).replay(identifier, wanted, fields.get("key", "")))
    return see_other(f"{ADDRESS}/{identifier}?done=replay")


@get("/webhooks/{webhook:str}/removal", include_in_schema=False, before_request=for_merchants)
async def removal_page(request: CityRequest, webhook: FromPath[str]) -> Response[str]:
    """Ask whether an endpoint shall really be removed."""
    view = await merchant_view(request)
    return merchant_page(request, view, "webhook_removal", texts=WEBHOOKS, hook=await _own(view, webhook))


@post("/webhooks/{webhook:str}/removal", include_in_schema=False, before_request=for_merchants)
async def remove_own_webhook(request: CityRequest, webhook: FromPath[str]) -> Redirect:
    """Remove an endpoint."""
    await own_form(request)
    await _door(request, await merchant_view(request)).remove(webhook_id(webhook))
    return see_other(f"{ADDRESS}?removed=1")


def _door(request: CityRequest, view: MerchantView) -> WebhookDoor:
    return WebhookDoor(view.wiring, partner_of(request).owner, view.partner.number)


async def _own(view: MerchantView, webhook: str) -> Webhook:
    async with view.wiring.engine.pool.connection() as connection:
        return await find_webhook(connection, webhook_id(webhook), view.partner.number)


def _refuse_missing(answer: Response[bytes]) -> None:
    """Raise NotFound where a step found no such webhook, or no such event, of the partner's."""
    if refusal_code(answer) is not None:
        raise NotFound("No webhook of yours has this id.")


def _event(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("No event of yours has this id.") from None


async def _list(
    request: CityRequest, view: MerchantView, asked: _Asked, *, refusal: str | None = None, was_removed: bool = False
) -> Response[str]:
    said = None
    if refusal is not None:
        said = f"refused_{refusal}" if f"refused_{refusal}" in WEBHOOKS else "refused_other"
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_webhooks(connection, view.partner.number, after=None, limit=MAXIMUM_OF_A_PARTNER)
    is_wrong = bool(asked.wrong) or refusal is not None
    return merchant_page(
        request,
        view,
        "webhooks",
        texts=WEBHOOKS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=ADDRESS,
        hooks=[(one, view.moment(one.created_at)) for one in found],
        asked=asked,
        refusal=said,
        was_removed=was_removed,
        types=list(TYPES),
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


def _secret(request: CityRequest, view: MerchantView, answer: Response[bytes]) -> Response[str]:
    made = decoded(answer, WebhookAnswer)
    return merchant_page(request, view, "webhook_secret", texts=WEBHOOKS, back=f"{ADDRESS}/{made.id}", made=made)


def _asked(fields: Mapping[str, str]) -> _Asked:
    url, description = fields.get("url", "").strip(), fields.get("description", "").strip()
    types = fields.get("types", "all")
    wrong = {}
    if not url or len(url) > LONGEST_URL:
        wrong["url"] = "url_wrong"
    if description and not is_short_text(description):
        wrong["description"] = "description_wrong"
    return _Asked(url, description, types if types in TYPES else "all", wrong)
