"""The real command ``citypoints``, run as a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = Path(sys.executable).with_name("citypoints")
LIMIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Finished:
    """How a run ended."""

    code: int
    output: str
    errors: str


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Runs commands on one installation: a data directory and, unless it is the embedded one, a database."""

    data_directory: Path
    variables: Mapping[str, str]

    def environment(self) -> dict[str, str]:
        """The environment of a command: this installation, and nothing of the test's own."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        return {**kept, "CITYPOINTS_DATA": str(self.data_directory), "COLUMNS": "100", **self.variables}

    def run(self, *arguments: str, **variables: str) -> Finished:
        """Run a command to its end, with further variables in its environment."""
        done = subprocess.run(
            [COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment() | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_SECONDS,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def start(self, log: Path, *arguments: str) -> "subprocess.Popen[bytes]":
        """Start a command that runs until it is stopped; what it says goes to a log."""
        with log.open("ab") as file:
            return subprocess.Popen(
                [COMMAND, *arguments],
                cwd=ROOT,
                env=self.environment(),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def done(self, *arguments: str) -> str:
        """Run a command that must succeed, and return what it says: one line."""
        finished = self.run(*arguments)
        assert (finished.code, finished.errors) == (0, ""), finished
        [line] = finished.output.splitlines()
        return line

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run a command with ``--json`` that must succeed, and return its document."""
        document: dict[str, Any] = json.loads(self.done(*arguments, "--json"))
        return document

    def fails(self, *arguments: str, code: int = 1) -> str:
        """Run a command that must fail with an exit code, and return its one line on standard error."""
        finished = self.run(*arguments)
        assert (finished.code, finished.output) == (code, ""), finished
        [line] = finished.errors.splitlines()
        assert line.startswith("Error: "), line
        return line
