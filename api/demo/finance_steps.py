"""What only the demo's finance console offers: the day ends at once, and a bank answers.

The routes are there only where ``serve --demo`` has made its secret, and only for who may close days anyway.
"""

from datetime import datetime, timedelta
from pathlib import Path

import structlog
from litestar import Response, Router, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from api.demo.bank import FOLDER
from api.demo.past_days import MORNING_HOUR, let_the_bank_answer
from api.pages.finance.batches import batch_view, waits_for_bank
from api.pages.finance.finance_view import finance_view
from api.pages.frame import see_other
from api.pages.guards import for_staff, own_form
from api.pages.page_errors import PAGE_EXCEPTION_HANDLERS
from api.requests import CityRequest
from ledger.rules.business_day import first_instant_after, to_datetime, to_instant, zone
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import read_clock, run_sandbox_clock, set_sandbox_clock
from ledger.store.unit_of_work import unit_of_work
from settlement.store.money_rows import read_notices
from settlement.vocabulary import CLERK, MANAGER

_log = structlog.get_logger(__name__)


@post("/next-day", include_in_schema=False, before_request=for_staff("finance-clerk", "manager"))
async def next_day(request: CityRequest) -> Response[str] | Redirect:
    """Move the demo city's clock to the next morning, once for the day that the form names."""
    fields = await own_form(request)
    view = await finance_view(request, fields.get("programme"))
    engine = view.wiring.engine
    if not engine.ledger.is_sandbox or not engine.ledger.has_demo:
        raise NotFoundException("There is no such page.")
    async with engine.pool.connection() as connection, unit_of_work(connection):
        today = view.programme.business_day(await read_clock(connection))
        if fields.get("day") == today.isoformat():
            await set_sandbox_clock(connection, _next_morning(view.programme, await read_clock(connection)))
            await run_sandbox_clock(connection)
    return see_other(f"/finance?programme={view.programme.code}")


@post("/bank/{batch:str}", include_in_schema=False, before_request=for_staff("finance-clerk", "manager"))
async def bank_answers(request: CityRequest, batch: FromPath[str]) -> Response[str] | Redirect:
    """Take a batch's payment files to the demo's bank, and import its answers as the person who asks for them."""
    await own_form(request)
    view, found = await batch_view(request, batch)
    view.person.refuse_without(CLERK, MANAGER)
    async with view.wiring.engine.pool.connection() as connection:
        notices = await read_notices(connection, found.id)
    if not waits_for_bank(found, notices):
        return see_other(f"/finance/batches/{found.id}")
    data_directory: Path = request.app.state.data_directory
    outcomes = await let_the_bank_answer(view.wiring.engine, view.person, data_directory / FOLDER, [found.id])
    _log.info("demo_bank_answered", batch=found.id, files=len(outcomes))
    return see_other(f"/finance/batches/{found.id}")


def _next_morning(programme: Programme, now: int) -> int:
    """The first morning hour after the day that is open now has ended; microseconds."""
    ends = first_instant_after(programme.business_day(now), programme.zone, programme.cut_off_minutes)
    local = to_datetime(ends).astimezone(zone(programme.zone))
    morning = datetime(local.year, local.month, local.day, MORNING_HOUR, tzinfo=local.tzinfo)
    return to_instant(morning if morning >= local else morning + timedelta(days=1))


demo_finance_router = Router(
    "/demo-finance",
    route_handlers=[next_day, bank_answers],
    exception_handlers=PAGE_EXCEPTION_HANDLERS,
)
"""The demo's own steps, beside the finance console's."""
