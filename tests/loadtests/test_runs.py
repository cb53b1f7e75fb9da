"""Whole short runs: a sound service keeps every promise, and one that is broken on purpose is found out."""

import socket
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from api.settings import SETTINGS
from loadtests.bench.service import environment_of
from loadtests.load.__main__ import ALL_HOLD, BROKEN, FAILED, main, report
from loadtests.load.checks.findings import CHECKS
from tests.loadtests.forged import sound_story
from tests.stateful.broken_app import FAULT_VARIABLE

LOCUSTS_OWN_PORT = 5557
BROKEN_SERVE = (sys.executable, "-m", "tests.loadtests.broken_serve", "serve")


def test_a_sound_service_keeps_every_promise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "load.svg"
    with socket.socket() as other:
        # Another run, or whoever has Locust's usual port, does not matter.
        with suppress(OSError):
            other.bind(("127.0.0.1", LOCUSTS_OWN_PORT))
            other.listen()
        code = main(["--seconds", "20", "--users", "8", "--picture", str(picture)])
    said = capsys.readouterr().out
    assert (code, said.count(": holds")) == (ALL_HOLD, len(CHECKS)), said
    assert "Every promise held." in said
    for kind in ("earn", "redeem", "capture", "gift", "balance", "statement", "settle:close"):
        assert f"\n{kind} " in said, said
    for line in ("p50", "p99", "http 1", "http 2", "worker 1"):
        assert f">{line}</text>" in picture.read_text()


@pytest.mark.parametrize(
    ("fault", "check"),
    [("apply_retries_twice", "one-key-one-effect"), ("remember_balances", "reads-are-states")],
)
def test_a_broken_service_is_found_out_and_the_promise_is_named(
    fault: str, check: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(FAULT_VARIABLE, fault)
    code = main(["--seconds", "12", "--users", "8", "--folder", str(tmp_path / "run")], BROKEN_SERVE)
    said = capsys.readouterr().out
    assert code == BROKEN, said
    assert f"{check}: BROKEN" in said, said
    assert check in said.rpartition("Broken: ")[2], said
    assert list((tmp_path / "run" / "records").glob("*.ndjson"))


def test_a_run_in_which_too_little_happened_proves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    story = sound_story()
    assert report(story.evidence()) == FAILED
    assert "This proves too little: there was no good answer to settle:close." in capsys.readouterr().out
    story.show("settle:close", "clerk", {})
    assert report(story.evidence()) == ALL_HOLD
    story.rows.remove(story.row("receipt-1"))
    assert report(story.evidence()) == BROKEN


def test_no_setting_of_the_shell_leads_a_run_to_another_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in SETTINGS:
        monkeypatch.setenv(name, "of the shell")
    monkeypatch.setenv("LANG", "C.UTF-8")
    environment = environment_of(CITYPOINTS_DATA="/run")
    assert environment.keys() & SETTINGS == {"CITYPOINTS_DATA"}
    assert (environment["CITYPOINTS_DATA"], environment["LANG"]) == ("/run", "C.UTF-8")


def test_a_run_that_fails_proves_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["--folder", str(tmp_path / "run")], (sys.executable, "-c", "print('no service here')"))
    said = capsys.readouterr().out
    assert code == FAILED, said
    assert "The run failed, which proves nothing: the service was not ready; its log ends:\nno service here" in said


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["--seconds", "9"], "argument --seconds: got '9', wanted a whole number from 10 to 86400"),
        (
            ["--folder", "/dev/null"],
            "argument --folder: got '/dev/null', wanted a folder that can be made: File exists",
        ),
        (["--folder", "/proc"], "argument --folder: got '/proc', which holds something; wanted an empty folder"),
        (["--users", "many"], "argument --users: got 'many', wanted a whole number from 3 to 1000"),
    ],
)
def test_a_bad_option_is_named_with_what_was_got_and_what_is_wanted(
    arguments: list[str], wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert wanted in capsys.readouterr().err
