"""Seals outside the database: a folder with one file for each, ``seal-000001.json`` and so on.

A file is there whole or not at all: it is written under another name, flushed to the disk, then renamed. Seals of what
was lost when a backup was restored lie in the folder ``superseded``, by number and hash: there, numbers come twice.
"""

import os
import re
from pathlib import Path

MAXIMUM_SEAL_BYTES = 4 * 1024 * 1024
"""More than a seal of 4,096 lanes needs."""

_NAME = re.compile(r"seal-([0-9]{6,9})\.json")
_SUPERSEDED = "superseded"
_SUPERSEDED_NAME = re.compile(r"seal-[0-9]{6,9}-[0-9a-f]{16}\.json")
_HASH_DIGITS = 16
_FILE_MODE = 0o444


class SealFolder:
    """The folder of seals; made when the first one is written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path_of(self, number: int) -> Path:
        """The file of a seal."""
        return self.directory / f"seal-{number:06}.json"

    def numbers(self) -> set[int]:
        """The numbers of the seals that are there."""
        try:
            names = [file.name for file in self.directory.iterdir()]
        except FileNotFoundError:
            return set()
        return {int(match[1]) for name in names if (match := _NAME.fullmatch(name))}

    def read(self, number: int) -> bytes | None:
        """The bytes of a seal's file, at most one more than a seal can have; None where there is no file."""
        return read_seal_file(self.path_of(number))

    def superseded(self) -> set[Path]:
        """The files of seals that are superseded."""
        try:
            files = list((self.directory / _SUPERSEDED).iterdir())
        except FileNotFoundError:
            return set()
        return {file for file in files if _SUPERSEDED_NAME.fullmatch(file.name)}

    def path_of_superseded(self, number: int, digest: str) -> Path:
        """The file of a superseded seal, of which the hash is given."""
        return self.directory / _SUPERSEDED / f"seal-{number:06}-{digest[:_HASH_DIGITS]}.json"

    def supersede(self, number: int, digest: str) -> None:
        """Put a seal, whose hash is given, where the superseded ones are, durably."""
        path = self.path_of_superseded(number, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path_of(number).rename(path)
        for directory in (path.parent, self.directory):
            _flush_folder(directory)

    def write(self, number: int, document: bytes) -> Path:
        """Write a seal, durably; one that is there already is replaced."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.path_of(number)
        # By process: two that write the same seal do not write the same unfinished file.
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")
        unfinished.unlink(missing_ok=True)
        with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE), "wb") as file:
            file.write(document)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(path)
        _flush_folder(self.directory)
        return path


def read_seal_file(path: Path) -> bytes | None:
    """The bytes of a file, at most one more than a seal can have; None where there is no file."""
    try:
        with path.open("rb") as file:
            return file.read(MAXIMUM_SEAL_BYTES + 1)
    except FileNotFoundError:
        return None


def _flush_folder(directory: Path) -> None:
    """Make a rename durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
