"""The service under load: fresh, on a data folder of its own, as ``citypoints serve`` runs it, with its worker."""

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from ledger.embedded import EmbeddedPostgres
from ledger.ids import LedgerKey
from loadtests.bench.service import CITYPOINTS, SERVE, environment_of, free_port, serving
from loadtests.load.town import Staff

WORKERS = 2
COMMAND_LIMIT_SECONDS = 600
PROCESSES = {"http": "create_http_process", "worker": "api.cli.worker_process"}
"""What the command lines of its processes have in them."""

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class _IssuedKey(msgspec.Struct, frozen=True):
    """What ``citypoints keys create --json`` prints."""

    key: str


@dataclass
class Service:
    """A running service, and the commands on its ledger. ``embedded`` keeps the database until the run ends."""

    data: Path
    environment: Mapping[str, str]
    port: int
    process: "subprocess.Popen[bytes]"
    embedded: EmbeddedPostgres

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def database_url(self) -> str:
        """The database, for the role that may read the journal and change no history."""
        return self.embedded.service_url()

    def ledger_key(self) -> LedgerKey:
        """The key under which callers' idempotency keys are found in the journal."""
        return LedgerKey(bytes.fromhex((self.data / "ledger.key").read_text().strip()))

    def command(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on its ledger to its end."""
        return _run(self.environment, *arguments)

    def memory(self) -> dict[str, int]:
        """Resident memory, in bytes, of each of its processes: ``serve``, those that answer requests, the worker."""
        found = {"serve": _resident_bytes(self.process.pid)}
        pids = sorted(_children(self.process.pid))
        for name, words in PROCESSES.items():
            named = [pid for pid in pids if words in _command_line(pid)]
            found |= {f"{name} {number}": _resident_bytes(pid) for number, pid in enumerate(named, 1)}
        return {name: size for name, size in found.items() if size}


@contextmanager
def fresh_service(data: Path, serve: Sequence[str] = SERVE) -> Iterator[Service]:
    """Found a sandbox ledger, run the service on it until the end; raises RuntimeError where it does not start."""
    port = free_port()
    environment = environment_of(CITYPOINTS_DATA=str(data), CITYPOINTS_WEBHOOK_TARGETS="127.0.0.1")
    founded = _run(environment, "init", "--sandbox")
    if founded.returncode != 0:
        raise RuntimeError(f"citypoints init ended with {founded.returncode}: {founded.stderr}")
    embedded = EmbeddedPostgres.start(data / "postgres")
    try:
        with serving(serve, port, WORKERS, environment, data / "service.log") as process:
            yield Service(data, environment, port, process, embedded)
    finally:
        embedded.stop()


def make_staff(service: Service) -> Staff:
    """Keys of the operator, a clerk and an approver; raises RuntimeError where one is not made."""

    def key(*who: str) -> str:
        made = service.command("keys", "create", *who, "--json")
        if made.returncode != 0:
            raise RuntimeError(f"citypoints keys create {' '.join(who)} ended with {made.returncode}: {made.stderr}")
        return msgspec.json.decode(made.stdout, type=_IssuedKey).key

    return Staff(
        operator=key("--operator"),
        clerk=key("--staff", "Wang Fang", "--role", "finance-clerk"),
        approver=key("--staff", "Li Na", "--role", "finance-approver"),
    )


def _run(environment: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [CITYPOINTS, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_LIMIT_SECONDS,
    )


def _children(pid: int) -> list[int]:
    """Those that any of its threads has started."""
    found = []
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        found += [int(one) for one in _read(thread / "children").split()]
    return found


def _command_line(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/cmdline")).replace("\0", " ")


def _resident_bytes(pid: int) -> int:
    """0 of a process that is gone."""
    pages = _read(Path(f"/proc/{pid}/statm")).split()
    return int(pages[1]) * PAGE_BYTES if pages else 0


def _read(path: Path) -> str:
    """A file of /proc; nothing where the process is gone."""
    try:
        return path.read_text()
    except OSError:
        return ""
