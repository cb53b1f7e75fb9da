"""Under which operating-system account PostgreSQL's programs run.

PostgreSQL refuses to run as root. An ordinary user runs it as it is. Root runs it in a user namespace of its own,
in which root's files stay its files but it counts as another user. Where namespaces are forbidden (as in many
containers) root runs it as ``nobody``; and where ``nobody`` may not even enter the directories, as under ``/root``,
with the one capability to pass them. So the data lies where the operator asked for it, in every case.
"""

import os
import pwd
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ledger.embedded.errors import EmbeddedPostgresError


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """How to run a program as the account that owns the database.

    ``name`` is for messages. ``owner_id`` and ``group_id`` are the owner of the database's files as this process sees
    them. ``prefix`` stands before each command.
    """

    name: str
    owner_id: int
    group_id: int
    prefix: tuple[str, ...] = ()

    def command(self, program: str | Path, *arguments: str | Path) -> list[str]:
        """The command that runs ``program`` as this account."""
        return [*self.prefix, str(program), *map(str, arguments)]

    def run(
        self, program: str | Path, *arguments: str | Path, keep_open: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run a program to its end and return its exit code and output.

        ``keep_open`` are descriptors that it inherits: a lock is then held for as long as it runs, also when this
        process is killed. Raises EmbeddedPostgresError where it cannot be started at all.
        """
        try:
            return subprocess.run(  # noqa: S603 - our own programs with our own arguments
                self.command(program, *arguments),
                check=False,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                # This process may stand where the account may not even look.
                cwd="/",
                env=server_environment(),
                pass_fds=keep_open,
            )
        except OSError as error:
            raise EmbeddedPostgresError(f"cannot run {error.filename}: {error.strerror}") from error

    def obstacle(self, files: Iterable[Path], directories: Iterable[Path]) -> str | None:
        """What keeps this account from reading the files and entering the directories; None if nothing does."""
        # Really tried, for access(2), which `test -r` asks, answers for the user rather than for the process.
        attempts = [("head", "--bytes=1", file) for file in files]
        attempts += [("stat", "--format=", directory / ".") for directory in directories]
        for attempt in attempts:
            tried = self.run(*attempt)
            if tried.returncode != 0:
                return f"{self.name}: {tried.stderr.strip()}"
        return None

    def make_directory(self, path: Path) -> None:
        """Make a directory that only this account can enter; one that is there already must be its own.

        Raises EmbeddedPostgresError if it is somebody else's, OSError if it cannot be made.
        """
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            self.check_owner(path)
            path.chmod(0o700)
        else:
            os.chown(path, self.owner_id, self.group_id)

    def check_owner(self, path: Path) -> None:
        """Raise EmbeddedPostgresError unless ``path`` is a directory, not a link to one, of this account."""
        if path.is_symlink() or not path.is_dir():
            raise EmbeddedPostgresError(f"{path} is in the way: wanted is a directory, or nothing")
        found = path.stat().st_uid
        if found != self.owner_id:
            raise EmbeddedPostgresError(
                f"{path} belongs to user id {found}, but the embedded PostgreSQL would run as {self.name}, user id "
                f"{self.owner_id}: start it as the user it belongs to, or change the owner"
            )


def server_environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: nothing of ours, above all no PG* variable."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def choose_account(files: Sequence[Path], directories: Sequence[Path], cluster: Path) -> ServerAccount:
    """Choose an account that can read ``files``, enter ``directories`` and owns ``cluster``, where that exists.

    Raises EmbeddedPostgresError, saying what stood in the way of each, if there is none.
    """
    if os.geteuid() != 0:
        return ServerAccount("this user", os.geteuid(), os.getegid())
    obstacles = []
    for account in accounts_for_root():
        if cluster.exists() and cluster.stat().st_uid != account.owner_id:
            obstacles.append(f"{account.name}: {cluster} belongs to user id {cluster.stat().st_uid}")
        elif (obstacle := account.obstacle(files, directories)) is None:
            return account
        else:
            obstacles.append(obstacle)
    raise EmbeddedPostgresError(
        "PostgreSQL refuses to run as root, and no other account will do:\n  "
        + "\n  ".join(obstacles)
        + "\nStart as an ordinary user, or set DATABASE_URL."
    )


def accounts_for_root() -> list[ServerAccount]:
    """The accounts that root can use in place of its own, the one with the fewest rights first."""
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedPostgresError(
            "PostgreSQL refuses to run as root, and there is no user 'nobody' to run it: "
            "start as an ordinary user, or set DATABASE_URL"
        ) from error
    # initdb looks its user up by number, so the namespace maps to one that surely has a name.
    namespace = ("unshare", "--user", f"--map-user={nobody.pw_uid}", f"--map-group={nobody.pw_gid}")
    plain = ("setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups")
    # Without the secure bit access(2), by which initdb finds its neighbours, leaves the capability out of account.
    capability = ("--securebits=+no_setuid_fixup", "--inh-caps=+dac_override", "--ambient-caps=+dac_override")
    return [
        ServerAccount("root in a user namespace", 0, 0, namespace),
        ServerAccount("nobody", nobody.pw_uid, nobody.pw_gid, plain),
        ServerAccount("nobody with CAP_DAC_OVERRIDE", nobody.pw_uid, nobody.pw_gid, (*plain, *capability)),
    ]
