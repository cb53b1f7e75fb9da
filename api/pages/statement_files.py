"""A party's statement of a batch as a file, in the reader's language: for the party itself and for finance."""

from litestar import Response

from api.pages.frame import language_of
from api.party_statements import drawing_of, party_of
from api.requests import CityRequest
from ledger.errors import MalformedRequest
from settlement.reports.document import Report
from settlement.reports.rendering import FORMATS, MEDIA_TYPES, render
from settlement.reports.statement import statement_report
from settlement.reports.texts import LANGUAGE_TAGS


async def statement_of(request: CityRequest, batch: str, party: str) -> Report:
    """The statement; raises NotFound for a batch or party that the reader may not know of."""
    chosen = language_of(request)
    language = next(known for known in LANGUAGE_TAGS if known == chosen)
    async with drawing_of(request, batch, language) as drawing:
        return await statement_report(drawing, party_of(request, drawing, party))


async def statement_file(request: CityRequest, batch: str, party: str, form: str) -> Response[bytes]:
    """The statement as PDF, workbook or JSON; raises MalformedRequest for any other form."""
    wanted = next((known for known in FORMATS if known == form), None)
    if wanted is None:
        raise MalformedRequest("form: wanted is json, xlsx or pdf.", field="form", got=form[:20])
    content = await render(await statement_of(request, batch, party), wanted)
    return Response(
        content,
        media_type=MEDIA_TYPES[wanted],
        headers={
            "Content-Disposition": f'attachment; filename="{batch}-{party}.{wanted}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )
