"""The embedded server with real processes: started, shared, killed, moved, refused."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ledger.embedded import EmbeddedPostgres, EmbeddedPostgresError

ROOT = Path(__file__).resolve().parents[2]

USE_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from ledger.embedded import EmbeddedPostgres
server = EmbeddedPostgres.start(Path(sys.argv[1]))
print(server.service_url(), flush=True)
time.sleep(120)
"""

FORK_A_WORKER = """
import os, sys, time
from pathlib import Path
from ledger.embedded import EmbeddedPostgres
server = EmbeddedPostgres.start(Path(sys.argv[1]))
worker = os.fork()
if worker:
    print(worker, flush=True)
time.sleep(120)
"""

NOBODY_ELSE_WILL_DO = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change its account")


def server_processes(data_directory: Path) -> list[int]:
    """Process ids of guards and servers that were started for the data directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if os.fsencode(data_directory / "postgresql") + b"\0" in command:
            found.append(int(process.name))
    return found


def wait_until_no_server_runs(data_directory: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if not server_processes(data_directory):
            return
        time.sleep(0.02)
    pytest.fail(f"still running: {server_processes(data_directory)}")


def postmaster_id(data_directory: Path) -> int:
    return int((data_directory / "postgresql" / "postmaster.pid").read_text().split("\n")[0])


def guard_id(data_directory: Path) -> int:
    return next(process for process in server_processes(data_directory) if process != postmaster_id(data_directory))


@contextmanager
def another_user(data_directory: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server, and is killed at the end if the test has not done so."""
    process = subprocess.Popen(
        [sys.executable, "-c", USE_UNTIL_KILLED, str(data_directory)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("postgresql://")
            yield process
        finally:
            process.kill()


def write_down(url: str, word: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS word (word text)")
        connection.execute("INSERT INTO word VALUES (%s)", (word,))


def words(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM word").fetchall()]


def test_first_start_makes_a_durable_utf8_database_that_listens_on_no_network(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server, psycopg.connect(server.service_url()) as connection:
        shown = {
            name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
            for name in ("fsync", "synchronous_commit", "server_encoding", "listen_addresses", "TimeZone")
        }
        collation = connection.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert shown == {
        "fsync": ("on",),
        "synchronous_commit": ("on",),
        "server_encoding": ("UTF8",),
        "listen_addresses": ("",),
        "TimeZone": ("UTC",),
    }
    assert collation == ("b", "C.UTF-8")


def test_stop_leaves_no_process_and_a_new_start_finds_the_data(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server:
        write_down(server.owner_url(), "kept")
    assert server_processes(tmp_path) == []
    with EmbeddedPostgres.start(tmp_path) as server:
        assert words(server.owner_url()) == ["kept"]


def test_stop_twice_is_harmless(tmp_path: Path) -> None:
    server = EmbeddedPostgres.start(tmp_path)
    server.stop()
    server.stop()
    assert server_processes(tmp_path) == []


def test_service_role_has_no_powers_and_owns_nothing(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server, psycopg.connect(server.service_url()) as connection:
        powers = connection.execute(
            "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles "
            "WHERE rolname = current_user"
        ).fetchone()
        owned = connection.execute(
            "SELECT count(*) FROM pg_shdepend WHERE refobjid = current_user::regrole AND deptype = 'o'"
        ).fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (id int)")
    assert powers == (False, False, False, False, False)
    assert owned == (0,)


def test_owner_role_owns_the_database_but_is_no_superuser(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server, psycopg.connect(server.owner_url()) as connection:
        row = connection.execute(
            "SELECT pg_get_userbyid(datdba), rolsuper FROM pg_database, pg_roles "
            "WHERE datname = current_database() AND rolname = current_user"
        ).fetchone()
    assert row == ("citypoints_owner", False)


def test_a_second_process_shares_the_server_and_the_first_may_leave(tmp_path: Path) -> None:
    first = EmbeddedPostgres.start(tmp_path)
    with another_user(tmp_path):
        shared = postmaster_id(tmp_path)
        first.stop()
        with EmbeddedPostgres.start(tmp_path) as third, psycopg.connect(third.service_url()) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert postmaster_id(tmp_path) == shared
    wait_until_no_server_runs(tmp_path)


def test_killing_the_only_user_leaves_no_server(tmp_path: Path) -> None:
    with another_user(tmp_path) as user:
        assert len(server_processes(tmp_path)) == 2
        user.kill()
        wait_until_no_server_runs(tmp_path)


def test_a_forked_worker_does_not_keep_the_server_when_its_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", FORK_A_WORKER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        try:
            with EmbeddedPostgres.start(tmp_path) as server, psycopg.connect(server.service_url()) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            assert len(server_processes(tmp_path)) == 2
            parent.kill()
            wait_until_no_server_runs(tmp_path)
            os.kill(worker, 0)
        finally:
            parent.kill()
            os.kill(worker, signal.SIGKILL)


def test_killing_the_guard_leaves_no_server(tmp_path: Path) -> None:
    with another_user(tmp_path):
        os.kill(guard_id(tmp_path), signal.SIGKILL)
        wait_until_no_server_runs(tmp_path)


def test_a_start_right_after_the_user_was_killed_waits_for_the_end_and_keeps_data(tmp_path: Path) -> None:
    for round_number in range(3):
        with another_user(tmp_path) as user, EmbeddedPostgres.start(tmp_path) as server:
            write_down(server.owner_url(), f"round {round_number}")
            server.stop()
            user.kill()
    with EmbeddedPostgres.start(tmp_path) as server:
        assert words(server.owner_url()) == ["round 0", "round 1", "round 2"]


def test_a_killed_server_is_recovered_although_its_process_number_is_taken(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server:
        write_down(server.owner_url(), "kept")
        guard, postmaster = guard_id(tmp_path), postmaster_id(tmp_path)
        os.kill(guard, signal.SIGSTOP)
        os.kill(postmaster, signal.SIGKILL)
        os.kill(guard, signal.SIGKILL)
        wait_until_no_server_runs(tmp_path)
    # This test's own process stands for a stranger with a recycled number, at which PostgreSQL would give up.
    process_file = tmp_path / "postgresql" / "postmaster.pid"
    process_file.write_text(process_file.read_text().replace(str(postmaster), str(os.getppid()), 1))
    with EmbeddedPostgres.start(tmp_path) as server:
        assert words(server.owner_url()) == ["kept"]


def test_a_start_while_a_killed_server_is_still_leaving_waits_for_its_end(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server:
        write_down(server.superuser_url(), "kept")
        guard = guard_id(tmp_path)
        os.kill(guard, signal.SIGSTOP)
        os.kill(postmaster_id(tmp_path), signal.SIGKILL)
        # Stopped, the guard holds the lock of a server whose file says that it is ready.
        leaves = threading.Timer(1.0, os.kill, (guard, signal.SIGCONT))
        leaves.start()
        with EmbeddedPostgres.start(tmp_path) as again:
            assert words(again.superuser_url()) == ["kept"]
        leaves.join()


def test_simultaneous_starters_end_up_with_one_server(tmp_path: Path) -> None:
    starters = [
        subprocess.Popen(
            [sys.executable, "-c", USE_UNTIL_KILLED, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    try:
        answers = {starter.stdout.readline() for starter in starters if starter.stdout is not None}
        assert len(answers) == 1
        assert answers.pop().startswith("postgresql://citypoints_app@")
        assert len(server_processes(tmp_path)) == 2
    finally:
        for starter in starters:
            starter.kill()
            starter.communicate()
    wait_until_no_server_runs(tmp_path)


def test_an_initialisation_cut_short_is_begun_again(tmp_path: Path) -> None:
    unfinished = tmp_path / "postgresql.unfinished"
    unfinished.mkdir(mode=0o700)
    (unfinished / "PG_VERSION").write_text("18\n")
    with EmbeddedPostgres.start(tmp_path) as server:
        write_down(server.owner_url(), "complete")
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_works_and_the_socket_is_private(tmp_path: Path) -> None:
    data_directory = tmp_path / ("long-" * 20) / "with space & 城市"
    with EmbeddedPostgres.start(data_directory) as server:
        write_down(server.owner_url(), "reached")
        assert words(server.owner_url()) == ["reached"]
        with psycopg.connect(server.superuser_url()) as connection:
            row = connection.execute("SELECT current_setting('unix_socket_directories')").fetchone()
    assert row is not None
    socket_directory = Path(row[0])
    assert socket_directory.stat().st_mode & 0o777 == 0o700
    assert data_directory not in socket_directory.parents
    socket_directory.rmdir()


def test_a_database_can_be_made_from_a_template_and_dropped(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server:
        server.create_database("pattern")
        write_down(server.owner_url("pattern"), "copied")
        server.create_database("copy", template="pattern")
        assert words(server.owner_url("copy")) == ["copied"]
        with pytest.raises(EmbeddedPostgresError, match=r"'copy'.*already exists"):
            server.create_database("copy")
        server.drop_database("copy")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            words(server.owner_url("copy"))


def test_data_of_another_major_version_is_refused_by_name(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path):
        pass
    (tmp_path / "postgresql" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedPostgresError, match=r"made by PostgreSQL 17, but the embedded one is .* 18"):
        EmbeddedPostgres.start(tmp_path)


def test_a_foreign_directory_is_not_taken_for_a_database(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path):
        pass
    (tmp_path / "postgresql" / "PG_VERSION").unlink()
    with pytest.raises(EmbeddedPostgresError, match="PG_VERSION is missing"):
        EmbeddedPostgres.start(tmp_path)
    assert not (tmp_path / "postgresql" / "PG_VERSION").exists()


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("not a directory")
    with pytest.raises(EmbeddedPostgresError, match=rf"cannot use {tmp_path}/data"):
        EmbeddedPostgres.start(tmp_path / "data")


def test_a_server_that_fails_to_start_shows_its_last_log_lines(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path):
        pass
    (tmp_path / "postgresql" / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedPostgresError, match=r"did not start.*postgres.log(.|\n)*pg_control"):
        EmbeddedPostgres.start(tmp_path)
    assert server_processes(tmp_path) == []


def test_a_server_that_something_else_started_is_left_alone(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path):
        pass
    cluster = tmp_path / "postgresql"
    with subprocess.Popen(["sleep", "60"], cwd=cluster) as stranger:
        try:
            (cluster / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster}\n")
            with pytest.raises(EmbeddedPostgresError, match=f"process {stranger.pid} is a PostgreSQL"):
                EmbeddedPostgres.start(tmp_path)
            assert (cluster / "postmaster.pid").exists()
        finally:
            stranger.kill()


def test_the_log_quotes_no_values_and_keeps_one_earlier_run(tmp_path: Path) -> None:
    with EmbeddedPostgres.start(tmp_path) as server, psycopg.connect(server.owner_url()) as connection:
        connection.execute("CREATE TABLE person (name text UNIQUE)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO person VALUES ('Wang Fang'), ('Wang Fang')")
    log = (tmp_path / "postgres.log").read_text()
    assert "duplicate key value" in log
    assert "Wang Fang" not in log
    with EmbeddedPostgres.start(tmp_path):
        assert (tmp_path / "postgres.log.1").read_text() == log


@NOBODY_ELSE_WILL_DO
def test_root_without_namespaces_runs_the_server_as_nobody_where_the_data_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_namespaces(tmp_path, monkeypatch)
    data_directory = tmp_path / "shut" / "data"
    data_directory.parent.mkdir(mode=0o700)
    for _ in range(2):
        with EmbeddedPostgres.start(data_directory) as server:
            write_down(server.owner_url(), "kept")
            assert Path("/proc", str(postmaster_id(data_directory))).stat().st_uid != 0
    with another_user(data_directory) as user:
        user.kill()
        wait_until_no_server_runs(data_directory)
    with EmbeddedPostgres.start(data_directory) as server:
        assert words(server.owner_url()) == ["kept", "kept"]
        os.kill(guard_id(data_directory), signal.SIGKILL)
        wait_until_no_server_runs(data_directory)


@NOBODY_ELSE_WILL_DO
def test_data_of_nobody_stays_usable_when_namespaces_are_allowed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        refuse_namespaces(tmp_path, patched)
        with EmbeddedPostgres.start(tmp_path / "data") as server:
            write_down(server.owner_url(), "kept")
    with EmbeddedPostgres.start(tmp_path / "data") as server:
        assert words(server.owner_url()) == ["kept"]


@NOBODY_ELSE_WILL_DO
def test_root_that_can_become_nobody_else_is_told_every_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_namespaces(tmp_path, monkeypatch, also="setpriv")
    with pytest.raises(EmbeddedPostgresError, match=r"namespace: refused(.|\n)*nobody: refused(.|\n)*DATABASE_URL"):
        EmbeddedPostgres.start(tmp_path / "data")


def refuse_namespaces(directory: Path, monkeypatch: pytest.MonkeyPatch, also: str = "unshare") -> None:
    """Let `unshare`, and the program ``also``, fail as the kernel of a container makes it fail."""
    programs = directory / "programs"
    programs.mkdir(mode=0o755)
    for name in {"unshare", also}:
        (programs / name).write_text("#!/bin/sh\necho refused >&2\nexit 1\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
