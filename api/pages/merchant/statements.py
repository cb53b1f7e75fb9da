"""Statements of settlement batches that concern the partner: listed, read on a page, downloaded."""

from collections.abc import Sequence

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery

from api.pages import formats
from api.pages.guards import for_merchants
from api.pages.merchant.merchant_view import MerchantView, merchant_page, merchant_view
from api.pages.merchant.statement_texts import STATEMENTS
from api.pages.statement_files import statement_file, statement_of
from api.pages_of_lists import cut, position_after
from api.requests import CityRequest
from settlement.reports.document import FIGURES, Fact, Report, Row, Table, on_paper
from settlement.reports.rendering import FORMATS
from settlement.reports.written_values import as_written
from settlement.store.party_rows import PartyBatch, list_party_batches, read_open_money

ADDRESS = "/merchant/statements"
BATCHES_PER_PAGE = 30
_SHOWN_LARGE = ("opening", "net", "closing")


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in the list: ``net_name`` is the key of whose the net is, ``money_name`` that of the payment's state."""

    batch: str
    days: str
    programme: str
    net: str
    net_name: str
    money_name: str | None
    money: str
    due: str


class _Cells(msgspec.Struct, frozen=True, kw_only=True):
    """A table of the report with its cells as a reader sees them."""

    heading: str
    columns: list[tuple[str, bool]]
    rows: list[list[str]]
    totals: list[list[str]]


@get("/statements", include_in_schema=False, before_request=for_merchants)
async def statements_page(request: CityRequest, cursor: FromQuery[str | None] = None) -> Response[str]:
    """List what was settled with the partner, and say what is still to be paid."""
    view = await merchant_view(request)
    key, name, number = view.wiring.engine.key, f"own-statements:{view.partner.number}", view.partner.number
    after = position_after(key, name, cursor, BATCHES_PER_PAGE)
    async with view.wiring.engine.pool.connection() as connection:
        found = await list_party_batches(connection, number, after=after, limit=BATCHES_PER_PAGE + 1)
        still = await read_open_money(connection, number)
    page, following = cut(key, name, found, lambda one: one.batch, BATCHES_PER_PAGE)
    return merchant_page(
        request,
        view,
        "statements",
        texts=STATEMENTS,
        rows=[_row(view, one) for one in page if one.concerns_party],
        still=[
            (one, None if one.due_on is None else formats.day(one.due_on, view.language))
            for one in still
            if one.to_party_minor or one.by_party_minor
        ],
        is_first=cursor is None and following is None,
        newest=None if cursor is None else ADDRESS,
        following=None if following is None else f"cursor={following}",
    )


@get("/statements/{batch:str}", include_in_schema=False, before_request=for_merchants)
async def statement_page(request: CityRequest, batch: FromPath[str]) -> Response[str]:
    """Show the partner's own statement of a batch; raises NotFound for one that it may not know of."""
    view = await merchant_view(request)
    report = await statement_of(request, batch, view.partner.code)
    return merchant_page(
        request,
        view,
        "statement",
        texts=STATEMENTS,
        batch=batch,
        title=report.title,
        large=[(fact.label, _written(report, fact)) for fact in report.facts if fact.key in _SHOWN_LARGE],
        facts=[(fact.label, _written(report, fact)) for fact in report.facts if fact.key not in _SHOWN_LARGE],
        tables=[_cells(report, table) for table in report.tables],
        notes=report.notes,
        forms=FORMATS,
    )


@get("/statements/{batch:str}/{form:str}", include_in_schema=False, before_request=for_merchants)
async def download_statement(request: CityRequest, batch: FromPath[str], form: FromPath[str]) -> Response[bytes]:
    """The same statement as PDF, workbook or JSON, in the reader's language."""
    view = await merchant_view(request)
    return await statement_file(request, batch, view.partner.code, form)


def _row(view: MerchantView, one: PartyBatch) -> _Row:
    programme = view.registry.programme_numbered(one.programme)
    net_minor = one.net_minor or 0
    days = [formats.day(day, view.language) for day in dict.fromkeys((one.first_day, one.last_day))]
    name, money, due = None, "", ""
    if one.payment_minor is not None:
        name = f"payment_{one.payment_state}"
        money = formats.money(one.payment_minor, one.payment_currency or "", view.language)
    elif one.notice_minor is not None and one.notice_due_on is not None:
        name = f"notice_{one.notice_state}"
        money = formats.money(one.notice_minor, one.notice_currency or "", view.language)
        due = formats.day(one.notice_due_on, view.language) if one.notice_state == "open" else ""
    return _Row(
        batch=one.batch,
        days=" – ".join(days),
        programme=programme.code,
        net=formats.money(abs(net_minor), programme.currency, view.language),
        net_name="in_favour" if net_minor > 0 else "against" if net_minor < 0 else "even",
        money_name=name,
        money=money,
        due=due,
    )


def _written(report: Report, fact: Fact) -> str:
    return as_written(fact.value, fact.form, report.time_zone)


def _cells(report: Report, table: Table) -> _Cells:
    shown = on_paper(table)
    forms = [column.form for column in shown.columns]

    def written(rows: Sequence[Row]) -> list[list[str]]:
        return [
            [as_written(value, form, report.time_zone) for value, form in zip(row, forms, strict=True)] for row in rows
        ]

    return _Cells(
        heading=shown.heading,
        columns=[(column.heading, column.form.kind in FIGURES) for column in shown.columns],
        rows=written(list(shown.rows)),
        totals=written(shown.totals),
    )
