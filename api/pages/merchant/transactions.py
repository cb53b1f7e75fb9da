"""Transactions of the partner's: found by reference, key or id, listed newest first, and each on its own page."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from api.access import partner_of
from api.pages import formats
from api.pages.guards import for_merchants
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.transaction_lines import Line, read_lines
from api.pages.merchant.transaction_texts import REVERSAL, TRANSACTIONS
from api.requests import CityRequest
from ledger.errors import TransactionNotFound
from ledger.ids import Place
from ledger.reading.partner_transactions import TakenBack, find_partner_places, read_taken_back
from ledger.reading.transaction_views import TransactionView
from ledger.reading.transactions import find_by_key, find_by_reference, places_of, reversals_of
from ledger.rules.atomic import places_of_items
from ledger.rules.business_day import end_of_day, first_instant
from ledger.rules.outcomes import Refused

LINES_PER_PAGE = 20
LONGEST_QUERY = 255
ADDRESS = "/merchant/transactions"

_FIRST_YEAR, _LAST_YEAR = 2000, 2999
_REVERSIBLE = frozenset({"earn", "redeem", "capture"})
_decode_refused = msgspec.json.Decoder(Refused).decode


class OwnTransaction(msgspec.Struct, frozen=True):
    """A transaction of the partner's, and what of it was reversed."""

    view: TransactionView
    taken_back: TakenBack

    @property
    def rest(self) -> int:
        """Points that are not reversed yet."""
        return self.view.points - self.taken_back.points

    @property
    def rest_spend_minor(self) -> int | None:
        """Spend that is not reversed yet, None where it rests on none; minor units."""
        return None if self.view.spend_minor is None else self.view.spend_minor - self.taken_back.spend_minor

    @property
    def is_reversible(self) -> bool:
        """Whether anything of it can be reversed."""
        return self.view.kind in _REVERSIBLE and (self.rest > 0 or bool(self.rest_spend_minor))

    @property
    def state(self) -> str:
        """The key of what has become of it."""
        if not self.taken_back.points and not self.taken_back.spend_minor:
            return "state_whole"
        return "state_part" if self.is_reversible else "state_reversed"


class _Found(msgspec.Struct, frozen=True):
    """What a search found: transactions, or the code of the refusal that its key was answered with."""

    places: list[Place]
    refusal: str | None = None


class _Listed(msgspec.Struct, frozen=True, kw_only=True):
    """What the page lists, and the ways to the pages beside it; ``refusal`` is that of the key searched for."""

    lines: list[Line] = []
    refusal: str | None = None
    shown_day: str | None = None
    newest: str | None = None
    following: str | None = None


_NOTHING = _Listed()


@get("/transactions", include_in_schema=False, before_request=for_merchants)
async def transactions_page(
    request: CityRequest, q: FromQuery[str] = "", day: FromQuery[str] = "", cursor: FromQuery[str | None] = None
) -> Response[str]:
    """Find transactions, or list them newest first, of all days or of one."""
    view = await merchant_view(request)
    query = q.strip()
    if query:
        return await _search(request, view, query)
    chosen = _day(day.strip())
    if chosen is None and day.strip():
        return _page(request, view, {"day": day.strip()}, is_wrong=True)
    async with view.wiring.engine.pool.connection() as connection:
        page = await find_partner_places(
            connection,
            view.wiring.engine.key,
            view.partner.number,
            recorded_from=None if chosen is None else first_instant(chosen, view.zone, 0),
            recorded_before=None if chosen is None else end_of_day(chosen, view.zone),
            cursor=cursor,
            limit=LINES_PER_PAGE,
        )
        lines = await read_lines(connection, view, page.places)
    asked = {} if chosen is None else {"day": chosen.isoformat()}
    newest = f"{ADDRESS}?{urlencode(asked)}" if asked else ADDRESS
    listed = _Listed(
        lines=lines,
        shown_day=None if chosen is None else formats.day(chosen, view.language),
        newest=None if cursor is None else newest,
        following=None if page.next_cursor is None else urlencode({**asked, "cursor": page.next_cursor}),
    )
    return _page(request, view, asked, listed)


@get("/transactions/{transaction:str}", include_in_schema=False, before_request=for_merchants)
async def transaction_page(
    request: CityRequest, transaction: FromPath[str], posted: FromQuery[str | None] = None
) -> Response[str]:
    """Show a transaction of the partner's; raises TransactionNotFound for any other."""
    view = await merchant_view(request)
    found = await own_transaction(request, view, transaction)
    shown = found.view
    async with view.wiring.engine.pool.connection() as connection:
        place = Place(shown.lane, shown.sequence)
        reversed_by = (await reversals_of(connection, [place])).get(place, ())
    return merchant_page(
        request,
        view,
        "transaction",
        texts=TRANSACTIONS,
        found=found,
        shown=shown,
        was_posted=posted is not None and shown.kind == "reverse",
        happened=view.moment(shown.occurred_at, shown.programme),
        recorded=view.moment(shown.recorded_at, shown.programme),
        reversed_by=reversed_by,
    )


async def own_transaction(request: CityRequest, view: MerchantView, transaction: str) -> OwnTransaction:
    """A transaction of the partner's by its id; raises TransactionNotFound for an unknown one and for another's."""
    head = await view.wiring.engine.intake.find_transaction(transaction)
    if head is None or head.partner != partner_of(request).partner:
        raise TransactionNotFound("No transaction of yours has this id.")
    place = Place(head.lane, head.sequence)
    async with view.wiring.engine.pool.connection() as connection:
        taken_back = await read_taken_back(connection, place)
    return OwnTransaction(await view.wiring.view(place), taken_back)


async def _search(request: CityRequest, view: MerchantView, query: str) -> Response[str]:
    found = await _find(request, view, query[:LONGEST_QUERY])
    async with view.wiring.engine.pool.connection() as connection:
        lines = await read_lines(connection, view, found.places)
    return _page(request, view, {"q": query[:LONGEST_QUERY]}, _Listed(lines=lines, refusal=found.refusal))


async def _find(request: CityRequest, view: MerchantView, query: str) -> _Found:
    """Look for the partner's own by id, by key and by reference."""
    caller, engine = partner_of(request), view.wiring.engine
    head = await engine.intake.find_transaction(query)
    if head is not None and head.partner == caller.partner:
        return _Found([Place(head.lane, head.sequence)])
    async with engine.pool.connection() as connection:
        places = await find_by_reference(connection, engine.key, caller.owner, query, caller.partner)
        record = await find_by_key(connection, engine.key, caller.owner, query)
    if record is None:
        return _Found(places)
    of_key = places_of_items(record.answer) or places_of(record)
    if not of_key and not places:
        return _Found([], _refusal(record.answer))
    return _Found([*of_key, *(place for place in places if place not in of_key)])


def _refusal(answer: bytes | None) -> str | None:
    """The code of the refusal that a key was answered with; None for what is none."""
    if answer is None:
        return None
    try:
        return _decode_refused(answer).code
    except msgspec.ValidationError:
        return None


def _page(
    request: CityRequest,
    view: MerchantView,
    asked: Mapping[str, str],
    listed: _Listed = _NOTHING,
    *,
    is_wrong: bool = False,
) -> Response[str]:
    refusal = f"refused_{listed.refusal}"
    return merchant_page(
        request,
        view,
        "transactions",
        texts={**TRANSACTIONS, **REVERSAL},
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        asked={"q": "", "day": "", **asked},
        wrong=is_wrong,
        listed=listed,
        refusal_said=refusal if refusal in REVERSAL else "refused_other",
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if _FIRST_YEAR <= day.year <= _LAST_YEAR else None
