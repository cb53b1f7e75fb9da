"""``citypoints new-epoch``: what an operator does who has restored the database by other means."""

import json
import os
import signal
import time
from pathlib import Path

import psycopg

from tests.command_line import CommandLine
from tests.databases import LedgerDatabase

LIMIT_SECONDS = 60


def beginnings(database: LedgerDatabase) -> list[tuple[int, int]]:
    """The lane and number of every beginning."""
    with psycopg.connect(database.superuser_url) as connection:
        return connection.execute("select lane, epoch from epoch_starts order by lane, epoch").fetchall()


def test_each_run_begins_the_next_epoch_in_every_lane(live: CommandLine, database: LedgerDatabase) -> None:
    assert live.done("new-epoch", "--reason", "snapshot of 02:00") == "Epoch 1 has begun in every lane."
    told = live.json("new-epoch", "--reason", "another", "--restored-to", "2026-11-23T09:00:00+08:00")
    assert (told["epoch"], told["superseded_seals"], told["was_interrupted"]) == (2, [], False)
    assert len(bytes.fromhex(told["identity"])) == 16
    assert beginnings(database) == [(lane, epoch) for lane in range(4) for epoch in (1, 2)]
    with psycopg.connect(database.superuser_url) as connection:
        rows = connection.execute("select reason, restored_to::text from epochs order by number").fetchall()
        connection.execute("set time zone 'UTC'")
    assert [reason for reason, _ in rows] == ["snapshot of 02:00", "another"]
    assert rows[0][1] is None
    assert live.run("audit").code == 0


def test_a_killed_run_is_finished_by_the_next_one(live: CommandLine, database: LedgerDatabase, tmp_path: Path) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    with psycopg.connect(database.superuser_url) as holder:
        holder.execute("select from lanes where lane = 2 for update")
        process = live.start(tmp_path / "log", "new-epoch", "--reason", "killed")
        with psycopg.connect(database.superuser_url, autocommit=True) as watcher:
            while watcher.execute("select count(*) from epochs").fetchone() == (0,):
                assert time.monotonic() < deadline, (tmp_path / "log").read_text()
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(LIMIT_SECONDS)
    assert len(beginnings(database)) < 4
    audit = live.run("audit", "--json")
    assert [found["place"] for found in json.loads(audit.output)["differences"]] == ["epoch 1"]
    told = live.done("new-epoch", "--reason", "again")
    assert told == "Epoch 1, which an interrupted run had begun, has now begun in every lane."
    assert beginnings(database) == [(lane, 1) for lane in range(4)]
    assert live.run("audit").code == 0


def test_what_cannot_be_meant_is_refused_and_nothing_is_begun(live: CommandLine, database: LedgerDatabase) -> None:
    assert "--reason" in live.fails("new-epoch", code=2)
    for reason in ("", "  ", "x" * 501, "two\nlines"):
        assert "wanted 1 to 500 characters" in live.fails("new-epoch", "--reason", reason, code=2)
    told = live.fails("new-epoch", "--reason", "why", "--restored-to", "yesterday", code=2)
    assert "'yesterday'" in told
    assert "2026" in told
    assert beginnings(database) == []


def test_where_there_is_no_ledger_it_says_so(nowhere: CommandLine) -> None:
    assert "citypoints init" in nowhere.fails("new-epoch", "--reason", "why")


def test_seals_of_what_was_lost_are_kept_apart_and_sealing_goes_on(live: CommandLine, database: LedgerDatabase) -> None:
    live.done("seal")
    live.done("new-epoch", "--reason", "so that there is something to seal")
    live.done("seal")
    # As a backup from between the two seals would have it.
    with psycopg.connect(database.superuser_url) as connection:
        connection.execute("delete from seals where number = 2")
    assert "citypoints new-epoch" in live.fails("seal")
    told = live.done("new-epoch", "--reason", "restored")
    assert told == "Epoch 2 has begun in every lane. It supersedes the seals 2, which are kept apart."
    folder = live.data_directory / "seals"
    assert [file.name[:12] for file in (folder / "superseded").iterdir()] == ["seal-000002-"]
    assert live.json("seal")["number"] == 2
    assert live.run("audit").code == 0
