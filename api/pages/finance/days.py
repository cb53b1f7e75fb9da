"""The first page of the finance console: the latest days, the one next thing to do, and closing a day."""

import secrets
from datetime import date, timedelta
from http import HTTPStatus

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from psycopg import AsyncConnection

from api.demo.finance_texts import DEMO_FINANCE
from api.pages import formats
from api.pages.finance.batch_texts import STATES
from api.pages.finance.day_texts import DAYS
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.refusals import taken
from api.pages.frame import see_other
from api.pages.guards import FINANCE_READERS, for_staff, own_form
from api.requests import CityRequest
from api.settlement_steps import close_day_once
from ledger.errors import NotFound
from ledger.rules.business_day import first_instant_after
from ledger.store.ledger_row import read_clock
from settlement.next_steps import NextStep, OpenBatch, may_take, next_step
from settlement.store.batch_rows import read_batch, read_waiting_days
from settlement.store.day_rows import ClosedDay, list_days, read_last_day
from settlement.store.money_rows import list_unfinished
from settlement.store.review_rows import list_open_heads
from settlement.vocabulary import FAILED_PAYMENTS

PAGE_DAYS = 14
KEY_BYTES = 18


class DayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A day as the table shows it; ``state`` is the key of what is said of it, instants are microseconds."""

    day: date
    state: str
    cut_off_at: int
    can_close: bool = False
    closed_by: str | None = None
    batch: str | None = None


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a programme's days stand: those that are open, the oldest first, and what of them can be closed."""

    open_days: tuple[date, ...]
    closable: date | None
    today: date
    never_closed: bool


@get("/", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def days_page(
    request: CityRequest,
    programme: FromQuery[str | None] = None,
    before: FromQuery[str | None] = None,
    closed: FromQuery[str | None] = None,
) -> Response[str]:
    """Show the next thing to do and the latest days; with ``before``, older closed days alone."""
    view = await finance_view(request, programme)
    after = _day(before)
    async with view.wiring.engine.pool.connection() as connection:
        standing = await standing_of(connection, view)
        days = await list_days(
            connection, view.programme.number, PAGE_DAYS + 1, None if after is None else after.isoformat()
        )
        step = await _next(connection, view, standing)
        now = await read_clock(connection)
    page = days[:PAGE_DAYS]
    just_closed = _day(closed)
    open_days = standing.open_days[:PAGE_DAYS]
    return finance_page(
        request,
        view,
        "days",
        texts={**DAYS, **STATES, **DEMO_FINANCE},
        step=None if after else step,
        said=_said(view, step),
        open_rows=[] if after else [_open_row(view, standing, one) for one in reversed(open_days)],
        more_open=0 if after else len(standing.open_days) - len(open_days),
        rows=[_closed_row(one) for one in page],
        older=page[-1].day.isoformat() if len(days) > PAGE_DAYS else None,
        is_first=after is None,
        never_closed=standing.never_closed,
        demo_moment=view.moment(now) if after is None and has_demo_steps(request, view) else None,
        today=standing.today,
        closed=just_closed if just_closed and any(one.day == just_closed for one in page) else None,
    )


@get("/days/{day:str}/close", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def ask_close_page(
    request: CityRequest, day: FromPath[str], programme: FromQuery[str | None] = None
) -> Response[str]:
    """Say what closing a day will do, and ask for it."""
    view = await finance_view(request, programme)
    return _ask(request, view, _own_day(day))


@post("/days/{day:str}/close", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def close_day_form(request: CityRequest, day: FromPath[str]) -> Response[str] | Redirect:
    """Close a day; one that is closed already stays as it is."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    of_day = _own_day(day)
    refused = await taken(view, lambda: close_day_once(request, fields.get("key", ""), view.programme.code, of_day))
    if refused is not None:
        return _ask(request, view, of_day, refused.status, refused.sentence)
    return see_other(f"/finance?programme={view.programme.code}&closed={of_day.isoformat()}")


def has_demo_steps(request: CityRequest, view: FinanceView) -> bool:
    """Whether the demo's own steps are there for who looks: in a demo whose clock can be moved."""
    is_demo = request.app.state.site.demo_sign_in and view.wiring.engine.ledger.has_demo
    return bool(is_demo) and view.wiring.engine.ledger.is_sandbox and may_take(view.person, "close-day")


async def standing_of(connection: AsyncConnection, view: FinanceView) -> Standing:
    """Where the days of a programme stand now; before the first closing, it begins with the last day that is over."""
    programme = view.programme
    last = await read_last_day(connection, programme.number)
    today = programme.business_day(await read_clock(connection))
    first = today - timedelta(days=1) if last is None else last + timedelta(days=1)
    open_days = tuple(first + timedelta(days=number) for number in range((today - first).days + 1))
    return Standing(
        open_days=open_days, closable=first if first < today else None, today=today, never_closed=last is None
    )


async def _next(connection: AsyncConnection, view: FinanceView, standing: Standing) -> NextStep:
    programme = view.programme.number
    waiting = await read_waiting_days(connection, programme, standing.today)
    batches = []
    for head in await list_open_heads(connection, programme):
        prepared: frozenset[str] = frozenset()
        if head.state == "submitted" and (found := await read_batch(connection, head.id)) is not None:
            prepared = found.prepared_by
        batches.append(OpenBatch(head.id, head.state, prepared))
    coming = standing.open_days[0] if standing.open_days else standing.today
    came_back = await list_unfinished(connection, programme, sorted(FAILED_PAYMENTS), 1)
    batch = came_back[0][0].batch if came_back else None
    return next_step(view.person, batches, standing.closable, waiting, coming, came_back=batch)


def _said(view: FinanceView, step: NextStep) -> dict[str, str]:
    """What the texts about the next step name."""
    said = {"batch": step.batch or ""}
    if step.day is not None:
        said["day"] = formats.day(step.day, view.language)
        said["moment"] = formats.moment(_cut_off(view, step.day), view.programme.zone, view.language)
    return said


def _open_row(view: FinanceView, standing: Standing, day: date) -> DayRow:
    state = "day_open" if day >= standing.today else "day_closable"
    if state == "day_closable" and day != standing.closable:
        state = "day_waits_before"
    can_close = day == standing.closable and may_take(view.person, "close-day")
    return DayRow(day=day, state=state, cut_off_at=_cut_off(view, day), can_close=can_close)


def _closed_row(closed: ClosedDay) -> DayRow:
    return DayRow(
        day=closed.day,
        state="day_closed",
        cut_off_at=closed.cut_off_at,
        closed_by=closed.closed_by,
        batch=closed.batch,
    )


def _cut_off(view: FinanceView, day: date) -> int:
    return first_instant_after(day, view.programme.zone, view.programme.cut_off_minutes)


def _ask(
    request: CityRequest, view: FinanceView, day: date, status: int = HTTPStatus.OK, refusal: str | None = None
) -> Response[str]:
    return finance_page(
        request,
        view,
        "close_day",
        texts={**DAYS, **REFUSALS},
        status_code=status,
        back=f"/finance?programme={view.programme.code}",
        day=day,
        cut_off_at=_cut_off(view, day),
        may=may_take(view.person, "close-day"),
        refusal=refusal,
        key=secrets.token_urlsafe(KEY_BYTES),
    )


def _day(text: str | None) -> date | None:
    """A day of an address; None for none, and for what is no day."""
    try:
        return None if text is None else date.fromisoformat(text)
    except ValueError:
        return None


def _own_day(text: str) -> date:
    found = _day(text)
    if found is None or not 2000 <= found.year <= 2999:  # noqa: PLR2004 - as the ledger's other dates
        raise NotFound("There is no such day.")
    return found
