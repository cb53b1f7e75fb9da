"""API keys of the partner: listed, made and replaced with the key shown once, and ended after a question.

The key is on the answer to its form and nowhere else. Loading that answer again sends the form again, with the same
idempotency key: no other key is made, and what was answered before holds no secret.
"""

import secrets
import time
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.access import partner_of
from api.key_steps import SECONDS_PER_DAY, end_key, make_key, replace_key
from api.pages.frame import see_other
from api.pages.guards import for_merchants, own_form
from api.pages.merchant.key_texts import KEYS
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.requests import CityRequest
from api.schemas.partners import KeyAnswer, KeyRequest, RotationRequest
from ledger.errors import NotFound
from ledger.store.credentials import Credential, find_credentials, list_partner_credentials

ADDRESS = "/merchant/keys"
MOST_SHOWN = 100
LIFETIMES = {"90": 90, "365": 365, "none": None}
OVERLAPS = {"86400": SECONDS_PER_DAY, "604800": 7 * SECONDS_PER_DAY, "0": 0}

_KEY_BYTES = 18
_FIRST_ERROR = 400
_TONES = {"good": "good", "expired": "warn", "revoked": "plain"}


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A key as the list shows it."""

    prefix: str
    created: str
    expires: str | None
    state: str
    tone: str


@get("/keys", include_in_schema=False, before_request=for_merchants)
async def keys_page(request: CityRequest, ended: FromQuery[str | None] = None) -> Response[str]:
    """List the partner's keys and offer to make one."""
    return await _list(request, await merchant_view(request), was_revoked=ended is not None)


@post("/keys", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK)
async def make_own_key(request: CityRequest) -> Response[str]:
    """Make a key and show it on this answer."""
    fields = await own_form(request)
    view = await merchant_view(request)
    lifetime = fields.get("lifetime", "")
    if lifetime not in LIFETIMES:
        return await _list(request, view, is_wrong=True)
    wanted = KeyRequest(partner=view.partner.code, expires_in_days=LIFETIMES[lifetime])
    answer = await make_key(view.wiring, partner_of(request).owner, fields.get("key", ""), wanted)
    return _new_key(request, view, answer)


@get("/keys/{prefix:str}/replacement", include_in_schema=False, before_request=for_merchants)
async def replacement_page(request: CityRequest, prefix: FromPath[str]) -> Response[str]:
    """Ask how long the old key works on."""
    view = await merchant_view(request)
    return _replacement(request, view, await _own_key(view, prefix))


@post(
    "/keys/{prefix:str}/replacement", include_in_schema=False, before_request=for_merchants, status_code=HTTPStatus.OK
)
async def replace_own_key(request: CityRequest, prefix: FromPath[str]) -> Response[str]:
    """Make the new key and show it on this answer."""
    fields = await own_form(request)
    view = await merchant_view(request)
    own = await _own_key(view, prefix)
    overlap = fields.get("overlap", "")
    if overlap not in OVERLAPS:
        return _replacement(request, view, own, is_wrong=True)
    answer = await replace_key(
        view.wiring,
        partner_of(request).owner,
        fields.get("key", ""),
        own.prefix,
        RotationRequest(OVERLAPS[overlap]),
        of_partner=view.partner.number,
    )
    return _new_key(request, view, answer)


@get("/keys/{prefix:str}/end", include_in_schema=False, before_request=for_merchants)
async def end_key_page(request: CityRequest, prefix: FromPath[str]) -> Response[str]:
    """Ask whether a key shall really be ended."""
    view = await merchant_view(request)
    own = await _own_key(view, prefix)
    return merchant_page(request, view, "key_end", texts=KEYS, prefix=own.prefix, created=view.moment(own.created_at))


@post("/keys/{prefix:str}/end", include_in_schema=False, before_request=for_merchants)
async def end_own_key(request: CityRequest, prefix: FromPath[str]) -> Redirect:
    """End a key; again changes nothing."""
    await own_form(request)
    view = await merchant_view(request)
    await end_key(view.wiring, prefix, of_partner=view.partner.number)
    return see_other(f"{ADDRESS}?ended=1")


async def _own_key(view: MerchantView, prefix: str) -> Credential:
    """A key of the partner's; raises NotFound for an unknown one and for another's."""
    found = None
    if prefix.isascii() and prefix.isalnum():
        async with view.wiring.engine.pool.connection() as connection:
            found = (await find_credentials(connection, [prefix])).get(prefix)
    if found is None or found.partner != view.partner.number:
        raise NotFound("No key of yours has this prefix.")
    return found


async def _list(
    request: CityRequest, view: MerchantView, *, was_revoked: bool = False, is_wrong: bool = False
) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_partner_credentials(connection, view.partner.number, limit=MOST_SHOWN)
    return merchant_page(
        request,
        view,
        "keys",
        texts=KEYS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=ADDRESS,
        rows=[_row(view, one, time.time_ns() // 1000) for one in found],
        lifetimes=list(LIFETIMES),
        key=secrets.token_urlsafe(_KEY_BYTES),
        was_revoked=was_revoked,
        is_wrong=is_wrong,
    )


def _replacement(request: CityRequest, view: MerchantView, own: Credential, *, is_wrong: bool = False) -> Response[str]:
    return merchant_page(
        request,
        view,
        "key_replacement",
        texts=KEYS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=ADDRESS,
        prefix=own.prefix,
        overlaps=list(OVERLAPS),
        key=secrets.token_urlsafe(_KEY_BYTES),
        is_wrong=is_wrong,
    )


def _new_key(request: CityRequest, view: MerchantView, answer: Response[bytes]) -> Response[str]:
    """The answer with the key, or without it where it was answered before; raises NotFound."""
    if answer.status_code is not None and answer.status_code >= _FIRST_ERROR:
        raise NotFound("No key of yours has this prefix.")
    made = msgspec.json.decode(answer.content, type=KeyAnswer)
    return merchant_page(request, view, "key_new", texts=KEYS, back=ADDRESS, prefix=made.prefix, made=made.key)


def _row(view: MerchantView, key: Credential, now: int) -> _Row:
    state = "good" if key.is_good(now) else "expired" if key.revoked_at is None else "revoked"
    return _Row(
        prefix=key.prefix,
        created=view.moment(key.created_at),
        expires=None if key.expires_at is None else view.moment(key.expires_at),
        state=state,
        tone=_TONES[state],
    )
