"""One key: replaced by a new one, or revoked after a question."""

import secrets

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from api.key_steps import end_key, refuse_unlikely_prefix, replace_key
from api.pages.frame import see_other
from api.pages.guards import OPERATION_READERS, for_staff, own_form
from api.pages.operator.key_texts import KEYS
from api.pages.operator.key_views import KeyRow, key_made, key_row
from api.pages.operator.operator_view import OperatorView, operator_page, operator_view
from api.requests import CityRequest
from api.schemas.partners import RotationRequest
from ledger.errors import MalformedRequest, NotFound
from ledger.store.credentials import find_credentials
from ledger.store.jobs import read_real_time

OVERLAPS = (0, 3_600, 86_400, 604_800)

_KEY_BYTES = 18


@get("/keys/{prefix:str}", include_in_schema=False, before_request=for_staff(*OPERATION_READERS))
async def key_page(request: CityRequest, prefix: FromPath[str], done: FromQuery[str | None] = None) -> Response[str]:
    """Show a key, and what can be done with it."""
    view = await operator_view(request)
    row = await _row(view, prefix)
    return operator_page(
        request,
        view,
        "key",
        texts=KEYS,
        row=row,
        heading=view.words(KEYS)["key_is"].format(prefix=row.prefix),
        overlaps=OVERLAPS,
        is_done=done is not None and row.state == "revoked",
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


@post("/keys/{prefix:str}/rotation", include_in_schema=False, before_request=for_staff("operator"), status_code=200)
async def rotate_key_by_form(request: CityRequest, prefix: FromPath[str]) -> Response[str]:
    """Make a new key in the place of this one and show it, this once."""
    fields = await own_form(request)
    view = await operator_view(request)
    overlap = fields.get("overlap", "")
    if overlap not in {str(one) for one in OVERLAPS}:
        raise MalformedRequest("overlap: wanted is one of those offered.", field="overlap", got=overlap[:20])
    asked = RotationRequest(overlap_seconds=int(overlap))
    answer = await replace_key(view.wiring, view.owner, fields.get("key", ""), prefix, asked)
    when = view.words(KEYS)[f"overlap_{overlap}"]
    former = view.words(KEYS)["former_ends"].format(prefix=prefix, when=when)
    return key_made(request, view, answer, former)


@get("/keys/{prefix:str}/revocation", include_in_schema=False, before_request=for_staff("operator"))
async def revocation_page(request: CityRequest, prefix: FromPath[str]) -> Response[str]:
    """Ask whether the key shall really end."""
    view = await operator_view(request)
    row = await _row(view, prefix)
    return operator_page(
        request,
        view,
        "key_revocation",
        texts=KEYS,
        row=row,
        question=view.words(KEYS)["revoke_sure"].format(prefix=row.prefix, owner=row.owner),
    )


@post("/keys/{prefix:str}/revocation", include_in_schema=False, before_request=for_staff("operator"))
async def revoke_key_by_form(request: CityRequest, prefix: FromPath[str]) -> Redirect:
    """End the key for good; again it changes nothing."""
    await own_form(request)
    view = await operator_view(request)
    ended = await end_key(view.wiring, prefix)
    return see_other(f"/operator/keys/{ended.prefix}?done=yes")


async def _row(view: OperatorView, prefix: str) -> KeyRow:
    refuse_unlikely_prefix(prefix)
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_real_time(connection)
        found = await find_credentials(connection, [prefix])
    if prefix not in found:
        raise NotFound("No key has this prefix.")
    return key_row(found[prefix], view, now)
