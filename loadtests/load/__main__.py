"""``python -m loadtests.load``: live a day under load, check every answer, exit 0 only where all promises hold."""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from loadtests.bench.service import SERVE
from loadtests.load.checks.evidence import Evidence
from loadtests.load.checks.findings import Finding, never_answered, run_checks
from loadtests.load.course import Course, panels_of
from loadtests.load.finance import days_of
from loadtests.load.percentiles import render, timings
from loadtests.load.picture import draw
from loadtests.load.run import FAILURES, Lived, Options, live
from loadtests.load.shape import cut_offs

SECONDS, LONG_SECONDS, LEAST_SECONDS, MOST_SECONDS = 180, 3_600, 10, 86_400
USERS, LEAST_USERS, MOST_USERS = 60, 3, 1_000
MOST_NAMED = 10
PICTURE = "load.svg"
ALL_HOLD, BROKEN, FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None, serve: Sequence[str] = SERVE) -> int:
    """Live a day under load; exit 0 where every promise held, 1 where one was broken, 2 where the run itself failed."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="citypoints-load-"))
    options = Options(asked.seconds, asked.users, serve)
    code = FAILED
    try:
        lived = live(options, folder, _say)
        if asked.picture is not None:
            asked.picture.write_text(draw(_course(lived, options)), encoding="utf-8")
            _say(f"Picture: {asked.picture}")
        _say("")
        _say(render(timings(lived.evidence.attempts), asked.seconds))
        code = report(lived.evidence)
    except FAILURES as error:
        _say(f"The run failed, which proves nothing: {error}")
    finally:
        if code == ALL_HOLD and asked.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            _say(f"Records, logs and data: {folder}")
    return code


def _course(lived: Lived, options: Options) -> Course:
    panels = panels_of(lived.evidence.attempts, lived.samples, lived.begun, options.seconds)
    ends = [part * options.seconds for part in cut_offs(days_of(options.seconds))]
    title = f"{options.users} clients for {options.seconds} seconds"
    return Course(title, options.seconds, ends, panels)


def report(evidence: Evidence) -> int:
    """Print how each check ended; the exit code."""
    _say(f"\n{len(evidence.attempts)} attempts against {len(evidence.rows)} transactions of the journal\n")
    findings = list(run_checks(evidence))
    for finding in findings:
        _say_finding(finding)
    broken = [finding.check for finding in findings if not finding.holds]
    if broken:
        _say(f"\nBroken: {', '.join(broken)}")
        return BROKEN
    if missing := never_answered(evidence):
        _say(f"\nThis proves too little: there was no good answer to {', '.join(missing)}. Let it run longer.")
        return FAILED
    _say("\nEvery promise held.")
    return ALL_HOLD


def _say_finding(finding: Finding) -> None:
    if finding.holds:
        _say(f"{finding.check}: holds")
        return
    _say(f"{finding.check}: BROKEN, {len(finding.contradictions)} contradictions")
    for line in finding.contradictions[:MOST_NAMED]:
        _say(f"  {line}")
    if len(finding.contradictions) > MOST_NAMED:
        _say(f"  and {len(finding.contradictions) - MOST_NAMED} more")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadtests.load", description=main.__doc__)
    is_long = bool(os.environ.get("LONG"))
    parser.add_argument(
        "--seconds",
        type=_within("--seconds", LEAST_SECONDS, MOST_SECONDS),
        default=LONG_SECONDS if is_long else SECONDS,
        help=f"how long the clients post (default {SECONDS}; {LONG_SECONDS} where LONG is set)",
    )
    parser.add_argument(
        "--users",
        type=_within("--users", LEAST_USERS, MOST_USERS),
        default=USERS,
        help=f"clients at the peak (default {USERS})",
    )
    parser.add_argument(
        "--picture",
        type=Path,
        default=Path(PICTURE) if is_long else None,
        metavar="FILE",
        help=f"draw the run's course as an SVG ({PICTURE} where LONG is set)",
    )
    parser.add_argument(
        "--folder",
        type=_empty_folder,
        metavar="FOLDER",
        help="keep records, logs and data there (default: a temporary one, kept only where a promise was broken)",
    )
    return parser


def _empty_folder(text: str) -> Path:
    """A folder with nothing in it, made where it is missing."""
    folder = Path(text).absolute()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as error:
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a folder that can be made: {error.strerror}") from error
    if not is_empty:
        raise argparse.ArgumentTypeError(f"got {text!r}, which holds something; wanted an empty folder")
    return folder


class _within:  # noqa: N801 - reads as a type of an argument
    """A whole number within bounds; argparse says which option, what was got and what is wanted."""

    def __init__(self, option: str, least: int, most: int) -> None:
        self._option = option
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        if text.isdecimal() and self._least <= int(text) <= self._most:
            return int(text)
        raise argparse.ArgumentTypeError(f"got {text!r}, wanted a whole number from {self._least} to {self._most}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
