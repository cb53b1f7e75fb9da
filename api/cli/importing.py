"""``citypoints import``: a merchant's file, brought to its end from wherever it was interrupted."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api.cli.output import FOUND_SOMETHING_WRONG, AsJson, fail, progress_bar, say, warn
from api.cli.own_processes import own_process

if TYPE_CHECKING:
    from ledger.posting.engine import Engine
    from ledger.store.imports import Import

PLAIN_PROGRESS_SECONDS = 5.0


class Imported(msgspec.Struct, frozen=True):
    """What an import came to. ``posted`` includes ``partly_posted``; ``changed`` is false where it was done before."""

    import_id: str
    file_name: str
    state: str
    changed: bool
    lines_done: int
    posted: int
    partly_posted: int
    refused: int
    failed: int


def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV or NDJSON.", exists=True, dir_okay=False)],
    *,
    partner: Annotated[str, typer.Option("--partner", metavar="CODE", help="Whose file it is.")],
    mapping: Annotated[
        Path, typer.Option("--mapping", metavar="M.toml", help="Which column is what.", exists=True, dir_okay=False)
    ],
    lines: Annotated[
        Path | None, typer.Option("--lines", metavar="OUT.csv", help="Write the lines that were not posted here.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a merchant's file. Interrupted, the same command goes on; the same file again changes nothing.

    Exits with 1 where lines could not be read; what a rule of the ledger refuses is reported and is no failure.
    """
    from api.cli.installation import run_with_engine
    from api.logs import configure_logs

    configure_logs("warning")
    document = mapping.read_bytes()

    async def work(engine: "Engine") -> Imported:
        return await _import(engine, file, partner, document, lines)

    imported = run_with_engine(work)
    say(described(imported), imported, as_json=as_json)
    if imported.failed:
        raise typer.Exit(FOUND_SOMETHING_WRONG)


def described(imported: Imported) -> str:
    """Say in one line what an import came to."""
    line = (
        f"{imported.file_name}: {imported.lines_done} lines, {imported.posted} posted "
        f"({imported.partly_posted} of them in part), {imported.refused} refused, {imported.failed} failed."
    )
    return f"Imported {line}" if imported.changed else f"Imported before, nothing was changed: {line}"


async def _import(engine: "Engine", file: Path, partner: str, document: bytes, lines: Path | None) -> Imported:
    from ledger.posting.imports import file_digest, register_import, run_import

    found = engine.registry.current.partner_coded(partner)
    if found is None:
        fail(f"--partner: got {partner!r}, wanted the code of a partner (`citypoints partners list`)")
    this, _ = await register_import(engine, found.number, file, document, file_name=file.name, digest=file_digest(file))
    was_done = this.state == "done"
    with _progress(this.file_bytes) as progress:
        sharer = [*own_process("api.cli.import_sharer"), str(this.import_id), str(file)]
        this = await run_import(engine, this, file, progress, sharer)
    if lines is not None:
        await _write_lines(engine, this, lines)
    return Imported(
        import_id=str(this.import_id),
        file_name=file.name,
        state=this.state,
        changed=not was_done,
        lines_done=this.lines_done,
        posted=this.posted,
        partly_posted=this.partly_posted,
        refused=this.refused,
        failed=this.failed,
    )


async def _write_lines(engine: "Engine", this: "Import", path: Path) -> None:
    from ledger.posting.import_reports import report_csv

    with path.open("w", encoding="utf-8", newline="") as file:
        async for text in report_csv(engine.pool, this.import_id):
            file.write(text)


@contextmanager
def _progress(file_bytes: int) -> Iterator["Callable[[Import], None]"]:
    """A bar on a terminal; elsewhere a plain line now and then, on standard error."""
    if sys.stderr.isatty():
        with progress_bar("Importing") as bar:
            yield lambda this: bar(this.byte_offset, file_bytes)
        return
    last = time.monotonic()

    def line(this: "Import") -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_PROGRESS_SECONDS:
            last = time.monotonic()
            warn(f"{this.lines_done} lines, {100 * this.byte_offset // max(file_bytes, 1)} %")

    yield line
