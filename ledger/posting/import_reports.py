"""The lines of an import that were not posted, or not whole, as a CSV file to be corrected and sent again."""

import csv
import io
from collections.abc import AsyncIterator
from uuid import UUID

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.store.imports import read_line_reports

REPORT_COLUMNS = ("line", "outcome", "code", "detail", "content")
LINES_PER_PAGE = 1000


async def report_csv(pool: AsyncConnectionPool[AsyncConnection], import_id: UUID) -> AsyncIterator[str]:
    """Write an import's reports as CSV (RFC 4180, in UTF-8), page by page, in the order of lines."""
    yield _csv([REPORT_COLUMNS])
    after_line = 0
    while True:
        async with pool.connection() as connection:
            page = await read_line_reports(connection, import_id, after_line=after_line, limit=LINES_PER_PAGE)
        if not page:
            return
        yield _csv([(str(r.line), r.outcome, r.code, r.detail, r.content) for r in page])
        after_line = page[-1].line


def _csv(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
