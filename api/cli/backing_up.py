"""``citypoints backup``: a base backup of the embedded database; its log is stored all the time."""

import time
from typing import Annotated

import typer

from api.cli.output import USAGE, AsJson, fail, progress_bar, say

KEPT = 2
MOST_KEPT = 1000
MEGABYTE = 1_000_000
OF_YOUR_OWN = (
    "DATABASE_URL names a PostgreSQL of your own: back it up and restore it by its own means (pgBackRest, your "
    "provider's), and give `citypoints new-epoch` after a restore; this command is for the embedded one"
)


def backup(
    *,
    keep: Annotated[
        int, typer.Option(min=1, max=MOST_KEPT, help="Base backups to keep; older ones go, with the log before them.")
    ] = KEPT,
    as_json: AsJson = False,
) -> None:
    """Copy the embedded database into CITYPOINTS_BACKUP, beside live traffic, and verify the copy."""
    from api.cli.installation import open_embedded
    from api.settings import Settings
    from ledger.embedded.base_backups import take_base_backup

    settings = Settings.from_environment()
    if settings.database_url is not None:
        fail(OF_YOUR_OWN, USAGE)
    key = settings.read_ledger_key().check_value().hex()
    began = time.monotonic()
    with open_embedded(settings) as server:
        if server.backup is None:
            fail("CITYPOINTS_BACKUP is not set; wanted is a folder, best on another disk", USAGE)
        with progress_bar("Copying") as progress:
            taken = take_base_backup(server, key, keep, progress)
    seconds = round(time.monotonic() - began, 1)
    about = taken.base.about
    end = f"{about.end >> 32:X}/{about.end & 0xFFFFFFFF:X}"
    line = (
        f"Base backup {taken.base.path}: {about.size_bytes / MEGABYTE:.1f} MB in {seconds} s, up to {end} of the log; "
        f"removed {len(taken.removed_bases)} older ones and {taken.removed_segments} files of the log. The ledger key, "
        "the seal key and the seals are not in it: keep copies of them apart."
    )
    document = {
        "base": str(taken.base.path),
        "size_bytes": about.size_bytes,
        "seconds": seconds,
        "log_position": end,
        "removed_bases": taken.removed_bases,
        "removed_log_files": taken.removed_segments,
    }
    say(line, document, as_json=as_json)
