"""Keys of partners and staff: all, one, and a new one, which is shown once."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import get_args
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery

from api.key_steps import make_key, refuse_unlikely_prefix
from api.pages.guards import OPERATION_READERS, for_staff, own_form
from api.pages.operator.key_texts import KEYS
from api.pages.operator.key_views import KeyRow, key_made, key_row
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.requests import CityRequest
from api.schemas.partners import KeyRequest
from ledger.errors import IdempotencyKeyReused, NotFound
from ledger.store.credentials import StaffRole, list_credentials
from ledger.store.jobs import read_real_time

ROLES: tuple[StaffRole, ...] = get_args(StaffRole)
KEYS_PER_PAGE = 50
USUAL_DAYS = "365"
MOST_DIGITS = 4

_KEY_BYTES = 18


class _Asked(msgspec.Struct, frozen=True):
    """What a form says; ``wrong`` are the fields that cannot be used, each with the key of what to say."""

    partner: str = ""
    staff: str = ""
    roles: tuple[StaffRole, ...] = ()
    days: str = USUAL_DAYS
    is_of_staff: bool = False
    wrong: Mapping[str, str] = {}


@get("/keys", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def keys_page(
    request: CityRequest, partner: FromQuery[str | None] = None, after: FromQuery[str | None] = None
) -> Response[str]:
    """List keys by prefix, also those that are no longer good: all, or a partner's."""
    view = await operator_view(request)
    only = None if partner is None else view.registry.partner_coded(partner)
    if partner is not None and only is None:
        raise NotFound("No partner has this code.")
    if after is not None:
        refuse_unlikely_prefix(after)
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_real_time(connection)
        number = None if only is None else only.number
        found = await list_credentials(connection, after=after, limit=KEYS_PER_PAGE + 1, partner=number)
    rows: list[KeyRow] = [key_row(one, view, now) for one in found[:KEYS_PER_PAGE]]
    chosen = {} if only is None else {"partner": only.code}
    return operator_page(
        request,
        view,
        "keys",
        texts=KEYS,
        rows=rows,
        only=None if only is None else view.words(KEYS)["keys_of"].format(name=only.name),
        is_first=after is None,
        newest=urlencode(chosen),
        following=urlencode({**chosen, "after": rows[-1].prefix}) if len(found) > KEYS_PER_PAGE else None,
    )


@get("/keys/new", include_in_schema=False, before_request=for_staff("operator"))
async def new_key_page(request: CityRequest, partner: FromQuery[str] = "") -> Response[str]:
    """Ask for whom."""
    return _form(request, await operator_view(request), _Asked(partner=partner))


@post("/keys", include_in_schema=False, before_request=for_staff("operator"), status_code=HTTPStatus.OK)
async def make_key_by_form(request: CityRequest) -> Response[str]:
    """Make a key and show it, this once; the same form again makes no other and shows nothing secret."""
    fields = await own_form(request)
    view = await operator_view(request)
    asked = _asked(fields, view)
    if asked.wrong:
        return _form(request, view, asked)
    data = KeyRequest(
        partner=None if asked.is_of_staff else asked.partner,
        staff=asked.staff if asked.is_of_staff else None,
        roles=list(asked.roles),
        expires_in_days=int(asked.days) if asked.days else None,
    )
    try:
        answer = await make_key(view.wiring, view.owner, fields.get("key", ""), data)
    except IdempotencyKeyReused:
        return _form(request, view, msgspec.structs.replace(asked, wrong={"form": "key_reused"}))
    return key_made(request, view, answer)


def _asked(fields: Mapping[str, str], view: OperatorView) -> _Asked:
    is_of_staff = "staff" in fields
    days = fields.get("days", "").strip()
    asked = _Asked(
        partner=fields.get("partner", ""),
        staff=fields.get("staff", "").strip(),
        roles=tuple(role for role in ROLES if f"role_{role}" in fields),
        days=days,
        is_of_staff=is_of_staff,
    )
    wrong = {}
    if not is_of_staff and view.registry.partner_coded(asked.partner) is None:
        wrong["partner"] = "partner_wrong"
    if is_of_staff and not asked.roles:
        wrong["roles"] = "roles_wrong"
    shape = {"staff": asked.staff} if is_of_staff else {}
    is_number = not days or (days.isascii() and days.isdigit() and len(days) <= MOST_DIGITS)
    if not is_number or not _fits({"expires_in_days": int(days) if days else None}):
        wrong["staff_days" if is_of_staff else "partner_days"] = "days_wrong"
    if not _fits(shape):
        wrong["staff"] = "staff_wrong"
    return msgspec.structs.replace(asked, wrong=wrong)


def _fits(shape: Mapping[str, object]) -> bool:
    try:
        msgspec.convert(shape, KeyRequest)
    except msgspec.ValidationError:
        return False
    return True


def _form(request: CityRequest, view: OperatorView, asked: _Asked) -> Response[str]:
    return operator_page(
        request,
        view,
        "key_new",
        texts=KEYS,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if asked.wrong else HTTPStatus.OK,
        back="/operator/keys/new",
        asked=asked,
        roles=ROLES,
        usual_days=USUAL_DAYS,
        partners=sorted(view.registry.partners.values(), key=lambda one: one.code),
        key=secrets.token_urlsafe(_KEY_BYTES),
        staff_form_key=secrets.token_urlsafe(_KEY_BYTES),
    )
