"""Reports on a settlement batch, as JSON, workbook or PDF; a partner reads its own statement."""

from datetime import date
from typing import Annotated

from litestar import Response, get
from litestar.params import PathParameter, QueryParameter

from api.access import for_roles, for_staff_and_partners
from api.pages_of_lists import next_link
from api.party_statements import drawing_of, party_of
from api.posting_answers import JSON
from api.report_answers import report_answer, report_format
from api.requests import CityRequest
from api.routes.declarations import READ_PROBLEMS, CodePath, CursorQuery, LimitQuery, answers
from api.schemas.fields import refuse
from api.schemas.reports import ReportAnswer
from api.settlement_access import FINANCE
from api.wiring import Wiring, wiring_of
from ledger.errors import NotFound
from ledger.reading.cursors import DEFAULT_LIMIT, PagedList, read_cursor, refuse_limit, write_cursor
from settlement.reports.catalogue import REPORTS
from settlement.reports.drawing import Drawing
from settlement.reports.line_transactions import find_entry, line_report
from settlement.reports.render_json import render_json
from settlement.reports.rendering import FORMATS, from_loop
from settlement.reports.statement import statement_report
from settlement.reports.statement_lines import Entry, line_postings
from settlement.reports.texts import LANGUAGE_TAGS, Language
from settlement.store.report_rows import LinePosting

LanguageQuery = Annotated[
    str, QueryParameter(name="language", description="`zh` or `en`.", schema_extra={"enum": list(LANGUAGE_TAGS)})
]
FormatQuery = Annotated[
    str,
    QueryParameter(name="format", description="`json`, `xlsx` or `pdf`.", schema_extra={"enum": list(FORMATS)}),
]
SinceQuery = Annotated[
    date | None,
    QueryParameter(
        name="since",
        required=False,
        description="Business day from which `roll-forward` and `breakage` begin; they end with the batch.",
    ),
]
NamePath = Annotated[str, PathParameter(description="The report.", schema_extra={"enum": list(REPORTS)})]
LinePath = Annotated[int, PathParameter(description="The line's number on the statement, from 1.")]

_PROBLEMS = (*READ_PROBLEMS, "not-found")


@get(
    "/v1/settlement-batches/{batch:str}/reports/{name:str}",
    before_request=for_roles(*FINANCE),
    operation_id="getSettlementReport",
    summary="Report on a batch",
    tags=["Settlement"],
    responses=answers(200, ReportAnswer, "The report.", *_PROBLEMS),
)
async def get_report(
    request: CityRequest,
    batch: CodePath,
    name: NamePath,
    language: LanguageQuery = "zh",
    format_: FormatQuery = "json",
    since: SinceQuery = None,
) -> Response[bytes]:
    """`roll-forward`, `reserve-proof` and `breakage` are the batch's; the others are of now.

    As JSON in this form; `format` gives a workbook or a PDF in its place.
    """
    make = REPORTS.get(name)
    if make is None:
        raise NotFound("No report has this name.")
    async with drawing_of(request, batch, _language(language), since) as drawing:
        report = await make(drawing)
    return await report_answer(report, report_format(format_), f"{batch}-{name}")


@get(
    "/v1/settlement-batches/{batch:str}/statements/{party:str}",
    before_request=for_staff_and_partners,
    operation_id="getSettlementStatement",
    summary="Read a party's statement",
    tags=["Settlement"],
    responses=answers(200, ReportAnswer, "The statement.", *_PROBLEMS),
)
async def get_party_statement(
    request: CityRequest,
    batch: CodePath,
    party: CodePath,
    language: LanguageQuery = "zh",
    format_: FormatQuery = "json",
) -> Response[bytes]:
    """Opening, every line with points, price, amount and VAT, net and closing; a partner's key reads its own.

    As JSON in this form; `format` gives a workbook or a PDF in its place.
    """
    async with drawing_of(request, batch, _language(language)) as drawing:
        report = await statement_report(drawing, party_of(request, drawing, party))
    return await report_answer(report, report_format(format_), f"{batch}-statement-{party}")


@get(
    "/v1/settlement-batches/{batch:str}/statements/{party:str}/lines/{number:int}/transactions",
    before_request=for_staff_and_partners,
    operation_id="listTransactionsOfStatementLine",
    summary="List the transactions behind a line",
    tags=["Settlement"],
    responses=answers(200, ReportAnswer, "A page.", *_PROBLEMS, "malformed-cursor"),
)
async def get_line_transactions(
    request: CityRequest,
    batch: CodePath,
    party: CodePath,
    number: LinePath,
    language: LanguageQuery = "zh",
    format_: FormatQuery = "json",
    cursor: CursorQuery = None,
    limit: LimitQuery = DEFAULT_LIMIT,
) -> Response[bytes]:
    """In pages as JSON, whole as a workbook. Members are not named."""
    refuse_limit(limit)
    wiring = wiring_of(request)
    async with drawing_of(request, batch, _language(language)) as drawing:
        partner = party_of(request, drawing, party)
        entry = find_entry(drawing, partner, number)
        if entry is None:
            raise NotFound("The statement has no such line.")
        if format_ != "json":
            report = line_report(drawing, partner, entry, from_loop(line_postings(drawing, entry)))
            return await report_answer(report, report_format(format_), f"{batch}-statement-{party}-{number}")
        paged = PagedList("line-transactions", (batch, party, number))
        page, next_cursor = await _page(wiring, drawing, entry, paged, cursor, limit)
    content = render_json(line_report(drawing, partner, entry, page), next_cursor)
    return Response(content, media_type=JSON, headers=next_link(request, next_cursor))


async def _page(
    wiring: Wiring, drawing: Drawing, entry: Entry, paged: PagedList, cursor: str | None, limit: int
) -> tuple[list[LinePosting], str | None]:
    after = None if cursor is None else read_cursor(wiring.engine.key, paged, cursor)
    place = (-1, 0, 0) if after is None else (int(after[0]), int(after[1]), int(after[2]))
    found: list[LinePosting] = []
    async for posting in line_postings(drawing, entry, place, page=limit + 1):
        found.append(posting)
        if len(found) > limit:
            break
    page = found[:limit]
    if len(found) <= limit:
        return page, None
    last = page[-1]
    return page, write_cursor(wiring.engine.key, paged, (last.lane, last.sequence, last.line))


def _language(sent: str) -> Language:
    found = next((language for language in LANGUAGE_TAGS if language == sent), None)
    if found is None:
        refuse("language", repr(sent[:20]), "zh or en", "query")
    return found


report_routes = [get_report, get_party_statement, get_line_transactions]
