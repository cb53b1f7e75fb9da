"""The first page of the merchant console: what was posted today, by the hour, and the latest transactions."""

from collections.abc import Mapping, Sequence

import msgspec
from litestar import Response, get
from litestar.params import FromQuery

from api.pages.guards import for_merchants
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.today_texts import TODAY
from api.pages.merchant.transaction_lines import read_lines
from api.requests import CityRequest
from ledger.errors import ProgrammeNotFound
from ledger.reading.partner_transactions import HourOfKind, find_partner_places, read_hours
from ledger.rules.business_day import MICROSECONDS_PER_DAY, civil_day, end_of_day
from ledger.rules.journal import TransactionKind
from ledger.rules.programmes import Programme
from ledger.store.ledger_row import read_clock
from settlement.store.party_rows import read_open_money

LATEST = 8
CHART_WIDTH, CHART_HEIGHT = 720, 120

_HOURS = 24
_ISSUED = frozenset({TransactionKind.EARN})
_ACCEPTED = frozenset({TransactionKind.REDEEM, TransactionKind.CAPTURE})
_REVERSED = frozenset({TransactionKind.REVERSE})


class Hour(msgspec.Struct, frozen=True, kw_only=True):
    """What an hour of the day came to."""

    hour: int
    issued: int
    accepted: int
    reversed: int
    transactions: int


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A bar of the chart, in the units of its drawing."""

    x: int
    y: int
    width: int
    height: int


@get("/", include_in_schema=False, before_request=for_merchants)
async def today_page(request: CityRequest, programme: FromQuery[str | None] = None) -> Response[str]:
    """Show the day so far in one of the partner's programmes."""
    view = await merchant_view(request)
    shown = _programme(view, programme)
    if shown is None:
        return merchant_page(request, view, "today", texts=TODAY, programme=None, programmes=[], zone=None)
    number = view.partner.number
    async with view.wiring.engine.pool.connection() as connection:
        now = await read_clock(connection)
        begin, end = _day(now, shown.zone)
        hours = hours_of(await read_hours(connection, number, shown.number, shown.zone, begin, end))
        latest = await find_partner_places(connection, view.wiring.engine.key, number, limit=LATEST)
        lines = await read_lines(connection, view, latest.places)
        still = await read_open_money(connection, number)
    return merchant_page(
        request,
        view,
        "today",
        texts=TODAY,
        programme=shown.code,
        programmes=[one.code for one in view.programmes],
        zone=shown.zone,
        day=view.moment(now, shown.code),
        total=_total(hours),
        hours=[hour for hour in hours if hour.transactions],
        bars=bars_of(hours),
        chart=(CHART_WIDTH, CHART_HEIGHT),
        still=still,
        lines=lines,
    )


def hours_of(found: Sequence[HourOfKind]) -> list[Hour]:
    """All hours of a day, also those in which nothing was posted."""

    def points(hour: int, kinds: frozenset[TransactionKind]) -> int:
        return sum(one.points for one in found if one.hour == hour and one.kind in kinds)

    return [
        Hour(
            hour=hour,
            issued=points(hour, _ISSUED),
            accepted=points(hour, _ACCEPTED),
            reversed=points(hour, _REVERSED),
            transactions=sum(one.transactions for one in found if one.hour == hour),
        )
        for hour in range(_HOURS)
    ]


def bars_of(hours: Sequence[Hour]) -> list[Bar]:
    """The bars of the hours' transactions, the highest as high as the drawing."""
    most = max((hour.transactions for hour in hours), default=0)
    step = CHART_WIDTH // _HOURS
    bars = []
    for hour in hours:
        height = round(hour.transactions * CHART_HEIGHT / most) if most else 0
        height = max(height, 2) if hour.transactions else 0
        bars.append(Bar(x=hour.hour * step + 3, y=CHART_HEIGHT - height, width=step - 6, height=height))
    return bars


def _total(hours: Sequence[Hour]) -> Mapping[str, int]:
    names = ("issued", "accepted", "reversed", "transactions")
    return {name: sum(getattr(hour, name) for hour in hours) for name in names}


def _programme(view: MerchantView, code: str | None) -> Programme | None:
    """The programme asked for, or the first; raises ProgrammeNotFound for one that the partner is not in."""
    found = next((one for one in view.programmes if code in {None, one.code}), None)
    if found is None and code is not None:
        raise ProgrammeNotFound("You take part in no programme of this code.")
    return found


def _day(now: int, zone_name: str) -> tuple[int, int]:
    """The first instant of the calendar day in a zone, and the first after it."""
    day = civil_day(now, zone_name)
    end = end_of_day(day, zone_name)
    begin = end - MICROSECONDS_PER_DAY
    return (end_of_day(civil_day(begin - MICROSECONDS_PER_DAY // 2, zone_name), zone_name), end)
