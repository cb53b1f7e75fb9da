"""What a command says: one line for people, or one JSON document for programs; errors on standard error."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from ledger.posting.expiry import Progress

DONE = 0
FOUND_SOMETHING_WRONG = 1
USAGE = 2

AsJson = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


def say(line: str, document: object, *, as_json: bool) -> None:
    """Say what was done: the line, or the document where JSON was asked for."""
    if as_json:
        say_json(document)
    else:
        typer.echo(line)


def say_json(document: object) -> None:
    """Write one JSON document on one line."""
    import msgspec

    typer.echo(msgspec.json.encode(document))


def say_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under headings; what is piped elsewhere gets tab-separated columns, never cut."""
    if not sys.stdout.isatty():
        for row in (headings, *rows):
            typer.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, header_style="bold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def warn(line: str) -> None:
    """Write one line on standard error."""
    typer.echo(" ".join(line.split()), err=True)


def fail(line: str, code: int = FOUND_SOMETHING_WRONG) -> NoReturn:
    """Say on standard error what is wrong and leave with an exit code."""
    warn(f"Error: {line}")
    raise typer.Exit(code)


@contextmanager
def progress_bar(title: str) -> "Iterator[Progress]":
    """Show how far a long command is, on standard error and only where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
