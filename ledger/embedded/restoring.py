"""Restoring: a base backup and all of the archived log behind it, as a new database in the old one's place.

The recovery runs in a folder beside, which takes its place in one step: a restore that is killed is begun again, and
nobody ever sees half of one. A note in the folder says that the ledger still has to be told; until it is taken away,
nothing but a restore starts there. What the archive lacks is found before, since PostgreSQL takes a missing segment for
the end of the log.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import psycopg

from ledger.embedded.account import choose_account
from ledger.embedded.backup_folder import BackupFolder, Base, Owner, Remembered, new_token, place_of, write_durably
from ledger.embedded.base_backups import MICROSECONDS, Progress, verify_base
from ledger.embedded.cluster import ARCHIVE, check_version, packaged_binaries, recovery_settings
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.locks import can_lock, open_lock, try_lock
from ledger.embedded.questions import read_reached
from ledger.embedded.server import CLUSTER, GUARD, STOP_LIMIT_SECONDS, EmbeddedPostgres, interpreter
from ledger.embedded.wal_archive import SegmentDamaged, flush_folder, unpacked
from ledger.embedded.wal_chain import Chain, History, Segment, find_chain, newest_history

RESTORING_SUFFIX = ".restoring"
LIST_FILE = "segments.list"
NOTE_FILE = "restored.json"
IDENTITY_BYTES = 16
# A recovery goes through days of log; that of a week takes hours.
RECOVERY_LIMIT_SECONDS = 7 * 24 * 60 * 60
PROGRESS_SECONDS = 0.5
NANOSECONDS_PER_MICROSECOND = 1_000
RESTORED_LINE = b"restored log file"


@dataclass(frozen=True, slots=True)
class Gap:
    """The first segment that the archive lacks or holds damaged, though the log is known to go on behind it."""

    segment: str
    why: str
    behind: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore will use: the base backup, the files of the log, up to where; nothing has been changed yet.

    ``archived_at`` is when the last of these segments was stored, in microseconds since 1970 UTC; None without any.
    """

    base: Base
    segments: int
    files: tuple[str, ...]
    timeline: int
    gap: Gap | None
    archived_at: int | None


@dataclass(frozen=True, slots=True)
class Note:
    """What a recovery came to, and what the ledger has to be told of it. Instants are microseconds since 1970 UTC.

    Everything answered before ``complete_until``, by the database's clock, is there: it is the time of the last commit
    in the log, or of the base backup's beginning. Nothing was answered by the lost database after ``lost_until``, when
    the restore began. ``identity`` is 16 bytes of chance, in hexadecimal digits. ``timeline`` is the new one.
    """

    identity: str
    base: str
    segments: int
    timeline: int
    complete_until: int
    lost_until: int
    archived_at: int | None

    @classmethod
    def read(cls, data_directory: Path) -> Self | None:
        """The note in a data folder; None where no restore is to be finished there."""
        try:
            return cls(**json.loads((data_directory / NOTE_FILE).read_bytes()))
        except FileNotFoundError:
            return None

    def take_away(self, data_directory: Path) -> None:
        """Let the ledger be used, since it has been told."""
        (data_directory / NOTE_FILE).unlink()
        flush_folder(data_directory)


def refuse_half_restored(data_directory: Path) -> None:
    """Raise EmbeddedPostgresError where a restore was begun and its database has not taken its place yet."""
    restoring = _beside(data_directory)
    if Note.read(data_directory) is not None or (restoring.exists() and not _holds_database(data_directory)):
        raise EmbeddedPostgresError(
            f"a restore of this database is under way or was cut short ({restoring}): give `citypoints restore` again, "
            "with the same options"
        )


def refuse_existing(data_directory: Path) -> None:
    """Raise EmbeddedPostgresError where there is a database already, which a restore never overwrites."""
    if _holds_database(data_directory):
        raise EmbeddedPostgresError(
            f"{data_directory} has a database: a restore overwrites none. Stop what uses it and move that folder "
            f"aside (mv {data_directory} {data_directory}.old), then give the command again"
        )


@contextmanager
def restoring_alone(data_directory: Path) -> Iterator[None]:
    """Hold the right to restore into a data folder; raises EmbeddedPostgresError while somebody else has it."""
    data_directory.parent.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    descriptor = open_lock(data_directory.with_name("restore.lock"))
    try:
        if not try_lock(descriptor):
            raise EmbeddedPostgresError(f"another restore into {data_directory} is under way")
        yield
    finally:
        os.close(descriptor)


def plan_restore(source: BackupFolder, ledger_key: str, base_name: str | None, progress: Progress) -> Plan:
    """Choose the base backup, find the log behind it and look at every file that will be used.

    ``ledger_key`` is the check value of the key that the restored ledger will be used with; without a ``base_name`` it
    is the newest base backup. Raises EmbeddedPostgresError where there is none, it is damaged, or of another ledger.
    """
    try:
        history = newest_history(source.histories())
    except SegmentDamaged as error:
        raise EmbeddedPostgresError(f"the archive is damaged: {error}") from error
    base = _choose_base(source, history, base_name)
    if base.about.ledger_key != ledger_key:
        raise EmbeddedPostgresError(
            f"the ledger in {source.directory} was made with another ledger key: wanted is the copy of ledger.key (or "
            "CITYPOINTS_LEDGER_KEY) of that ledger; nothing was changed"
        )
    verify_base(base.data, packaged_binaries(), choose_account([base.data / "PG_VERSION"], [base.data], base.data))
    archived = source.archived_segments()
    chain = find_chain(history, set(archived), base.about.start, base.about.end)
    good, gap = _verified(chain, archived, progress)
    timeline = history.timeline
    if gap is not None:
        timeline = good[-1].timeline if good else base.about.timeline
    histories = [name for name in source.archived() if name.endswith(".history")]
    archived_at = int(archived[good[-1]].stat().st_mtime * MICROSECONDS) if good else None
    files = (*sorted(histories), *(one.name for one in good))
    return Plan(base, len(good), files, timeline, gap, archived_at)


def restore(
    plan: Plan,
    source: BackupFolder,
    data_directory: Path,
    archive: BackupFolder | None,
    progress: Progress,
) -> Note:
    """Restore by a plan, and put the database into its place, with a note of what is still to be done.

    Where ``archive`` already was this ledger's, it is taken over: who stored there before can no longer. Raises
    EmbeddedPostgresError where the recovery fails, with the place still empty.
    """
    data_directory = data_directory.resolve()
    restoring = _beside(data_directory)
    note = _recovered(plan, source, restoring, progress)
    if archive is not None and archive.owner() is not None:
        owner = Owner(plan.base.about.cluster, new_token(), place_of(data_directory))
        Remembered(str(archive.directory), owner.token, is_claimed=True).write(restoring)
        archive.put_owner(owner)
    write_durably(restoring / NOTE_FILE, note)
    _remove_leavings(data_directory)
    restoring.rename(data_directory)
    flush_folder(data_directory.parent)
    return note


def _recovered(plan: Plan, source: BackupFolder, restoring: Path, progress: Progress) -> Note:
    """Run the recovery in a folder of its own, and leave the database there, shut down."""
    lost_until = time.time_ns() // NANOSECONDS_PER_MICROSECOND
    _clear(restoring)
    _lay_out(plan, restoring)
    settings = recovery_settings(interpreter(), source.directory, restoring / LIST_FILE, plan.timeline)
    watch = _Watch(restoring / "postgres.log", plan.segments, progress)
    with (
        EmbeddedPostgres.recover(restoring, settings, RECOVERY_LIMIT_SECONDS, watch) as server,
        psycopg.connect(server.superuser_url()) as connection,
    ):
        replayed, timeline = read_reached(connection)
    (restoring / LIST_FILE).unlink()
    return Note(
        identity=secrets.token_hex(IDENTITY_BYTES),
        base=plan.base.path.name,
        segments=plan.segments,
        timeline=timeline,
        complete_until=replayed or plan.base.about.began_at,
        lost_until=lost_until,
        archived_at=plan.archived_at,
    )


def refuse_foreign_archive(archive: BackupFolder, plan: Plan, data_directory: Path, *, take_over: bool) -> None:
    """Raise EmbeddedPostgresError unless the restored ledger may go on storing its log in a folder."""
    owner = archive.owner()
    if owner is None:
        return
    if owner.cluster != plan.base.about.cluster:
        raise EmbeddedPostgresError(f"CITYPOINTS_BACKUP: {archive.directory} belongs to another ledger, {owner.place}")
    place = place_of(data_directory)
    if owner.place != place and not take_over:
        raise EmbeddedPostgresError(
            f"CITYPOINTS_BACKUP: {archive.directory} is in use by {owner.place}, and this is {place}. Where that "
            "one is gone for good, say --take-over; for a rehearsal leave CITYPOINTS_BACKUP unset and say --from "
            f"{archive.directory}"
        )


def _choose_base(source: BackupFolder, history: History, name: str | None) -> Base:
    bases = [base for base in source.list_bases() if history.passes(base.about.timeline, base.about.end)]
    chosen = [base for base in bases if name in (None, base.path.name)]
    if not chosen:
        there = ", ".join(base.path.name for base in bases) or "none"
        raise EmbeddedPostgresError(
            f"{source.directory} has no base backup {name or 'of a ledger'}; there are: {there}"
        )
    return chosen[-1]


def _verified(
    chain: Chain, archived: dict[Segment, Path], progress: Progress
) -> tuple[tuple[Segment, ...], Gap | None]:
    """The segments up to the first one that is damaged or missing."""
    for number, segment in enumerate(chain.segments):
        try:
            unpacked(archived[segment])
        except SegmentDamaged as error:
            behind = len(chain.segments) - number - 1 + chain.behind_gap
            return chain.segments[:number], Gap(segment.name, f"is damaged ({error})", behind)
        progress(number + 1, len(chain.segments))
    if chain.gap is None:
        return chain.segments, None
    return chain.segments, Gap(chain.gap.name, "is missing", chain.behind_gap)


def _lay_out(plan: Plan, restoring: Path) -> None:
    """Make the folder with a copy of the base backup, ready for its recovery."""
    restoring.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700)
    cluster = restoring / CLUSTER
    needed = [plan.base.data / "PG_VERSION", packaged_binaries() / "postgres", GUARD, ARCHIVE, interpreter()]
    account = choose_account(needed, [plan.base.data, restoring], plan.base.data)
    check_version(plan.base.data, packaged_binaries(), account)
    account.make_directory(cluster)
    copied = account.run("cp", "-R", f"{plan.base.data}/.", cluster)
    if copied.returncode == 0:
        copied = account.run("touch", cluster / "recovery.signal")
    if copied.returncode != 0:
        raise EmbeddedPostgresError(f"the base backup cannot be copied to {cluster}: {copied.stderr.strip()}")
    (restoring / LIST_FILE).write_text("\n".join(plan.files) + "\n", encoding="ascii")
    (restoring / LIST_FILE).chmod(0o644)
    # What PostgreSQL does not touch again in the recovery is not flushed by it either.
    os.sync()


def _clear(restoring: Path) -> None:
    """Remove what a killed restore has left, once its server has ended, which it does by itself."""
    if not restoring.exists():
        return
    deadline = time.monotonic() + STOP_LIMIT_SECONDS
    while not can_lock(restoring / "serving.lock"):
        if time.monotonic() > deadline:
            raise EmbeddedPostgresError(f"a server still runs in {restoring}, left by a restore that was killed")
        time.sleep(PROGRESS_SECONDS)
    shutil.rmtree(restoring)


def _remove_leavings(data_directory: Path) -> None:
    """Remove the locks and logs of a server that never had a database; anything else is left, and in the way."""
    if data_directory.exists():
        for leaving in (*data_directory.glob("*.lock"), *data_directory.glob("postgres.log*")):
            leaving.unlink()


class _Watch:
    """Tells how many segments a recovery has asked for, by what the server writes into its log."""

    def __init__(self, log: Path, total: int, progress: Progress) -> None:
        self._log, self._total, self._progress = log, total, progress
        self._next = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() < self._next or not self._log.exists():
            return
        self._next = time.monotonic() + PROGRESS_SECONDS
        self._progress(self._log.read_bytes().count(RESTORED_LINE), self._total)


def _beside(data_directory: Path) -> Path:
    return data_directory.with_name(data_directory.name + RESTORING_SUFFIX)


def _holds_database(data_directory: Path) -> bool:
    return (data_directory / CLUSTER).exists()
