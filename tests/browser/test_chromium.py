"""Where the browser comes from, with real processes; nothing is installed here."""

import os
from pathlib import Path

import pytest

from ledger.embedded.locks import locked
from tests.browser import chromium as bringing
from tests.browser.chromium import NoBrowser, find_or_bring
from tests.browser.unpacking import UnusablePackage, unpack


def _program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def test_the_one_that_is_named_is_taken_before_any_other(tmp_path: Path) -> None:
    named = _program(tmp_path / "mine", "echo Chromium 1.2.3")
    _program(tmp_path / "bin" / "chromium", "echo Chromium 4.5.6")
    assert find_or_bring({"CHROMIUM": str(named), "PATH": str(tmp_path / "bin")}, tmp_path / "kept") == named


@pytest.mark.parametrize(
    ("script", "complaint"),
    [(None, "No such file"), ("echo no library >&2; exit 127", "no library"), ("echo Firefox 1", "Firefox 1")],
)
def test_one_that_is_named_and_does_not_run_is_refused_with_the_reason(
    tmp_path: Path, script: str | None, complaint: str
) -> None:
    named = tmp_path / "mine"
    if script:
        _program(named, script)
    with pytest.raises(NoBrowser, match=rf"CHROMIUM={named} does not run: .*{complaint}.*wanted is the path"):
        find_or_bring({"CHROMIUM": str(named), "PATH": os.environ["PATH"]}, tmp_path / "kept")


def test_one_on_path_is_taken_before_the_kept_one_unless_it_does_not_run(tmp_path: Path) -> None:
    kept = _program(tmp_path / "kept" / "chromium", "echo Chromium 1.2.3")
    on_path = _program(tmp_path / "bin" / "google-chrome", "echo Google Chrome 4.5.6")
    assert find_or_bring({"PATH": str(tmp_path / "bin")}, tmp_path / "kept") == on_path
    _program(on_path, "echo install me by a store >&2; exit 1")
    assert find_or_bring({"PATH": str(tmp_path / "bin")}, tmp_path / "kept") == kept


def test_without_any_the_message_names_each_way_its_reason_and_what_to_do(tmp_path: Path) -> None:
    # A package index that nobody listens at, and an empty PATH: the real ways, on a machine that reaches nothing.
    nowhere = {
        "PATH": str(tmp_path),
        "PIP_INDEX_URL": "http://127.0.0.1:9/",
        "PIP_RETRIES": "0",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    nowhere |= {"PLAYWRIGHT_DOWNLOAD_HOST": "http://127.0.0.1:9"}
    with pytest.raises(NoBrowser) as missing:
        find_or_bring(nowhere, tmp_path / "kept")
    said = str(missing.value)
    for way in ("apt-get install chromium: ", "npm pack @sparticuz/chromium", "playwright install chromium: "):
        assert way in said
    assert "CHROMIUM=/path/to/chromium" in said
    assert not (tmp_path / "kept" / "chromium").exists()
    assert not (tmp_path / "kept" / "unpacking").exists()


def test_one_process_brings_it_and_the_others_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bringing, "LOCK_LIMIT_SECONDS", 0.1)
    (tmp_path / "kept").mkdir()
    with (
        locked(tmp_path / "kept" / "lock", deadline=0, waiting_for="nobody"),
        pytest.raises(NoBrowser, match="another process that brings the browser"),
    ):
        find_or_bring({"PATH": ""}, tmp_path / "kept")


def test_a_package_with_other_bytes_is_not_unpacked(tmp_path: Path) -> None:
    package = tmp_path / "package.tgz"
    package.write_bytes(b"something else")
    with pytest.raises(UnusablePackage, match="wanted is jiGWqSvP"):
        unpack(package, tmp_path / "work", tmp_path / "target")
    assert not (tmp_path / "work").exists()
    assert not (tmp_path / "target").exists()
