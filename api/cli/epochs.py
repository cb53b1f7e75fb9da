"""``citypoints new-epoch``: what an operator does after restoring the database by other means than ours."""

from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.output import AsJson, say

if TYPE_CHECKING:
    from api.epochs import EpochBegun
    from ledger.posting.engine import Engine

LONGEST_REASON = 500


def new_epoch(
    *,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: what was restored, from when.")],
    restored_to: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="The last moment that the restored database has, in RFC 3339."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell a restored ledger from the lost one, before the service starts; finishes a run that was cut short."""
    from api.cli.clock import parse_time
    from api.cli.installation import run_with_engine
    from api.epochs import begin_epoch_by_hand
    from api.settings import Settings
    from ledger.rules.business_day import to_instant

    moment = None if restored_to is None else to_instant(parse_time(restored_to))
    why = _checked_reason(reason)
    seals = Settings.from_environment().seals_directory

    async def work(engine: "Engine") -> "EpochBegun":
        return await begin_epoch_by_hand(engine, seals, reason=why, restored_to=moment)

    begun = run_with_engine(work)
    superseded = [seal.number for seal in begun.epoch.superseded_seals]
    document = {
        "epoch": begun.epoch.number,
        "identity": begun.epoch.identity.hex(),
        "superseded_seals": superseded,
        "was_interrupted": begun.was_interrupted,
    }
    say(_told(begun, superseded), document, as_json=as_json)


def _told(begun: "EpochBegun", superseded: list[int]) -> str:
    number = begun.epoch.number
    line = f"Epoch {number} has begun in every lane."
    if begun.was_interrupted:
        line = f"Epoch {number}, which an interrupted run had begun, has now begun in every lane."
    if superseded:
        line += f" It supersedes the seals {', '.join(map(str, superseded))}, which are kept apart."
    return line


def _checked_reason(text: str) -> str:
    if not text.strip() or len(text) > LONGEST_REASON or not text.isprintable():
        raise typer.BadParameter(f"--reason: got {text[:40]!r}, wanted 1 to {LONGEST_REASON} characters in one line")
    return text
