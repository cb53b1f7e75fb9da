"""Reports on a batch as pages: a chart, the tables of the same figures, and the files to take away."""

from datetime import date
from http import HTTPStatus
from urllib.parse import urlencode

import msgspec
from litestar import Response, get
from litestar.params import FromPath, FromQuery
from psycopg import AsyncConnection

from api.pages.finance.batch_texts import STATES
from api.pages.finance.finance_view import FinanceView, finance_page, finance_view
from api.pages.finance.report_charts import chart_of, with_rows
from api.pages.finance.report_texts import REPORTS_PAGE
from api.pages.guards import FINANCE_READERS, for_staff
from api.pages.texts import in_language
from api.report_answers import report_answer, report_format
from api.requests import CityRequest
from api.schemas.fields import FIRST_YEAR, LAST_YEAR, refuse
from ledger.errors import NotFound
from settlement.batches import Batch
from settlement.reports.catalogue import REPORTS
from settlement.reports.document import FIGURES, Report, Row, Table, on_paper
from settlement.reports.drawing import draw
from settlement.reports.texts import LANGUAGE_TAGS, Language, text
from settlement.reports.written_values import as_written
from settlement.store.batch_rows import list_batches, read_batch

MOST_BATCHES = 90
"""How many batches the choice offers, the last first; an older one is named in the address."""

MOST_ROWS = 300
"""How many rows of a table a page shows; the workbook has all."""


class _Cell(msgspec.Struct, frozen=True):
    shown: str
    is_figure: bool


class ShownTable(msgspec.Struct, frozen=True):
    """A table as it stands on a page."""

    key: str
    heading: str
    columns: tuple[_Cell, ...]
    rows: tuple[tuple[_Cell, ...], ...]
    totals: tuple[tuple[_Cell, ...], ...]
    is_cut: bool


class _Chosen(msgspec.Struct, frozen=True):
    """A batch of the programme and the day to begin with, which is wrong where it ``is_wrong``."""

    batch: Batch
    since: date | None
    sent: str
    is_wrong: bool = False

    @property
    def query(self) -> dict[str, str]:
        return {"batch": self.batch.id} | ({"since": self.since.isoformat()} if self.since else {})


@get("/reports", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def reports_page(
    request: CityRequest,
    programme: FromQuery[str | None] = None,
    batch: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
) -> Response[str]:
    """Offer every report on a batch, the last one where none is named."""
    view = await finance_view(request, programme)
    async with view.wiring.engine.pool.connection() as connection:
        offered = await list_batches(connection, view.programme.number, MOST_BATCHES)
        chosen = await _choose(connection, view, offered, batch, since)
    return finance_page(
        request,
        view,
        "reports",
        texts=REPORTS_PAGE,
        status_code=HTTPStatus.BAD_REQUEST if chosen is not None and chosen.is_wrong else HTTPStatus.OK,
        chosen=chosen,
        batches=_offered(offered, chosen, view),
        names=[(name, _label(view, f"title_{name}")) for name in REPORTS],
        query="" if chosen is None else _query(view, chosen),
    )


@get("/reports/{name:str}", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def report_page(
    request: CityRequest,
    name: FromPath[str],
    programme: FromQuery[str | None] = None,
    batch: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
) -> Response[str]:
    """Show a report: its chart, and its tables with the same figures. Raises NotFound for an unknown one."""
    view = await finance_view(request, programme)
    async with view.wiring.engine.pool.connection() as connection:
        offered = await list_batches(connection, view.programme.number, MOST_BATCHES)
        chosen = await _choose(connection, view, offered, batch, since)
        if chosen is None:
            raise NotFound("No report has this name, or there is no batch yet.")
        report = await _report(connection, view, chosen, name)
    return finance_page(
        request,
        view,
        "report",
        texts=REPORTS_PAGE,
        status_code=HTTPStatus.BAD_REQUEST if chosen.is_wrong else HTTPStatus.OK,
        chosen=chosen,
        batches=_offered(offered, chosen, view),
        name=name,
        report=report,
        facts=[(fact.label, as_written(fact.value, fact.form, report.time_zone)) for fact in report.facts],
        tables=[_shown(table, report) for table in report.tables],
        chart=chart_of(report),
        query=_query(view, chosen),
    )


@get("/reports/{name:str}/file", include_in_schema=False, before_request=for_staff(*FINANCE_READERS))
async def report_file(
    request: CityRequest,
    name: FromPath[str],
    batch: FromQuery[str],
    programme: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    format: FromQuery[str] = "xlsx",  # noqa: A002 - as the address has it
) -> Response[bytes]:
    """The report as a file in the reader's language; raises NotFound, and MalformedRequest for another format."""
    view = await finance_view(request, programme)
    wanted = report_format(format)
    async with view.wiring.engine.pool.connection() as connection:
        chosen = await _choose(connection, view, [], batch, since)
        if chosen is None:
            raise NotFound("No report has this name, or there is no batch yet.")
        if chosen.is_wrong:
            refuse("since", repr(chosen.sent[:20]), "a day up to the batch's last one", "query")
        report = await _report(connection, view, chosen, name)
    return await report_answer(report, wanted, f"{chosen.batch.id}-{name}", is_download=True)


async def _report(connection: AsyncConnection, view: FinanceView, chosen: _Chosen, name: str) -> Report:
    make = REPORTS.get(name)
    if make is None:
        raise NotFound("No report has this name.")
    drawing = await draw(connection, view.registry, chosen.batch, language_in(view), chosen.since)
    report = await make(drawing)
    return msgspec.structs.replace(report, tables=tuple(with_rows(table) for table in report.tables))


async def _choose(
    connection: AsyncConnection,
    view: FinanceView,
    offered: list[tuple[str, str]],
    name: str | None,
    since: str | None,
) -> _Chosen | None:
    """The batch that is named, or the last that was not cancelled; None where there is none.

    Raises NotFound for a name that is no batch of the programme.
    """
    if not name:
        name = next((batch for batch, state in offered if state != "cancelled"), None)
        if name is None:
            return None
    batch = await read_batch(connection, name)
    if batch is None or batch.programme != view.programme.number:
        raise NotFound("The programme has no settlement batch of this name.")
    sent = (since or "").strip()
    day = _day(sent)
    is_wrong = bool(sent) and (day is None or day > batch.last_day)
    return _Chosen(batch, None if is_wrong else day, sent, is_wrong)


def language_in(view: FinanceView) -> Language:
    """The reader's language as reports name it."""
    return next(language for language in LANGUAGE_TAGS if language == view.language)


def _label(view: FinanceView, key: str) -> str:
    return text(key, language_in(view))


def _offered(offered: list[tuple[str, str]], chosen: _Chosen | None, view: FinanceView) -> list[tuple[str, str]]:
    """Batches to choose from with their states; the chosen one is among them, however old it is."""
    if chosen is not None and chosen.batch.id not in dict(offered):
        offered = [*offered, (chosen.batch.id, chosen.batch.state)]
    states = in_language(STATES, view.language)
    return [(name, states[f"state_{state}"]) for name, state in offered]


def _query(view: FinanceView, chosen: _Chosen) -> str:
    return urlencode({"programme": view.programme.code, **chosen.query})


def _day(sent: str) -> date | None:
    try:
        found = date.fromisoformat(sent)
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None


def _shown(table: Table, report: Report) -> ShownTable:
    paper = with_rows(on_paper(table))
    forms = [column.form for column in paper.columns]

    def written(row: Row) -> tuple[_Cell, ...]:
        return tuple(
            _Cell(as_written(value, form, report.time_zone), form.kind in FIGURES)
            for value, form in zip(row, forms, strict=True)
        )

    rows = tuple(paper.rows)
    return ShownTable(
        key=paper.key,
        heading=paper.heading,
        columns=tuple(_Cell(column.heading, column.form.kind in FIGURES) for column in paper.columns),
        rows=tuple(written(row) for row in rows[:MOST_ROWS]),
        totals=tuple(written(row) for row in paper.totals),
        is_cut=len(rows) > MOST_ROWS,
    )


report_pages = [reports_page, report_page, report_file]
