"""Reports as bytes in a format, off the event loop: a long workbook or PDF keeps no request waiting."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Literal, TypeVar, get_args

from settlement.reports.document import Report
from settlement.reports.render_json import render_json
from settlement.reports.render_pdf import render_pdf
from settlement.reports.render_xlsx import write_xlsx

T = TypeVar("T")

Format = Literal["json", "xlsx", "pdf"]

FORMATS: tuple[Format, ...] = get_args(Format)
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}

_AT_ONCE = 500


async def render(report: Report, wanted: Format) -> bytes:
    """Write a report; its rows are read in another thread."""
    return await asyncio.to_thread(_render, report, wanted)


def from_loop(source: AsyncIterator[T]) -> Iterator[T]:
    """What an asynchronous source gives, for a thread that the running loop waits for; call it in the loop."""
    loop = asyncio.get_running_loop()

    async def next_few() -> list[T]:
        few: list[T] = []
        async for one in source:
            few.append(one)
            if len(few) == _AT_ONCE:
                break
        return few

    def read() -> Iterator[T]:
        while few := asyncio.run_coroutine_threadsafe(next_few(), loop).result():
            yield from few

    return read()


def _render(report: Report, wanted: Format) -> bytes:
    if wanted == "json":
        return render_json(report)
    if wanted == "pdf":
        return render_pdf(report)
    out = BytesIO()
    write_xlsx(report, out)
    return out.getvalue()
