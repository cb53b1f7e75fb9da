"""backup and restore as an operator gives them, with every way in which a backup may turn out not to be whole."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from prometheus_client import REGISTRY

from api.settings import Settings
from api.worker.jobs import measure
from ledger.embedded import EmbeddedPostgres
from ledger.embedded.backup_folder import BackupFolder
from ledger.embedded.wal_chain import SEGMENT_BYTES, Segment
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from tests.command_line import CommandLine

MARKS = 4
SEGMENT_NAME_LENGTH = 24
PATIENCE_SECONDS = 60


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, "not so for too long"
        time.sleep(0.02)


def backed_up(folder: Path, backup: Path) -> CommandLine:
    return CommandLine(folder, {"CITYPOINTS_BACKUP": str(backup)})


def mark(command: CommandLine, number: int) -> None:
    """Commit something that can be seen later, and end its segment."""
    command.done("partners", "add", f"P{number}", "--kind", "bank", "--name", f"P{number}")
    folder = BackupFolder(Path(command.variables["CITYPOINTS_BACKUP"]))
    with EmbeddedPostgres.start(command.data_directory / "postgres") as server:
        before = len(folder.archived_segments())
        with psycopg.connect(server.superuser_url(), autocommit=True) as connection:
            connection.execute("select pg_switch_wal()")
        wait_until(lambda: len(folder.archived_segments()) > before)


def marks(command: CommandLine) -> list[str]:
    return [partner["code"] for partner in command.json("partners", "list")["partners"]]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the backup of a ledger that was lost: a base backup, and a mark in each of some later segments."""
    folder = tmp_path_factory.mktemp("saved")
    command = backed_up(folder / "data", folder / "backup")
    command.done("init", "--lanes", "2")
    # The one server stays up: each start would end segments of its own.
    with EmbeddedPostgres.start(folder / "data" / "postgres", folder / "backup"):
        command.done("backup")
        for number in range(MARKS):
            mark(command, number)
    shutil.rmtree(folder / "data" / "postgres")
    return folder


@pytest.fixture
def lost(saved: Path, tmp_path: Path) -> CommandLine:
    """An installation that has lost its database, for a rehearsal: it stores nothing. Its backup is beside it."""
    shutil.copytree(saved, tmp_path / "copy")
    return CommandLine(tmp_path / "copy" / "data", {})


def backup_of(lost: CommandLine) -> Path:
    return lost.data_directory.parent / "backup"


def marked_segments(lost: CommandLine) -> list[Path]:
    """The files of the segments that end with a mark, in order: the last ones."""
    stored = BackupFolder(backup_of(lost)).archived_segments()
    return [stored[segment] for segment in sorted(stored)][-MARKS:]


def test_a_backup_needs_a_folder_and_the_embedded_database(nowhere: CommandLine, live: CommandLine) -> None:
    nowhere.done("init", "--lanes", "1")
    assert "CITYPOINTS_BACKUP is not set" in nowhere.fails("backup", code=2)
    assert "neither --from nor CITYPOINTS_BACKUP" in nowhere.fails("restore", code=2)
    assert "is not a folder" in nowhere.fails("restore", "--from", "/nonexistent", code=2)
    for command in ("backup", "restore"):
        told = live.fails(command, code=2)
        assert "pgBackRest" in told
        assert "citypoints new-epoch" in told


def test_a_restore_brings_all_back_and_says_up_to_when(lost: CommandLine) -> None:
    told = lost.json("restore", "--from", str(backup_of(lost)))
    assert (told["differences"], told["difference_count"], told["timeline"], told["epoch"]) == ([], 0, 2, 1)
    assert told["complete_until"] <= told["last_segment_stored_at"]
    assert marks(lost) == [f"P{number}" for number in range(MARKS)]
    assert lost.json("audit")["difference_count"] == 0
    assert sorted(path.name for path in lost.data_directory.iterdir()) == [
        "ledger.key",
        "postgres",
        "restore.lock",
        "seal.key",
    ]
    refused = lost.fails("restore", "--from", str(backup_of(lost)))
    assert "a restore overwrites none" in refused
    assert "move that folder aside" in refused


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_gap_is_named_and_nothing_behind_it_is_lost_unless_that_is_asked_for(lost: CommandLine, damage: str) -> None:
    third = marked_segments(lost)[2]
    if damage == "missing":
        third.unlink()
    else:
        packed = third.read_bytes()
        third.write_bytes(packed[:2000] + bytes([packed[2000] ^ 255]) + packed[2001:])
    told = lost.fails("restore", "--from", str(backup_of(lost)))
    assert f"segment {third.name.partition('-')[0]} of the log is {damage}" in told
    assert "the log goes on behind it (1 stored)" in told
    assert not (lost.data_directory / "postgres").exists()
    assert not (lost.data_directory / "postgres.restoring").exists()
    lost.json("restore", "--from", str(backup_of(lost)), "--up-to-gap")
    assert marks(lost) == ["P0", "P1"]
    assert lost.json("audit")["difference_count"] == 0


@pytest.mark.parametrize("victim", ["data/base/1/1259", "data/backup_manifest", "data/global/pg_control"])
def test_a_damaged_base_backup_is_named(lost: CommandLine, victim: str) -> None:
    [base] = (backup_of(lost) / "base").iterdir()
    os.truncate(base / victim, (base / victim).stat().st_size // 2)
    told = lost.fails("restore", "--from", str(backup_of(lost)))
    assert f"the base backup {base} is damaged" in told
    assert not (lost.data_directory / "postgres.restoring").exists()


def test_a_base_backup_without_its_description_is_named(lost: CommandLine) -> None:
    [base] = (backup_of(lost) / "base").iterdir()
    (base / "backup.json").write_text("{")
    assert f"the base backup {base} is damaged" in lost.fails("restore", "--from", str(backup_of(lost)))
    shutil.rmtree(base)
    assert "has no base backup" in lost.fails("restore", "--from", str(backup_of(lost)))


def test_another_ledger_key_or_none_is_refused_before_anything_is_done(lost: CommandLine) -> None:
    key = lost.data_directory / "ledger.key"
    key.write_text("cd" * 32)
    told = lost.fails("restore", "--from", str(backup_of(lost)))
    assert "another ledger key" in told
    assert "cdcd" not in told
    key.unlink()
    assert "put your copy of the ledger key there" in lost.fails("restore", "--from", str(backup_of(lost)), code=2)
    assert [path.name for path in lost.data_directory.iterdir() if path.name.startswith("postgres")] == []


def test_a_restore_that_is_killed_is_begun_again_and_nothing_else_starts_meanwhile(
    lost: CommandLine, tmp_path: Path
) -> None:
    restoring, restored = lost.data_directory / "postgres.restoring", lost.data_directory / "postgres"
    moments = (restoring / "segments.list", restoring / "postgresql" / "backup_label.old", restored / "restored.json")
    for moment in moments:
        running = lost.start(tmp_path / "log", "restore", "--from", str(backup_of(lost)))
        wait_until(moment.exists)
        running.kill()
        running.wait(PATIENCE_SECONDS)
        assert "was cut short" in lost.fails("init")
    assert lost.json("restore", "--from", str(backup_of(lost)))["epoch"] == 1
    assert marks(lost) == [f"P{number}" for number in range(MARKS)]
    assert not restoring.exists()
    assert not moments[-1].exists()


def test_a_restored_ledger_takes_its_folder_over_and_can_be_restored_again(lost: CommandLine) -> None:
    folder = BackupFolder(backup_of(lost))
    command = backed_up(lost.data_directory, folder.directory)
    old = folder.owner()
    assert "is in use by" in command.fails("restore")
    command.json("restore", "--take-over")
    new = folder.owner()
    assert old is not None
    assert new is not None
    assert (old.cluster, new.place.partition(":")[2]) == (new.cluster, str(lost.data_directory / "postgres"))
    assert old.token != new.token
    with EmbeddedPostgres.start(command.data_directory / "postgres"):
        mark(command, MARKS)
        command.done("backup")
        mark(command, MARKS + 1)
    shutil.rmtree(lost.data_directory / "postgres")
    assert command.json("restore", "--base", folder.list_bases()[0].path.name)["timeline"] == 3
    assert marks(command) == [f"P{number}" for number in range(MARKS + 2)]
    shutil.rmtree(lost.data_directory / "postgres")
    assert command.json("restore")["timeline"] == 4
    assert marks(command) == [f"P{number}" for number in range(MARKS + 2)]


def test_the_newest_backups_are_kept_with_all_that_they_need(tmp_path: Path) -> None:
    command = backed_up(tmp_path / "data", tmp_path / "backup")
    command.done("init", "--lanes", "1")
    folder = BackupFolder(tmp_path / "backup")
    names = []
    # The one server stays up, since each start takes its time.
    with EmbeddedPostgres.start(command.data_directory / "postgres", folder.directory):
        for number in range(3):
            names.append(Path(command.json("backup", "--keep", "2")["base"]).name)
            mark(command, number)
        assert [base.path.name for base in folder.list_bases()] == names[1:]
        oldest, newest = folder.list_bases()[0].about.start // SEGMENT_BYTES, max(folder.archived_segments()).number
        assert {segment.number for segment in folder.archived_segments()} == set(range(oldest, newest + 1))
        line = command.done("backup", "--keep", "2")
    assert "removed 1 older ones" in line
    assert "keep copies of them apart" in line
    [older, _] = folder.list_bases()
    shutil.rmtree(command.data_directory / "postgres")
    assert command.json("restore", "--base", older.path.name)["base"] == older.path.name
    assert marks(command) == ["P0", "P1", "P2"]


def test_of_two_backups_at_once_one_is_refused_and_a_killed_one_leaves_nothing(tmp_path: Path) -> None:
    command = backed_up(tmp_path / "data", tmp_path / "backup")
    command.done("init", "--lanes", "1")
    folder = BackupFolder(tmp_path / "backup")
    with EmbeddedPostgres.start(command.data_directory / "postgres"):
        with folder.taking_a_backup():
            assert "another backup into" in command.fails("backup")
        running = command.start(tmp_path / "log", "backup")
        wait_until(lambda: any(folder.bases.glob("*.unfinished")))
        running.kill()
        running.wait(PATIENCE_SECONDS)
        # What the killed one has started still copies, and keeps others out until it ends.
        wait_until(lambda: command.run("backup").code == 0)
    assert [path.name for path in folder.bases.iterdir()] == [base.path.name for base in folder.list_bases()]
    assert len(folder.list_bases()) == 1


def test_the_folder_of_another_ledger_is_refused_and_nothing_is_made(lost: CommandLine, tmp_path: Path) -> None:
    other = backed_up(tmp_path / "other", backup_of(lost))
    assert "holds the backup of the ledger of" in other.fails("init")
    assert not (other.data_directory / "postgres" / "postgresql").exists()
    CommandLine(other.data_directory, {}).done("init", "--lanes", "1")
    assert "belongs to another ledger" in other.fails("backup")
    inside = backed_up(other.data_directory, other.data_directory / "postgres" / "backup")
    assert "lies inside the database's own folder" in inside.fails("backup")


def test_a_server_that_runs_without_the_folder_is_not_taken_for_one_that_stores_its_log(
    nowhere: CommandLine, tmp_path: Path
) -> None:
    nowhere.done("init", "--lanes", "1")
    command = backed_up(nowhere.data_directory, tmp_path / "backup")
    with EmbeddedPostgres.start(nowhere.data_directory / "postgres"):
        told = command.fails("backup")
        assert "runs already, without CITYPOINTS_BACKUP" in told
    command.done("backup")
    # From now on also where the setting is forgotten.
    assert "Base backup" in nowhere.done("backup")


async def test_a_folder_that_is_lost_stops_the_storing_and_not_the_ledger_and_is_told(tmp_path: Path) -> None:
    command = backed_up(tmp_path / "data", tmp_path / "backup")
    command.done("init", "--lanes", "1")
    folder = BackupFolder(tmp_path / "backup")
    with EmbeddedPostgres.start(command.data_directory / "postgres") as server:
        mark(command, 0)
        key = LedgerKey(bytes.fromhex((command.data_directory / "ledger.key").read_text()))
        settings = Settings(data_directory=command.data_directory)
        async with Engine.open(server.service_url(), key) as engine:
            assert await measure(engine, settings) == "0 deliveries wait"
            assert REGISTRY.get_sample_value("citypoints_wal_archive_failing") == 0
            owner = folder.directory / "OWNER"
            owner.rename(folder.directory / "OWNER.away")
            with psycopg.connect(server.superuser_url(), autocommit=True) as superuser:
                superuser.execute("select pg_logical_emit_message(true, 'test', 'something')")
                superuser.execute("select pg_switch_wal()")
                wait_until(
                    lambda: superuser.execute("select failed_count > 0 from pg_stat_archiver").fetchone() == (True,)
                )
            assert await measure(engine, settings) == "0 deliveries wait; the database cannot store its log"
            assert REGISTRY.get_sample_value("citypoints_wal_archive_failing") == 1
            command.done("partners", "add", "P1", "--kind", "bank", "--name", "P1")
    assert "has no file OWNER" in command.fails("partners", "list")
    (folder.directory / "OWNER.away").rename(owner)
    assert marks(command) == ["P0", "P1"]
    assert all(Segment.of_name(segment.name) for segment in folder.archived_segments())
    assert json.loads(owner.read_bytes())["place"].endswith(str(command.data_directory / "postgres"))


def test_what_an_old_disk_still_has_of_the_log_is_put_into_the_folder_by_hand(tmp_path: Path) -> None:
    command = backed_up(tmp_path / "data", tmp_path / "backup")
    command.done("init", "--lanes", "1")
    with EmbeddedPostgres.start(command.data_directory / "postgres") as server:
        command.done("backup")
        mark(command, 0)
        command.done("partners", "add", "P1", "--kind", "bank", "--name", "P1")
        os.kill(int((server.cluster / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    (command.data_directory / "postgres").rename(tmp_path / "old")
    stored = {segment.name for segment in BackupFolder(tmp_path / "backup").archived_segments()}
    left = [path for path in (tmp_path / "old" / "postgresql" / "pg_wal").iterdir() if Segment.of_name(path.name)]
    missing = sorted(path for path in left if path.name > max(stored) and len(path.name) == SEGMENT_NAME_LENGTH)
    assert missing
    for path in missing:
        # As the docs have it.
        by_hand = f"gzip -1 -c {path} > {tmp_path}/backup/wal/{path.name}-$(sha256sum {path} | cut -c-64).gz"
        subprocess.run(["sh", "-c", by_hand], check=True)
    assert command.json("restore")["difference_count"] == 0
    assert marks(command) == ["P0", "P1"]


def test_restores_at_once_are_one(lost: CommandLine, tmp_path: Path) -> None:
    first = lost.start(tmp_path / "log", "restore", "--from", str(backup_of(lost)))
    wait_until((lost.data_directory / "postgres.restoring").exists)
    assert "another restore into" in lost.fails("restore", "--from", str(backup_of(lost)))
    assert first.wait(PATIENCE_SECONDS) == 0
    first.send_signal(signal.SIGTERM)
    assert marks(lost) == [f"P{number}" for number in range(MARKS)]
