"""Appeals of the member that looks: made by form, and listed with what became of each."""

import secrets
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from api.access import key_owner_of
from api.appealing import AppealAsked, find_appealable, is_fit, make_appeal, plain_text, points_taken
from api.pages.frame import see_other
from api.pages.guards import for_citizens, own_form
from api.pages.portal.appeal_texts import ANSWER_WITHIN_WORKING_DAYS, APPEALS
from api.pages.portal.explanations import explanation
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.pages.texts import in_language
from api.requests import CityRequest, refuse_key
from ledger.errors import IdempotencyKeyReused, NotAppealable, TransactionNotFound
from ledger.ids import Place
from ledger.reading.transaction_views import TransactionView
from ledger.store.appeals import MOST_CHARACTERS, Appeal, list_appeals_of
from ledger.store.member_selves import read_selves

FREEZE = "freeze"

_KEY_BYTES = 18


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An appeal as its member sees it; ``about`` and ``state`` are keys, ``points`` what was taken."""

    about: str
    points: int
    partner: str | None
    state: str
    tone: str
    appealed: str
    decided: str | None
    grounds: str
    answer: str | None


@get("/appeals", include_in_schema=False, before_request=for_citizens)
async def appeals_page(request: CityRequest, made: FromQuery[str | None] = None) -> Response[str]:
    """List the member's own appeals, newest first."""
    view = await portal_view(request, None)
    async with view.wiring.engine.pool.connection() as connection:
        selves = await read_selves(connection, view.member)
        found = await list_appeals_of(connection, [one.public_id for one in selves])
    return portal_page(
        request,
        view,
        "appeals",
        texts=APPEALS,
        appeals=[await _shown(appeal, view) for appeal in found],
        promise=_promise(view),
        is_made=made is not None and any(appeal.state == "open" for appeal in found),
    )


@get("/appeals/new", include_in_schema=False, before_request=for_citizens)
async def new_appeal_page(
    request: CityRequest, transaction: FromQuery[str | None] = None, about: FromQuery[str | None] = None
) -> Response[str]:
    """Ask what the member has to say against one of its transactions, or against the freeze."""
    view = await portal_view(request, None)
    return await _form(request, view, _meant(transaction, about))


@post("/appeals", include_in_schema=False, before_request=for_citizens)
async def send_appeal(request: CityRequest) -> Response[str] | Redirect:
    """Keep the appeal under the form's key: sent twice, it is one."""
    fields = await own_form(request)
    view = await portal_view(request, None)
    meant = _meant(fields.get("transaction"), fields.get("about"))
    grounds, key = plain_text(fields.get("grounds", "")), fields.get("key", "")
    refuse_key(key)
    if not is_fit(grounds):
        return await _form(request, view, meant, grounds, "write_wrong")
    try:
        asked = AppealAsked(meant, grounds)
        answer = await make_appeal(view.wiring, view.member, await key_owner_of(request), key, asked)
    except IdempotencyKeyReused:
        return await _form(request, view, meant, grounds, "key_reused")
    if answer.status_code == HTTPStatus.CREATED:
        return see_other("/portal/appeals?made=yes")
    if answer.status_code == HTTPStatus.CONFLICT:
        return _refused(request, view)
    raise TransactionNotFound("You have no transaction of this id.")


def _meant(transaction: str | None, about: str | None) -> str | None:
    """The transaction that is meant, None for the freeze; raises TransactionNotFound where nothing is named."""
    if about == FREEZE:
        return None
    if not transaction:
        raise TransactionNotFound("You have no transaction of this id.")
    return transaction


async def _form(
    request: CityRequest, view: PortalView, meant: str | None, grounds: str = "", wrong: str | None = None
) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        try:
            found = await find_appealable(connection, view.registry, view.member, meant)
        except NotAppealable:
            return _refused(request, view)
        selves = await read_selves(connection, view.member)
        appeals = await list_appeals_of(connection, [one.public_id for one in selves])
    if any(appeal.place == found.place and appeal.state == "open" for appeal in appeals):
        return _refused(request, view)
    taken = await view.wiring.view(found.place)
    words = in_language(APPEALS, view.language)
    said = None if wrong is None else words[wrong].format(most=f"{MOST_CHARACTERS:,}", count=f"{len(grounds):,}")
    return portal_page(
        request,
        view,
        "appeal_new",
        texts=APPEALS,
        status_code=HTTPStatus.OK if wrong is None else HTTPStatus.UNPROCESSABLE_ENTITY,
        back="/portal/appeals",
        about=found.about,
        transaction=meant,
        taken=points_taken(taken),
        when=view.moment(taken.occurred_at),
        why=explanation(taken, view.language, view.partner_name(taken.partner)),
        grounds=grounds,
        most=MOST_CHARACTERS,
        note=words["write_note"].format(most=f"{MOST_CHARACTERS:,}"),
        promise=_promise(view),
        wrong=said,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


def _refused(request: CityRequest, view: PortalView) -> Response[str]:
    return portal_page(
        request,
        view,
        "appeal_refused",
        texts=APPEALS,
        status_code=HTTPStatus.CONFLICT,
        back="/portal/appeals",
    )


def _promise(view: PortalView) -> str:
    return in_language(APPEALS, view.language)["promise"].format(days=ANSWER_WITHIN_WORKING_DAYS)


async def _shown(appeal: Appeal, view: PortalView) -> Shown:
    taken = await _transaction(appeal.place, view)
    return Shown(
        about=f"about_{appeal.about}",
        points=points_taken(taken),
        partner=view.partner_name(taken.partner),
        state=f"appeal_{appeal.state}",
        tone={"open": "plain", "upheld": "good", "rejected": "warn"}[appeal.state],
        appealed=view.moment(appeal.appealed_at),
        decided=None if appeal.decided_at is None else view.moment(appeal.decided_at),
        grounds=appeal.grounds,
        answer=appeal.answer,
    )


async def _transaction(place: Place, view: PortalView) -> TransactionView:
    return await view.wiring.view(place)
