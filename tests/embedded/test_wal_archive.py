"""The script that the server runs for each segment, as a process and as functions."""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.embedded import wal_archive
from ledger.embedded.wal_archive import DAMAGED, NOT_THERE, SegmentRefused, store, unpacked

NAME = "000000010000000000000003"
TOKEN = "ab" * 16
CONTENT = random.Random(7).randbytes(5_000) + bytes(1 << 20)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "backup"
    (folder / "wal").mkdir(parents=True)
    (folder / "OWNER").write_text(json.dumps({"cluster": "1", "token": TOKEN, "place": "here"}))
    return folder


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    segment = tmp_path / "segment"
    segment.write_bytes(CONTENT)
    return segment


def script(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-I", "-S", wal_archive.__file__, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def fetched(folder: Path, tmp_path: Path, listed: str = NAME) -> "subprocess.CompletedProcess[str]":
    (tmp_path / "list").write_text(f"00000002.history\n{listed}\n")
    return script("fetch", folder, tmp_path / "list", NAME, tmp_path / "target")


def test_a_segment_comes_back_as_it_was_and_storing_it_again_changes_nothing(
    folder: Path, segment: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        assert script("store", folder, TOKEN, NAME, segment).returncode == 0
    [stored] = (folder / "wal").iterdir()
    assert stored.stat().st_size < len(CONTENT) // 50
    assert fetched(folder, tmp_path).returncode == 0
    assert (tmp_path / "target").read_bytes() == CONTENT


def test_another_content_under_the_same_name_is_refused(folder: Path, segment: Path) -> None:
    store(folder, TOKEN, NAME, segment)
    segment.write_bytes(b"other")
    refused = script("store", folder, TOKEN, NAME, segment)
    assert refused.returncode == NOT_THERE
    assert f"has another {NAME} already" in refused.stderr
    assert [unpacked(stored) for stored in (folder / "wal").iterdir()] == [CONTENT]


def test_a_folder_of_somebody_else_or_without_its_disk_is_refused(folder: Path, segment: Path) -> None:
    with pytest.raises(SegmentRefused, match="belongs to another ledger, or to one restored from it"):
        store(folder, "cd" * 16, NAME, segment)
    (folder / "OWNER").unlink()
    with pytest.raises(SegmentRefused, match="is its disk mounted"):
        store(folder, TOKEN, NAME, segment)
    assert list((folder / "wal").iterdir()) == []


def test_what_a_killed_run_has_left_is_written_over(folder: Path, segment: Path) -> None:
    (folder / "wal" / f".{NAME}.unfinished").write_bytes(b"half of")
    store(folder, TOKEN, NAME, segment)
    assert [unpacked(stored) for stored in (folder / "wal").iterdir()] == [CONTENT]


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone", "twice", "another"])
def test_a_damaged_segment_ends_a_recovery_and_is_never_the_end_of_the_log(
    folder: Path, segment: Path, tmp_path: Path, damage: str
) -> None:
    store(folder, TOKEN, NAME, segment)
    [stored] = (folder / "wal").iterdir()
    packed = stored.read_bytes()
    if damage == "flipped":
        stored.write_bytes(packed[:500] + bytes([packed[500] ^ 1]) + packed[501:])
    elif damage == "cut":
        stored.write_bytes(packed[:-20])
    elif damage == "empty":
        stored.write_bytes(b"")
    elif damage == "another":
        stored.write_bytes(gzip.compress(b"another segment"))
    elif damage == "gone":
        stored.unlink()
    else:
        (folder / "wal" / f"{NAME}-{'0' * 64}.gz").write_bytes(packed)
    refused = fetched(folder, tmp_path)
    assert refused.returncode == DAMAGED > 125
    assert NAME in refused.stderr
    assert not (tmp_path / "target").exists()


def test_what_is_not_on_the_list_is_not_there(folder: Path, segment: Path, tmp_path: Path) -> None:
    store(folder, TOKEN, NAME, segment)
    assert fetched(folder, tmp_path, listed="000000010000000000000002").returncode == NOT_THERE
