"""The embedded server as the rest of the program sees it: start, addresses, stop."""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from ledger.embedded.account import ServerAccount, choose_account, server_environment
from ledger.embedded.backup_folder import BackupFolder, Remembered
from ledger.embedded.cluster import (
    ARCHIVE,
    DATABASE,
    OWNER_ROLE,
    SERVICE_ROLE,
    SUPERUSER,
    archive_settings,
    cluster_identifier,
    create_database,
    make_cluster,
    make_roles,
    packaged_binaries,
    server_settings,
)
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.locks import POLL_SECONDS, can_lock, lock, locked, open_lock, try_lock
from ledger.embedded.questions import read_archive_command

# Recovery after a crash replays up to max_wal_size, which takes minutes on a slow disk.
START_LIMIT_SECONDS = 300
REFUSAL_LIMIT_SECONDS = 30
# A shutdown ends with a checkpoint of everything in memory.
STOP_LIMIT_SECONDS = 120

# Names the socket; nothing listens on a network.
PORT = 5432
# Room in the kernel's socket address, its end mark not counted.
SOCKET_PATH_LIMIT_BYTES = 107

GUARD = Path(__file__).with_name("guard.py")
CLUSTER = "postgresql"


class EmbeddedPostgres:
    """A PostgreSQL server of our own under a data directory; started if none runs there, shared if one does.

    The server runs until its last user has stopped or died; a process forked from a user is not one. A context
    manager, too: leaving it stops.
    """

    def __init__(self, data_directory: Path, account: ServerAccount, backup: BackupFolder | None = None) -> None:
        self.data_directory = data_directory
        self.bin_directory = packaged_binaries()
        self.log_file = data_directory / "postgres.log"
        self.account = account
        self.backup = backup
        self.cluster = data_directory / CLUSTER
        self._socket_directory = _socket_directory(data_directory)
        self._starting = data_directory / "starting.lock"
        self._using = data_directory / "using.lock"
        self._serving = data_directory / "serving.lock"
        self._use: int | None = None
        # A forked worker inherits the lock, and would keep the server when its parent is gone.
        os.register_at_fork(after_in_child=self._leave_to_parent)

    @classmethod
    def start(cls, data_directory: Path, backup: Path | None = None) -> Self:
        """Use the server under ``data_directory``; at its first start also make the directory, roles and database.

        With a ``backup`` folder the server stores its log there; without one, where it did so before. Raises
        EmbeddedPostgresError, with the server's last words, if it cannot be started, if the folder is not its own, or
        if it runs already without that folder.
        """
        return cls._open(data_directory, backup, START_LIMIT_SECONDS, {}, lambda: None)

    @classmethod
    def recover(
        cls, data_directory: Path, settings: Mapping[str, str], limit_seconds: float, waiting: Callable[[], None]
    ) -> Self:
        """Run a restored cluster until it has replayed its log and takes changes; ``waiting`` is called meanwhile."""
        return cls._open(data_directory, None, limit_seconds, settings, waiting)

    @classmethod
    def _open(
        cls,
        data_directory: Path,
        backup: Path | None,
        limit_seconds: float,
        settings: Mapping[str, str],
        waiting: Callable[[], None],
    ) -> Self:
        try:
            # One place, one socket, whichever way a process names it.
            data_directory = data_directory.resolve()
            # The server's account must get through, not look around.
            data_directory.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
            if backup is None and (remembered := Remembered.read(data_directory)):
                backup = Path(remembered.folder)
            folder = None if backup is None else BackupFolder(backup)
            files, directories = [packaged_binaries() / "postgres", GUARD, ARCHIVE, interpreter()], [data_directory]
            if folder is not None:
                folder.make()
                directories.append(folder.directory)
            account = choose_account(files, directories, data_directory / CLUSTER)
            server = cls(data_directory, account, folder)
            server._start(limit_seconds, settings, waiting)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL cannot use {error.filename or data_directory}: {error.strerror}"
            ) from error
        except psycopg.Error as error:
            raise EmbeddedPostgresError(f"the embedded PostgreSQL does not answer: {error}") from error
        return server

    def stop(self) -> None:
        """Stop using the server; if nobody else uses it, return when it has shut down. Again does nothing.

        Raises EmbeddedPostgresError if the shutdown takes longer than STOP_LIMIT_SECONDS.
        """
        if self._use is None:
            return
        os.close(self._use)
        self._use = None
        deadline = time.monotonic() + STOP_LIMIT_SECONDS
        while not can_lock(self._serving) and not self._others_use():
            if time.monotonic() > deadline:
                raise EmbeddedPostgresError(f"the embedded PostgreSQL did not stop; see {self.log_file}")
            time.sleep(POLL_SECONDS)

    def service_url(self, database: str = DATABASE) -> str:
        """Address for the service's role, which owns nothing."""
        return self._url(SERVICE_ROLE, database)

    def owner_url(self, database: str = DATABASE) -> str:
        """Address for the role that owns the databases and migrates them."""
        return self._url(OWNER_ROLE, database)

    def superuser_url(self, database: str = "postgres") -> str:
        """Address for the server's superuser; for tests and measurements only."""
        return self._url(SUPERUSER, database)

    def create_database(self, name: str, template: str | None = None) -> None:
        """Make a database of the owner's, empty or as a copy of ``template``, which nobody may be using.

        Raises EmbeddedPostgresError if the name is taken or the template missing or in use.
        """
        try:
            with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
                create_database(connection, name, template)
        except psycopg.Error as error:
            raise EmbeddedPostgresError(f"cannot create database {name!r}: {error}") from error

    def drop_database(self, name: str) -> None:
        """Drop a database, ending the sessions in it; one that does not exist is fine."""
        with psycopg.connect(self.superuser_url(), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def _leave_to_parent(self) -> None:
        if self._use is not None:
            os.close(self._use)
            self._use = None

    def _url(self, role: str, database: str) -> str:
        host = quote(str(self._socket_directory), safe="/")
        return f"postgresql://{role}@/{quote(database, safe='')}?host={host}&port={PORT}"

    def _start(self, limit_seconds: float, settings: Mapping[str, str], waiting: Callable[[], None]) -> None:
        deadline = time.monotonic() + limit_seconds
        with locked(self._starting, deadline=deadline, waiting_for=f"another start in {self.data_directory}"):
            use = open_lock(self._using)
            try:
                lock(use, deadline=deadline, waiting_for="the server, which is stopping", shared=True)
                self._run_until_ready(deadline, settings, waiting)
                self._check_archiving()
            except BaseException:
                os.close(use)
                raise
            self._use = use

    def _run_until_ready(self, deadline: float, settings: Mapping[str, str], waiting: Callable[[], None]) -> None:
        launched = False
        refused_since: float | None = None
        while time.monotonic() < deadline:
            serving = open_lock(self._serving)
            try:
                if try_lock(serving):
                    if launched:
                        raise EmbeddedPostgresError(f"the embedded PostgreSQL did not start: {self._last_words()}")
                    self._launch(serving, settings)
                    launched = True
            finally:
                os.close(serving)
            if self._is_ready():
                try:
                    # A start that was killed half-way may have left out the roles, so each user looks.
                    make_roles(self.superuser_url())
                except psycopg.OperationalError:
                    # A server that was killed says "ready" for ever, and its last processes hold its lock a little.
                    refused_since = refused_since or time.monotonic()
                    if time.monotonic() - refused_since > REFUSAL_LIMIT_SECONDS:
                        raise
                else:
                    return
            waiting()
            time.sleep(POLL_SECONDS)
        raise EmbeddedPostgresError(f"the embedded PostgreSQL is not ready after long: {self._last_words()}")

    def _launch(self, serving: int, more_settings: Mapping[str, str]) -> None:
        """Start guard and server, who inherit the locked descriptor ``serving``; no server of ours runs now."""
        if self.backup is not None and not self.cluster.exists():
            self.backup.refuse_used()
        make_cluster(self.cluster, self.bin_directory, self.account)
        self._remove_leavings()
        self.account.make_directory(self._socket_directory)
        if self.log_file.exists():
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        settings = {**server_settings(self._socket_directory), **self._archiving(), **more_settings}
        server = [self.bin_directory / "postgres", "-D", self.cluster, "-p", PORT]
        server += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        # The guard waits on a lock of its own, not on this process's.
        using = open_lock(self._using)
        log = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            subprocess.run(  # noqa: S603 - our own programs with our own arguments
                self.account.command(interpreter(), "-I", "-S", GUARD, str(using), str(serving), *map(str, server)),
                check=False,
                cwd="/",
                env=server_environment(),
                pass_fds=(using, serving),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        finally:
            os.close(log)
            os.close(using)

    def _archiving(self) -> dict[str, str]:
        """The settings by which the log is stored in the backup folder, after seeing that the folder is ours."""
        if self.backup is None:
            return {}
        cluster = cluster_identifier(self.cluster, self.bin_directory, self.account)
        remembered = self.backup.claim(self.data_directory, cluster)
        self.backup.prepare(self.account)
        return archive_settings(interpreter(), self.backup.directory, remembered.token)

    def _check_archiving(self) -> None:
        """Raise EmbeddedPostgresError where the server, which somebody else started, does not use our backup folder."""
        if self.backup is None:
            return
        remembered = Remembered.read(self.data_directory)
        with psycopg.connect(self.superuser_url()) as connection:
            command = read_archive_command(connection)
        if remembered is None or remembered.token not in command:
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL runs already, without CITYPOINTS_BACKUP={self.backup.directory}: stop what "
                f"uses {self.data_directory} (`citypoints serve`, a worker), then start it with that setting"
            )

    def _remove_leavings(self) -> None:
        """Remove what a killed server left, whose process number may be another's by now.

        Raises EmbeddedPostgresError if that process is a server after all, one that we did not start.
        """
        process_file = self.cluster / "postmaster.pid"
        if process_file.exists():
            process = process_file.read_text(encoding="utf-8").partition("\n")[0]
            works_in = Path("/proc", process, "cwd")
            if works_in.exists() and works_in.samefile(self.cluster):
                raise EmbeddedPostgresError(
                    f"process {process} is a PostgreSQL on {self.cluster} that something else started: stop it first"
                )
            process_file.unlink()
        for leaving in self._socket_directory.glob(".s.PGSQL.*"):
            leaving.unlink()

    def _is_ready(self) -> bool:
        """Whether the server, which runs, takes connections: the eighth line of its process file says so."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return False
        return lines[7:8] == ["ready   "]

    def _others_use(self) -> bool:
        """Whether others share the server; not so while nobody does, nor while the guard holds it back to stop."""
        return not can_lock(self._using) and can_lock(self._using, shared=True)

    def _last_words(self) -> str:
        lines = self.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n  ".join([f"the last lines of {self.log_file} are", *(lines[-12:] or ["(nothing)"])])


def interpreter() -> Path:
    """The Python of guard and archive: not by the virtual environment, which the server's account may not reach."""
    return Path(sys.executable).resolve()


def _socket_directory(data_directory: Path) -> Path:
    """A directory whose sockets have addresses short enough for the kernel; the same for every process."""
    directory = data_directory / "socket"
    if len(os.fsencode(directory / f".s.PGSQL.{PORT}.lock")) <= SOCKET_PATH_LIMIT_BYTES:
        return directory
    digest = hashlib.sha256(os.fsencode(data_directory)).hexdigest()[:16]
    # Not tempfile's directory, which depends on the environment of each process.
    return Path("/tmp") / f"citypoints-{os.geteuid()}-{digest}"  # noqa: S108 - make_directory refuses one of others
