"""``citypoints settle report``: what a batch means, as JSON, workbook or PDF."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, NoReturn

import typer

from api.cli.output import fail

if TYPE_CHECKING:
    from datetime import date

    from ledger.posting.engine import Engine
    from settlement.reports.document import Report
    from settlement.reports.drawing import Drawing
    from settlement.reports.rendering import Format
    from settlement.reports.texts import Language

STATEMENT = "statement"
STDOUT = "-"

_NAMES = "statement, trial-balance, roll-forward, ageing, reserve-proof, breakage or shortfalls"


def report(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"One of {_NAMES}.")],
    *,
    batch: Annotated[str, typer.Option(metavar="BATCH", help="The batch's name, such as CITY-20261123-1.")],
    party: Annotated[str | None, typer.Option(metavar="CODE", help="Whose statement.")] = None,
    line: Annotated[int | None, typer.Option(help="Of a statement: the transactions behind this line.")] = None,
    since: Annotated[str | None, typer.Option(metavar="DATE", help="Roll-forward, breakage: from this day on.")] = None,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
    format_: Annotated[str, typer.Option("--format", help="pdf, xlsx or json.")] = "pdf",
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Where to; - is standard output.")] = None,
) -> None:
    """Write a report on a batch into a file; JSON goes to standard output where no file is named."""
    from api.cli.installation import run_with_engine
    from api.cli.settling import day_of
    from settlement.reports.catalogue import REPORTS
    from settlement.reports.rendering import FORMATS
    from settlement.reports.texts import LANGUAGE_TAGS

    if name not in (STATEMENT, *REPORTS):
        _refuse("NAME", name, (STATEMENT, *REPORTS))
    if (name == STATEMENT) != (party is not None):
        raise typer.BadParameter("--party names whose statement is wanted; no other report has a party")
    if line is not None and name != STATEMENT:
        raise typer.BadParameter("--line is a line of a statement; no other report has lines")
    chosen = next((one for one in LANGUAGE_TAGS if one == language), None)
    wanted = next((one for one in FORMATS if one == format_), None)
    if chosen is None:
        _refuse("--language", language, LANGUAGE_TAGS)
    if wanted is None:
        _refuse("--format", format_, FORMATS)
    first_day = None if since is None else day_of(since, "--since")
    asked = _Asked(name, batch, party, line, first_day, chosen, wanted)
    content = run_with_engine(asked.content)
    _write(content, out or (STDOUT if wanted == "json" else asked.file_name))


class _Asked(NamedTuple):
    """What a command line asks for."""

    name: str
    batch: str
    party: str | None
    line: int | None
    since: "date | None"
    language: "Language"
    format: "Format"

    @property
    def file_name(self) -> str:
        """Where it goes when nothing is said."""
        parts = (self.batch, self.name, self.party, self.line)
        return f"{'-'.join(str(part) for part in parts if part is not None)}.{self.format}"

    async def content(self, engine: "Engine") -> bytes:
        """The report as bytes; raises NotFound."""
        from ledger.errors import NotFound
        from settlement.reports.drawing import draw
        from settlement.reports.rendering import render
        from settlement.store.batch_rows import read_batch

        async with engine.pool.connection() as connection:
            batch = await read_batch(connection, self.batch)
            if batch is None:
                raise NotFound(f"No settlement batch has the name {self.batch!r}.")
            drawing = await draw(connection, engine.registry.current, batch, self.language, self.since)
            return await render(await self._report(drawing), self.format)

    async def _report(self, drawing: "Drawing") -> "Report":
        from settlement.reports.catalogue import REPORTS
        from settlement.reports.line_transactions import find_entry, line_report
        from settlement.reports.rendering import from_loop
        from settlement.reports.statement import statement_report
        from settlement.reports.statement_lines import line_postings

        if self.party is None:
            return await REPORTS[self.name](drawing)
        partner = drawing.registry.partner_coded(self.party)
        if partner is None:
            fail(f"no partner has the code {self.party!r}; `citypoints partners list` shows all")
        if self.line is None:
            return await statement_report(drawing, partner)
        entry = find_entry(drawing, partner, self.line)
        if entry is None:
            fail(f"the statement of {self.party} has no line {self.line}")
        return line_report(drawing, partner, entry, from_loop(line_postings(drawing, entry)))


def _write(content: bytes, target: str) -> None:
    if target == STDOUT:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}")
    typer.echo(f"Wrote {target}, {len(content):,} bytes.")


def _refuse(what: str, got: str, wanted: Iterable[str]) -> NoReturn:
    raise typer.BadParameter(f"{what}: got {got!r}, wanted one of {', '.join(wanted)}")
