"""``citypoints restore``: the embedded database again, from a base backup and the log stored since."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from api.cli.backing_up import OF_YOUR_OWN
from api.cli.output import FOUND_SOMETHING_WRONG, USAGE, AsJson, fail, progress_bar, say_json

if TYPE_CHECKING:
    from api.settings import Settings
    from ledger.embedded import EmbeddedPostgres
    from ledger.embedded.restoring import Note, Plan
    from ledger.ids import LedgerKey

SHOWN_DIFFERENCES = 20


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore came to; instants are RFC 3339 in UTC.

    Everything answered before ``complete_until`` is there; answers since then, until the failure, may be lost.
    """

    base: str
    segments: int
    timeline: int
    epoch: int
    complete_until: str
    last_segment_stored_at: str | None
    superseded_seals: list[int]
    differences: list[str]
    difference_count: int


def restore(
    *,
    source: Annotated[
        Path | None, typer.Option("--from", help="Backup folder. [default: CITYPOINTS_BACKUP]", show_default=False)
    ] = None,
    base: Annotated[
        str | None, typer.Option("--base", help="Base backup to begin with, by its name. [default: the newest]")
    ] = None,
    up_to_gap: Annotated[
        bool, typer.Option("--up-to-gap", help="Where a part of the log is missing, lose what comes after it.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Go on storing in a folder that another machine or place stored in.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Restore the embedded database up to the last stored commit, start a new epoch, and check the seals.

    Overwrites nothing: the database's folder must be gone or moved aside. Cut short, give the command again.
    """
    from api.cli.installation import EMBEDDED_DIRECTORY
    from api.settings import Settings

    settings = Settings.from_environment()
    restored = _restore(settings, _checked(settings, source), base, up_to_gap=up_to_gap, take_over=take_over)
    if as_json:
        say_json(restored)
    else:
        _say(restored, settings.data_directory / EMBEDDED_DIRECTORY)
    if restored.difference_count:
        raise typer.Exit(FOUND_SOMETHING_WRONG)


def _restore(settings: "Settings", source: Path, base: str | None, *, up_to_gap: bool, take_over: bool) -> Restored:
    from api.cli.installation import EMBEDDED_DIRECTORY
    from ledger.embedded import EmbeddedPostgres
    from ledger.embedded.backup_folder import BackupFolder
    from ledger.embedded.restoring import (
        Note,
        plan_restore,
        refuse_existing,
        refuse_foreign_archive,
        restoring_alone,
    )
    from ledger.embedded.restoring import restore as restore_database

    key = _ledger_key(settings)
    folder, data_directory = BackupFolder(source), settings.data_directory / EMBEDDED_DIRECTORY
    archive = None if settings.backup_directory is None else BackupFolder(settings.backup_directory)
    with restoring_alone(data_directory):
        # What an earlier run has put into its place has only to be finished.
        note = Note.read(data_directory)
        if note is None:
            refuse_existing(data_directory)
            with progress_bar("Reading the log") as progress:
                plan = plan_restore(folder, key.check_value().hex(), base, progress)
            _refuse_gap(plan, up_to_gap=up_to_gap)
            if archive is not None:
                refuse_foreign_archive(archive, plan, data_directory, take_over=take_over)
            with progress_bar("Recovering") as progress:
                note = restore_database(plan, folder, data_directory, archive, progress)
        with EmbeddedPostgres.start(data_directory, settings.backup_directory) as server:
            restored = asyncio.run(_finish(settings, key, note, server))
        note.take_away(data_directory)
    return restored


def _checked(settings: "Settings", source: Path | None) -> Path:
    if settings.database_url is not None:
        fail(OF_YOUR_OWN, USAGE)
    chosen = source or settings.backup_directory
    if chosen is None:
        fail("neither --from nor CITYPOINTS_BACKUP says where the backup is", USAGE)
    if not chosen.is_dir():
        fail(f"{chosen} is not a folder; wanted is a backup folder (is its disk mounted?)", USAGE)
    return chosen


def _ledger_key(settings: "Settings") -> "LedgerKey":
    from api.settings import KEY_FILE

    path = settings.data_directory / KEY_FILE
    if settings.ledger_key is None and not path.exists():
        fail(
            f"there is no {path}: put your copy of the ledger key there (mode 0600), or set CITYPOINTS_LEDGER_KEY; "
            "it is not in the backup",
            USAGE,
        )
    return settings.read_ledger_key()


def _refuse_gap(plan: "Plan", *, up_to_gap: bool) -> None:
    if plan.gap is None or up_to_gap:
        return
    fail(
        f"segment {plan.gap.segment} of the log {plan.gap.why}, and the log goes on behind it "
        f"({plan.gap.behind} stored): look for that file (a copy of the folder, pg_wal of the old database) "
        "and put it into the folder wal; "
        "--up-to-gap restores what comes before it and loses all that comes after; nothing was changed"
    )


async def _finish(settings: "Settings", key: "LedgerKey", note: "Note", server: "EmbeddedPostgres") -> Restored:
    """Bring the restored ledger to this release, begin its new epoch, and hold it against the seals."""
    from api.epochs import begin_epoch
    from api.seal_key_file import find_seal_keys
    from ledger.audit.since_seal import audit_since_seal
    from ledger.posting.engine import Engine
    from ledger.store.migrate import upgrade

    await asyncio.to_thread(upgrade, server.owner_url())
    keys = find_seal_keys(settings)
    async with Engine.open(server.service_url(), key) as engine:
        epoch = await begin_epoch(
            engine,
            settings.seals_directory,
            bytes.fromhex(note.identity),
            reason=f"restored from the base backup {note.base} and {note.segments} segments of the log",
            restored_to=note.complete_until,
            lost_until=note.lost_until,
        )
        report = await audit_since_seal(engine.pool, settings.seals_directory, None if keys is None else keys.trusted)
    return Restored(
        base=note.base,
        segments=note.segments,
        timeline=note.timeline,
        epoch=epoch.number,
        complete_until=_instant(note.complete_until),
        last_segment_stored_at=None if note.archived_at is None else _instant(note.archived_at),
        superseded_seals=[seal.number for seal in epoch.superseded_seals],
        differences=[
            f"{one.place}: {one.what}: found {one.found}, expected {one.expected}" for one in report.differences
        ],
        difference_count=report.difference_count,
    )


def _say(restored: Restored, data_directory: Path) -> None:
    typer.echo(
        f"Restored {data_directory} from the base backup {restored.base} and {restored.segments} segments of the log; "
        f"it goes on as timeline {restored.timeline}, and epoch {restored.epoch} has begun."
    )
    typer.echo(
        f"Everything answered before {restored.complete_until} is there. What was answered from then until the failure "
        "may be lost; clients that repeat such a request with its Idempotency-Key have it posted, once."
    )
    if restored.last_segment_stored_at is not None:
        typer.echo(f"The last segment was stored at {restored.last_segment_stored_at}.")
    if restored.superseded_seals:
        numbers = ", ".join(map(str, restored.superseded_seals))
        typer.echo(f"Seals of what is lost, kept apart now and named by the epoch: {numbers}.")
    for line in restored.differences[:SHOWN_DIFFERENCES]:
        typer.echo(line)
    if restored.difference_count:
        typer.echo(f"Found {restored.difference_count} differences between the restored ledger and its seals.")
    else:
        typer.echo(
            "The restored ledger is what was sealed, and its chain goes on unbroken. Now run `citypoints audit`."
        )


def _instant(microseconds: int) -> str:
    from ledger.rules.business_day import to_datetime

    return to_datetime(microseconds).isoformat(timespec="microseconds").replace("+00:00", "Z")
