"""Base backups: taken from the running server, verified, and removed when newer ones are enough."""

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from ledger.embedded.account import ServerAccount
from ledger.embedded.backup_folder import ABOUT_FILE, DATA, UNFINISHED, AboutBase, BackupFolder, Base, write_durably
from ledger.embedded.cluster import cluster_identifier
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.questions import read_copied
from ledger.embedded.server import EmbeddedPostgres
from ledger.embedded.wal_archive import flush_folder
from ledger.embedded.wal_chain import SEGMENT_BYTES, Segment, position

PROGRESS_SECONDS = 0.5
MICROSECONDS = 1_000_000

Progress = Callable[[int, int], None]
"""Called with what is done and with the whole."""


@dataclass(frozen=True, slots=True)
class BackupTaken:
    """A base backup that was taken, and what was removed since newer ones are enough."""

    base: Base
    removed_bases: tuple[str, ...]
    removed_segments: int


def take_base_backup(server: EmbeddedPostgres, ledger_key: str, keep: int, progress: Progress) -> BackupTaken:
    """Take a base backup into the server's backup folder, and keep the newest ``keep`` of them with their log.

    ``ledger_key`` is the key's check value. A run that is killed leaves nothing that the next one does not remove.
    Raises EmbeddedPostgresError where the server has no folder, another backup is under way, or the copy is not good.
    """
    folder = server.backup
    if folder is None:
        raise EmbeddedPostgresError("CITYPOINTS_BACKUP is not set: wanted is a folder, best on another disk")
    with folder.taking_a_backup() as lock:
        for leaving in folder.bases.glob(f"*{UNFINISHED}"):
            shutil.rmtree(leaving)
        began = datetime.now(UTC)
        path = folder.bases / began.strftime("%Y%m%dT%H%M%SZ")
        if path.exists():
            raise EmbeddedPostgresError(f"{path} was taken within this second; try again")
        unfinished = path.with_name(path.name + UNFINISHED)
        server.account.make_directory(unfinished)
        try:
            _copy(server, unfinished / DATA, lock, progress)
            about = _described(server, unfinished / DATA, began, ledger_key)
            write_durably(unfinished / ABOUT_FILE, about)
        except (EmbeddedPostgresError, OSError):
            # The disk may be full, and the log needs what is left.
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(path)
        flush_folder(folder.bases)
        removed, segments = _remove_old(folder, keep)
    return BackupTaken(Base(path, about), removed, segments)


def _copy(server: EmbeddedPostgres, data: Path, lock: int, progress: Progress) -> None:
    """Copy the running cluster with the log that was written meanwhile, and verify the copy."""
    arguments = [f"--pgdata={data}", f"--dbname={server.superuser_url()}", "--checkpoint=fast", "--wal-method=stream"]
    with ThreadPoolExecutor(1) as executor, psycopg.connect(server.superuser_url(), autocommit=True) as connection:
        copying = executor.submit(
            server.account.run,
            server.bin_directory / "pg_basebackup",
            *arguments,
            "--manifest-checksums=SHA256",
            "--no-password",
            keep_open=[lock],
        )
        while not copying.done():
            if (copied := read_copied(connection)) is not None:
                progress(*copied)
            time.sleep(PROGRESS_SECONDS)
        finished = copying.result()
    if finished.returncode != 0:
        raise EmbeddedPostgresError(f"pg_basebackup could not copy the database: {finished.stderr.strip()}")
    verify_base(data, server.bin_directory, server.account)


def verify_base(data: Path, binaries: Path, account: ServerAccount) -> None:
    """Raise EmbeddedPostgresError unless every file of a base backup is what its manifest says."""
    verified = account.run(binaries / "pg_verifybackup", "--quiet", data)
    if verified.returncode != 0:
        told = (verified.stderr.strip() or verified.stdout.strip()).splitlines()
        raise EmbeddedPostgresError(f"the base backup {data.parent} is damaged: {'; '.join(told[:3])}")


def _described(server: EmbeddedPostgres, data: Path, began: datetime, ledger_key: str) -> AboutBase:
    manifest = json.loads((data / "backup_manifest").read_bytes())
    ranges = manifest["WAL-Ranges"]
    return AboutBase(
        cluster=cluster_identifier(data, server.bin_directory, server.account),
        ledger_key=ledger_key,
        began_at=int(began.timestamp()) * MICROSECONDS + began.microsecond,
        timeline=max(one["Timeline"] for one in ranges),
        start=min(position(one["Start-LSN"]) for one in ranges),
        end=max(position(one["End-LSN"]) for one in ranges),
        size_bytes=sum(entry.stat().st_size for entry in data.rglob("*") if entry.is_file()),
    )


def _remove_old(folder: BackupFolder, keep: int) -> tuple[tuple[str, ...], int]:
    """Remove all but the newest base backups, and the log that only those needed; histories stay."""
    bases = folder.list_bases()
    old, kept = bases[:-keep], bases[-keep:]
    for base in old:
        # Renamed first: what is half removed is no base backup.
        leaving = base.path.with_name(base.path.name + UNFINISHED)
        base.path.rename(leaving)
        shutil.rmtree(leaving)
    oldest = min(base.about.start for base in kept) // SEGMENT_BYTES
    removed = 0
    for name, path in folder.archived().items():
        segment = Segment.of_name(name)
        if segment is not None and segment.number < oldest:
            path.unlink()
            removed += 1
    return tuple(base.path.name for base in old), removed
