"""Keeps finished segments of the write-ahead log in a backup folder, and gives them back.

A script of nothing but the standard library, which the server runs under its account for each segment::

    python -I -S wal_archive.py store FOLDER TOKEN NAME PATH
    python -I -S wal_archive.py fetch FOLDER LIST NAME PATH

A segment lies in ``FOLDER/wal`` as ``NAME-<sha256>.gz``, the digest of what was packed: so a damaged one is known, and
one that was stored twice is the same file. Exit code 0 is done, 1 is not (the server tries again, or takes it for the
end), and of DAMAGED the server makes a failed recovery and never the end of one.
"""

import gzip
import hashlib
import json
import os
import re
import sys
import zlib
from pathlib import Path

OWNER_FILE = "OWNER"
WAL_FOLDER = "wal"

NOT_THERE = 1
# Above 125 PostgreSQL ends a recovery; below, it would take the segment for the end of the log.
DAMAGED = 200

STORED = re.compile(
    r"(?P<name>[0-9A-F]{8}(?:\.history|[0-9A-F]{16}(?:\.partial|\.[0-9A-F]{8}\.backup)?))-(?P<sha256>[0-9a-f]{64})\.gz"
)
_FILE_MODE = 0o600
# Zeros, of which a segment that was ended early is full, shrink as well as at higher levels.
_LEVEL = 1


class SegmentDamaged(Exception):
    """A stored file is not what its name says."""


class SegmentRefused(Exception):
    """A file cannot be stored; the text says why."""


def store(folder: Path, token: str, name: str, source: Path) -> None:
    """Put a file into the archive, durably; the same one again is fine.

    Raises SegmentRefused where the folder is not this server's, or has another file of that name.
    """
    try:
        owner = json.loads((folder / OWNER_FILE).read_bytes())["token"]
    except FileNotFoundError:
        raise SegmentRefused(f"{folder} has no file {OWNER_FILE}: is its disk mounted?") from None
    if owner != token:
        raise SegmentRefused(f"{folder} belongs to another ledger, or to one restored from it since")
    wal = folder / WAL_FOLDER
    content = source.read_bytes()
    target = wal / f"{name}-{hashlib.sha256(content).hexdigest()}.gz"
    found = [one.name for one in wal.glob(f"{name}-*.gz") if one != target]
    if found:
        raise SegmentRefused(f"{wal} has another {name} already: {found[0]}")
    if not target.exists():
        _write(wal / f".{name}.unfinished", content, target)
    flush_folder(wal)


def _write(unfinished: Path, content: bytes, target: Path) -> None:
    """Write the packed file under another name first: it is there whole or not at all."""
    try:
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _FILE_MODE), "wb") as file:
            file.write(gzip.compress(content, _LEVEL, mtime=0))
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.rename(target)


def unpacked(stored: Path) -> bytes:
    """What was stored in a file; raises SegmentDamaged where it is not what the file's name says."""
    match = STORED.fullmatch(stored.name)
    if match is None:
        raise SegmentDamaged(f"{stored} has no name of the archive's")
    try:
        content = gzip.decompress(stored.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise SegmentDamaged(f"{stored} cannot be unpacked: {error}") from error
    if hashlib.sha256(content).hexdigest() != match["sha256"]:
        raise SegmentDamaged(f"{stored} is not what was stored")
    return content


def flush_folder(folder: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def fetch(folder: Path, listed: Path, name: str, target: Path) -> int:
    """Write a file of the archive to ``target`` if it is on the list; returns the exit code."""
    if name not in listed.read_text(encoding="ascii").split():
        return NOT_THERE
    found = sorted((folder / WAL_FOLDER).glob(f"{name}-*.gz"))
    if len(found) != 1:
        raise SegmentDamaged(f"{folder / WAL_FOLDER} has {len(found)} files of {name}, and one when the restore began")
    target.write_bytes(unpacked(found[0]))
    return 0


def main(arguments: list[str]) -> int:
    """Do what the server asks for, and return the exit code."""
    action, folder, word, name, path = arguments
    try:
        if action == "store":
            store(Path(folder), word, name, Path(path))
            return 0
        return fetch(Path(folder), Path(word), name, Path(path))
    except SegmentDamaged as error:
        sys.stderr.write(f"{error}\n")
        return DAMAGED
    except (SegmentRefused, OSError) as error:
        sys.stderr.write(f"cannot {action} {name}: {error}\n")
        # A disk that cannot be read is no end of the log.
        return NOT_THERE if action == "store" else DAMAGED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
