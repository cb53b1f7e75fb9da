"""A report as an answer: JSON, or a file under a name of its own."""

from litestar import Response

from api.schemas.fields import refuse
from settlement.reports.document import Report
from settlement.reports.rendering import FORMATS, MEDIA_TYPES, Format, render


async def report_answer(
    report: Report, format_: Format, file_name: str, *, is_download: bool = False
) -> Response[bytes]:
    """A report in a format; workbooks and PDFs come as a file, JSON where it ``is_download``. No cache keeps it."""
    headers = {"Cache-Control": "no-store"}
    if is_download or format_ != "json":
        headers["Content-Disposition"] = f'attachment; filename="{file_name}.{format_}"'
    return Response(await render(report, format_), media_type=MEDIA_TYPES[format_], headers=headers)


def report_format(sent: str) -> Format:
    """The format that was asked for; raises MalformedRequest for another."""
    found = next((known for known in FORMATS if known == sent), None)
    if found is None:
        refuse("format", repr(sent[:20]), "json, xlsx or pdf", "query")
    return found
