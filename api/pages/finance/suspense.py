"""The work list of money that could not be placed: what it is, how long it waits, and placing it with a notice."""

from datetime import date
from http import HTTPStatus
from uuid import UUID

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from psycopg import AsyncConnection

from api.pages import formats
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.work_refusals import for_preparing, prepares, refusal_in
from api.pages.finance.work_texts import SUSPENSE
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from api.schemas.proposals import proposal_id
from ledger.errors import LedgerError, NotFound
from ledger.store.ledger_row import read_clock
from settlement.receipts import match
from settlement.store.bank_rows import SuspenseItem, list_items, read_item, sum_items
from settlement.store.money_rows import Notice, list_open_notices

ON_A_PAGE = 25
MOST_NOTICES = 100

_STAFF = for_staff(*FINANCE_READERS)


class ItemLine(msgspec.Struct, frozen=True):
    """An item of the work list as a row: amounts and days as they are read."""

    id: str
    amount: str
    came_in: bool
    booked_on: str
    age: int
    payer: str
    remittance: str
    matched_by: str | None
    matched_to: str | None


class Candidate(msgspec.Struct, frozen=True):
    """A notice that a receipt may pay."""

    reference: str
    party: str
    asked: str
    still_open: str
    due_on: str
    is_exact: bool


@get("/suspense", include_in_schema=False, before_request=_STAFF)
async def suspense_page(
    request: CityRequest, programme: FromQuery[str | None] = None, cursor: FromQuery[str | None] = None
) -> Response[str]:
    """List what waits to be placed in the programme, the oldest first."""
    view = await finance_view(request, programme)
    key, name = view.wiring.engine.key, f"suspense-page:{view.programme.code}"
    after = position_after(key, name, cursor, ON_A_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_items(connection, ON_A_PAGE + 1, after, view.programme.number)
        sums = await sum_items(connection, view.programme.number)
        today = await today_of(connection, view)
    page, following = cut(key, name, found, lambda one: str(one.item), ON_A_PAGE)
    return finance_page(
        request,
        view,
        "suspense",
        texts=SUSPENSE,
        items=[_line(item, view, today) for item in page],
        sums=[(count, formats.money(total, currency, view.language)) for currency, count, total in sums],
        following=following,
        is_first=cursor is None,
        may_place=prepares(view.person),
    )


@get("/suspense/{item:str}", include_in_schema=False, before_request=_STAFF)
async def suspense_item_page(
    request: CityRequest, item: FromPath[str], programme: FromQuery[str | None] = None
) -> Response[str]:
    """Show one item, and the notices that it may pay."""
    view = await finance_view(request, programme)
    return await _item_page(request, view, await _found(view, item))


@post("/suspense/{item:str}/check", include_in_schema=False, before_request=for_preparing, status_code=HTTPStatus.OK)
async def check_match(request: CityRequest, item: FromPath[str]) -> Response[str]:
    """Say what placing an item with a notice will do; nothing is done yet."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, item)
    reference = fields.get("reference", "").strip()
    if "change" in fields:
        return await _item_page(request, view, found, reference)
    notice = await _notice(view, found, reference)
    if notice is None:
        return await _item_page(request, view, found, reference, is_wrong=True)
    over_minor = max(found.amount_minor - notice.open_minor, 0)
    short_minor = max(notice.open_minor - found.amount_minor, 0)
    return finance_page(
        request,
        view,
        "suspense_check",
        texts=SUSPENSE,
        back=f"/finance/suspense/{found.item}?programme={view.programme.code}",
        item=_line(found, view, found.booked_on),
        notice=_candidate(notice, found, view),
        over=formats.money(over_minor, found.currency, view.language) if over_minor else None,
        short=formats.money(short_minor, found.currency, view.language) if short_minor else None,
    )


@post("/suspense/{item:str}", include_in_schema=False, before_request=for_preparing)
async def place_item(request: CityRequest, item: FromPath[str]) -> Response[str] | Redirect:
    """Place an item with a notice; sent twice, it is placed once."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    found = await _found(view, item)
    reference = fields.get("reference", "").strip()
    try:
        if not reference or len(reference) > 35:  # noqa: PLR2004 - as MatchSent has it
            raise NotFound("No notice has this reference.")
        await match(view.wiring.engine, view.person, found.item, reference)
    except LedgerError as error:
        refusal_in(error, view.language)
        return await _item_page(request, view, found, reference, is_wrong=True)
    return see_other(f"/finance/suspense/{found.item}?programme={view.programme.code}")


async def today_of(connection: AsyncConnection, view: FinanceView) -> date:
    """The programme's business day by the ledger's clock."""
    return view.programme.business_day(await read_clock(connection))


async def _found(view: FinanceView, item: str) -> SuspenseItem:
    """An item of the programme; raises NotFound for any other."""
    identifier: UUID | None = proposal_id(item)
    async with view.wiring.engine.pool.connection() as connection:
        found = None if identifier is None else await read_item(connection, identifier)
    if found is None or found.programme != view.programme.number:
        raise NotFound("Nothing on the work list has this id.")
    return found


async def _notice(view: FinanceView, item: SuspenseItem, reference: str) -> Notice | None:
    """The open notice that an item may pay."""
    if item.amount_minor < 0 or item.matched_by is not None:
        return None
    return next((one for one in await _notices(view, item) if one.reference == reference), None)


async def _notices(view: FinanceView, item: SuspenseItem) -> list[Notice]:
    """Open notices in the item's currency, those of the same amount first, then the oldest due."""
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_open_notices(connection, item.programme, MOST_NOTICES, item.currency)
    return sorted(found, key=lambda one: one.open_minor != item.amount_minor)


async def _item_page(
    request: CityRequest, view: FinanceView, item: SuspenseItem, reference: str = "", *, is_wrong: bool = False
) -> Response[str]:
    async with view.wiring.engine.pool.connection() as connection:
        today = await today_of(connection, view)
    may_be_placed = item.matched_by is None and item.amount_minor > 0
    notices = await _notices(view, item) if may_be_placed else []
    return finance_page(
        request,
        view,
        "suspense_item",
        texts=SUSPENSE,
        status_code=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
        back=f"/finance/suspense/{item.item}?programme={view.programme.code}",
        item=_line(item, view, today),
        candidates=[_candidate(notice, item, view) for notice in notices],
        reference=reference,
        is_wrong=is_wrong,
        may_place=may_be_placed and prepares(view.person),
        reads_only=not prepares(view.person),
    )


def _line(item: SuspenseItem, view: FinanceView, today: date) -> ItemLine:
    return ItemLine(
        id=str(item.item),
        amount=formats.money(abs(item.amount_minor), item.currency, view.language),
        came_in=item.amount_minor > 0,
        booked_on=formats.day(item.booked_on, view.language),
        age=max((today - item.booked_on).days, 0),
        payer=item.payer,
        remittance=item.remittance,
        matched_by=item.matched_by,
        matched_to=item.matched_to,
    )


def _candidate(notice: Notice, item: SuspenseItem, view: FinanceView) -> Candidate:
    partner = view.registry.partners[notice.party]
    return Candidate(
        reference=notice.reference,
        party=partner.name,
        asked=formats.money(notice.amount_minor, notice.currency, view.language),
        still_open=formats.money(notice.open_minor, notice.currency, view.language),
        due_on=formats.day(notice.due_on, view.language),
        is_exact=notice.open_minor == item.amount_minor,
    )


suspense_pages = [suspense_page, suspense_item_page, check_match, place_item]
