"""The backup folder: whose it is, the base backups and the archived log in it.

``OWNER`` says which ledger the folder belongs to, by the identifier that PostgreSQL gave its cluster and by a token
that the data folder has, too. Whoever restores takes the folder over with a new token, so that a server that comes back
from the dead, or a copy that was started for a trial, cannot mix its log with that of the ledger.
"""

import json
import os
import re
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ledger.embedded.account import ServerAccount
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.locks import open_lock, try_lock
from ledger.embedded.wal_archive import OWNER_FILE, STORED, WAL_FOLDER, flush_folder, unpacked
from ledger.embedded.wal_chain import Segment

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

BASE_FOLDER = "base"
UNFINISHED = ".unfinished"
DATA = "data"
ABOUT_FILE = "backup.json"
REMEMBERED_FILE = "archiving.json"

_BASE_NAME = re.compile(r"\d{8}T\d{6}Z")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history")
_FILE_MODE = 0o600
_TOKEN_BYTES = 16


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a backup folder is: PostgreSQL's identifier of the cluster, the token, and where the data lies."""

    cluster: str
    token: str
    place: str


@dataclass(frozen=True, slots=True)
class AboutBase:
    """What is written down beside a base backup.

    ``start`` and ``end`` are positions in the log, in bytes; ``began_at`` is microseconds since 1970 UTC;
    ``size_bytes`` is that of the copy. ``ledger_key`` is the key's check value, which does not tell the key.
    """

    cluster: str
    ledger_key: str
    began_at: int
    timeline: int
    start: int
    end: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Base:
    """A whole base backup."""

    path: Path
    about: AboutBase

    @property
    def data(self) -> Path:
        """The copy of the cluster."""
        return self.path / DATA


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a data folder remembers of its archive; ``is_claimed`` once the folder has had its OWNER."""

    folder: str
    token: str
    is_claimed: bool

    @classmethod
    def read(cls, data_directory: Path) -> Self | None:
        """What is remembered; None where nothing is archived."""
        try:
            return cls(**json.loads((data_directory / REMEMBERED_FILE).read_bytes()))
        except FileNotFoundError:
            return None

    def write(self, data_directory: Path) -> None:
        """Remember, durably."""
        write_durably(data_directory / REMEMBERED_FILE, self)


class BackupFolder:
    """A folder of base backups and archived log."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.bases = self.directory / BASE_FOLDER
        self.wal = self.directory / WAL_FOLDER

    def make(self) -> None:
        """Make the folder where it is missing; the server's account must get through, not look around."""
        self.directory.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)

    def prepare(self, account: ServerAccount) -> None:
        """Make the folder's parts where they are missing, for the server's account alone."""
        for part in (self.bases, self.wal):
            account.make_directory(part)

    def owner(self) -> Owner | None:
        """Whose the folder is; None before it is anybody's. Raises EmbeddedPostgresError where that cannot be read."""
        try:
            return Owner(**json.loads((self.directory / OWNER_FILE).read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise EmbeddedPostgresError(f"{self.directory / OWNER_FILE} cannot be read: {error}") from error

    def refuse_used(self) -> None:
        """Raise EmbeddedPostgresError where the folder is another's; asked before a new database is made."""
        owner = self.owner()
        if owner is not None:
            raise EmbeddedPostgresError(
                f"CITYPOINTS_BACKUP: {self.directory} holds the backup of the ledger of {owner.place}, and here is "
                "none yet: `citypoints restore` brings that one back; for a new one another folder is wanted"
            )

    def claim(self, data_directory: Path, cluster: str) -> Remembered:
        """Make sure that the folder is this data folder's, and return what that one remembers of it.

        Raises EmbeddedPostgresError where it belongs to another ledger or has lost its OWNER, as an unmounted disk has.
        """
        if self.directory.is_relative_to(data_directory.resolve()):
            raise EmbeddedPostgresError(
                f"CITYPOINTS_BACKUP: {self.directory} lies inside the database's own folder {data_directory} and would "
                "be lost with it; wanted is a folder elsewhere, best on another disk"
            )
        remembered = Remembered.read(data_directory)
        if remembered is None or remembered.folder != str(self.directory):
            remembered = Remembered(str(self.directory), new_token(), is_claimed=False)
        owner = self.owner()
        if owner is None and remembered.is_claimed:
            raise EmbeddedPostgresError(
                f"CITYPOINTS_BACKUP: {self.directory} was this ledger's and has no file {OWNER_FILE} now: is its disk "
                f"mounted? To begin anew in an empty folder, remove {data_directory / REMEMBERED_FILE}"
            )
        if owner is not None and (owner.cluster, owner.token) != (cluster, remembered.token):
            whose = "a copy of this ledger" if owner.cluster == cluster else "another ledger"
            raise EmbeddedPostgresError(
                f"CITYPOINTS_BACKUP: {self.directory} belongs to {whose}, {owner.place}: wanted is a folder of this "
                "ledger's own (`citypoints restore` brings back what lies in there)"
            )
        # First here, then there: cut short in between, the next start goes on with the same token.
        remembered.write(data_directory)
        if owner is None:
            self.put_owner(Owner(cluster, remembered.token, place_of(data_directory)))
        remembered = Remembered(remembered.folder, remembered.token, is_claimed=True)
        remembered.write(data_directory)
        return remembered

    def put_owner(self, owner: Owner) -> None:
        """Write down, durably, whose the folder is now; the server's account must read it."""
        write_durably(self.directory / OWNER_FILE, owner, mode=0o644)

    @contextmanager
    def taking_a_backup(self) -> Iterator[int]:
        """Hold the right to add and remove base backups; gives the lock, for programmes that work on when we end.

        Raises EmbeddedPostgresError while somebody else has it.
        """
        descriptor = open_lock(self.directory / "backup.lock")
        try:
            if not try_lock(descriptor):
                raise EmbeddedPostgresError(f"another backup into {self.directory} is under way; try again later")
            yield descriptor
        finally:
            os.close(descriptor)

    def has_base(self) -> bool:
        """Whether there is a whole base backup, without which the stored log is of no use."""
        return self.bases.is_dir() and any(_BASE_NAME.fullmatch(path.name) for path in self.bases.iterdir())

    def list_bases(self) -> list[Base]:
        """The whole base backups, oldest first. Raises EmbeddedPostgresError where one's description is damaged."""
        if not self.bases.is_dir():
            return []
        found = []
        for path in sorted(self.bases.iterdir()):
            if _BASE_NAME.fullmatch(path.name):
                try:
                    about = AboutBase(**json.loads((path / ABOUT_FILE).read_bytes()))
                except (OSError, ValueError, TypeError) as error:
                    raise EmbeddedPostgresError(
                        f"the base backup {path} is damaged, {ABOUT_FILE} cannot be read: move it aside to use an "
                        f"older one ({error})"
                    ) from error
                found.append(Base(path, about))
        return found

    def archived(self) -> dict[str, Path]:
        """The stored files of the log, by the names that PostgreSQL gave them."""
        if not self.wal.is_dir():
            return {}
        return {match["name"]: path for path in self.wal.iterdir() if (match := STORED.fullmatch(path.name))}

    def archived_segments(self) -> dict[Segment, Path]:
        """The stored segments; not histories, and not the halves of segments that a restore has left."""
        return {
            segment: path
            for name, path in self.archived().items()
            if (segment := Segment.of_name(name)) and segment.name == name
        }

    def histories(self) -> dict[int, str]:
        """The history files, by timeline; raises SegmentDamaged where one is not what was stored."""
        return {
            int(match[1], 16): unpacked(path).decode("ascii")
            for name, path in self.archived().items()
            if (match := _HISTORY.fullmatch(name))
        }


def place_of(data_directory: Path) -> str:
    """Where a data folder lies, for people."""
    return f"{socket.gethostname()}:{data_directory.resolve()}"


def new_token() -> str:
    """A token that no folder had before."""
    return secrets.token_hex(_TOKEN_BYTES)


def write_durably(path: Path, content: "DataclassInstance", mode: int = _FILE_MODE) -> None:
    """Write a dataclass as JSON, in one step, in the place of what was there."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        json.dump(asdict(content), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
    flush_folder(path.parent)
