"""A gift in two steps: checked as it would be decided, then made, once however often the form is sent."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromQuery
from litestar.response import Redirect

from api.access import key_owner_of
from api.pages.frame import see_other
from api.pages.guards import for_citizens, member_of, own_form
from api.pages.portal.action_texts import GIFT
from api.pages.portal.portal_view import PortalView, portal_page, portal_view
from api.posting_answers import Answered, code_of, shown
from api.requests import CityRequest, refuse_key
from ledger.errors import TransactionNotFound
from ledger.ids import Place
from ledger.reading.transactions import view_posted
from ledger.rules.commands import Gift, Submission
from ledger.rules.outcomes import Refused
from ledger.rules.programmes import LEDGER_ITSELF
from ledger.store.member_selves import read_places
from ledger.store.members import CARD_DIGITS

BACK = "/portal/gift"
MOST_DIGITS = 12

_KEY_BYTES = 18


class _Asked(msgspec.Struct, frozen=True):
    """What the form says: ``wrong`` are the fields that cannot be used, each with the key of what to say."""

    receiver: str
    amount: str
    wrong: Mapping[str, str] = {}

    @property
    def receiver_name(self) -> str:
        """How the ledger names the receiver."""
        digits = self.receiver.replace(" ", "")
        return f"card:{digits}" if _is_card(digits) else self.receiver.lower()

    @property
    def points(self) -> int:
        """How many points."""
        return int(self.amount)


@get("/gift", include_in_schema=False, before_request=for_citizens)
async def gift_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Ask to whom and how many."""
    return await _form(request, await portal_view(request, programme), _Asked("", ""))


@post("/gift/check", include_in_schema=False, before_request=for_citizens, status_code=HTTPStatus.OK)
async def check_gift(request: CityRequest) -> Response[str]:
    """Decide the gift as it would be decided now, and record nothing; a key for making it comes with the answer."""
    fields = await own_form(request)
    view = await portal_view(request, fields.get("programme"))
    asked = _asked(fields)
    if asked.wrong or "change" in fields:
        return await _form(request, view, asked)
    view.wiring.quote_limit.take(await key_owner_of(request))
    submission = await _submission(request, view, asked, secrets.token_urlsafe(_KEY_BYTES))
    outcome = await view.wiring.trials.run(submission)
    if isinstance(outcome, Refused):
        return await _form(request, view, asked, refusal=outcome.code)
    [would_be] = await view_posted(view.wiring.engine.pool, outcome, view.registry)
    return portal_page(
        request,
        view,
        "gift_check",
        texts=GIFT,
        back=BACK,
        asked=asked,
        left=would_be.available,
        key=secrets.token_urlsafe(_KEY_BYTES),
    )


@post("/gift", include_in_schema=False, before_request=for_citizens)
async def make_gift(request: CityRequest) -> Response[str] | Redirect:
    """Make the gift under the form's key: sent twice, it is made once and answered the same."""
    fields = await own_form(request)
    view = await portal_view(request, fields.get("programme"))
    asked = _asked(fields)
    if asked.wrong:
        return await _form(request, view, asked)
    key = fields.get("key", "")
    refuse_key(key)
    submission = await _submission(request, view, asked, key)
    found = await shown(view.wiring, await view.wiring.engine.posters.submit(submission))
    if isinstance(found, Answered):
        return await _form(request, view, asked, refusal=code_of(found))
    return see_other(f"/portal/gift/done?transaction={found.view.id}")


@get("/gift/done", include_in_schema=False, before_request=for_citizens)
async def gift_done_page(request: CityRequest, transaction: FromQuery[str]) -> Response[str]:
    """Say that a gift of the member's was made; raises TransactionNotFound for anything else."""
    view = await portal_view(request, None)
    head = await view.wiring.engine.intake.find_transaction(transaction)
    async with view.wiring.engine.pool.connection() as connection:
        own = {(place.lane, place.number) for place in await read_places(connection, member_of(request))}
    if head is None or (head.lane, head.member) not in own:
        raise TransactionNotFound("You have no transaction of this id.")
    made = await view.wiring.view(Place(head.lane, head.sequence))
    if made.kind != "gift":
        raise TransactionNotFound("You have no gift of this id.")
    return portal_page(request, view, "gift_done", texts=GIFT, points=made.points, left=made.available, made=made.id)


async def _submission(request: CityRequest, view: PortalView, asked: _Asked, key: str) -> Submission:
    giver = await view.wiring.public_id(view.member)
    command = Gift(
        programme=view.programme.code, member=giver, receiver=asked.receiver_name, points=asked.points, reference=None
    )
    owner = await key_owner_of(request)
    return await view.wiring.engine.intake.prepare(LEDGER_ITSELF, key, command, owner=owner, shows_balance=True)


async def _form(request: CityRequest, view: PortalView, asked: _Asked, refusal: str | None = None) -> Response[str]:
    balance = await view.wiring.balances.get(view.member, view.programme)
    said = None
    if refusal is not None:
        said = f"refused_{refusal}" if f"refused_{refusal}" in GIFT else "refused_other"
    is_wrong = bool(asked.wrong) or refusal is not None
    return portal_page(
        request,
        view,
        "gift",
        texts=GIFT,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=BACK,
        asked=asked,
        refusal=said,
        available=balance.available,
        a_month=view.programme.gift_points_a_month,
    )


def _asked(fields: Mapping[str, str]) -> _Asked:
    receiver, amount = fields.get("receiver", "").strip(), fields.get("points", "").strip().replace(",", "")
    wrong = {}
    if not _is_card(receiver.replace(" ", "")) and not _is_id(receiver):
        wrong["receiver"] = "receiver_wrong"
    if not (amount.isascii() and amount.isdigit() and len(amount) <= MOST_DIGITS and int(amount) > 0):
        wrong["points"] = "amount_wrong"
    return _Asked(receiver, amount, wrong)


def _is_card(text: str) -> bool:
    return len(text) == CARD_DIGITS and text.isascii() and text.isdigit()


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False
