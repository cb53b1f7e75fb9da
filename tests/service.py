"""A real service for tests: granian's processes on a free loopback port over a test's own database.

with Service.start(database, workers=2, sandbox=True) as service:
    service.add_programme("CITY")
    key = service.add_partner("CAFE", programmes=["CITY"])
    answer = service.post("/v1/members", {"reference": "m-1"}, key=key)
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import uuid4

import httpx
import psycopg

from ledger.ids import LedgerKey
from ledger.store.credentials import StaffRole, add_staff_key
from ledger.store.ledger_row import create_ledger
from ledger.store.unit_of_work import open_pool, unit_of_work
from tests.databases import LedgerDatabase
from tests.documented_problems import refuse_undocumented

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
LEDGER_KEY = b"k" * 32
APPLICATION = "api.app:create_app"
READY_LIMIT_SECONDS = 60.0
KILL_AFTER_SECONDS = 15
STOP_LIMIT_SECONDS = 30.0
REQUEST_TIMEOUT_SECONDS = 30.0
POLL_SECONDS = 0.05
LOG_TAIL_CHARACTERS = 4_000


@dataclass
class Service:
    """A running service; a context manager, too: leaving it stops."""

    base_url: str
    operator_key: str
    data_directory: Path
    database: LedgerDatabase
    process: subprocess.Popen[bytes]

    @classmethod
    def start(
        cls,
        database: LedgerDatabase,
        workers: int = 1,
        groups: int = 2,
        sandbox: bool = False,  # noqa: FBT002 - reads as a word at every call
        environment: Mapping[str, str] | None = None,
        application: str = APPLICATION,
        port: int | None = None,
    ) -> Self:
        """Make the ledger where there is none, and run the service until it is ready.

        Raises ServiceFailed with the end of its log when it does not become ready.
        """
        make_ledger(database, sandbox=sandbox)
        operator_key = make_staff_key(database, "operator")
        data_directory = Path(tempfile.mkdtemp(prefix="citypoints-test-"))
        port = port or free_port()
        variables = {"CITYPOINTS_LANE_GROUPS": str(groups), **(environment or {})}
        process = launch(database, data_directory, port, workers, variables, application)
        service = cls(f"http://127.0.0.1:{port}", operator_key, data_directory, database, process)
        try:
            service.wait_until_ready()
        except BaseException:
            service.kill()
            raise
        return service

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.stop()

    def stop(self) -> None:
        """Ask it to leave, wait until its queue is finished and all its processes are gone."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            log = self.log()
            self.kill()
            raise ServiceFailed(f"did not stop within {STOP_LIMIT_SECONDS} s\n{log}") from None
        shutil.rmtree(self.data_directory, ignore_errors=True)

    def kill(self) -> None:
        """Kill all its processes at once, as a power cut would."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_LIMIT_SECONDS)
        shutil.rmtree(self.data_directory, ignore_errors=True)

    def worker_processes(self) -> list[int]:
        """The processes that answer requests."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(one) for one in listed.split()]

    def log(self) -> str:
        """The end of what it has written."""
        return (self.data_directory / "service.log").read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]

    def wait_until_ready(self) -> None:
        """Wait until it answers as ready."""
        deadline = time.monotonic() + READY_LIMIT_SECONDS
        answer = "nothing"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServiceFailed(f"ended with {self.process.returncode}\n{self.log()}")
            try:
                response = httpx.get(f"{self.base_url}/readyz", timeout=REQUEST_TIMEOUT_SECONDS)
            except httpx.TransportError:
                time.sleep(POLL_SECONDS)
                continue
            if response.is_success:
                return
            answer = response.text
            time.sleep(POLL_SECONDS)
        raise ServiceFailed(f"not ready within {READY_LIMIT_SECONDS} s, last answer {answer}\n{self.log()}")

    def get(self, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Read; without a key as the operator."""
        return self.request("GET", path, key=key, **options)

    def post(
        self,
        path: str,
        body: object,
        *,
        key: str | None = None,
        idempotency_key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Post JSON; without a key as the operator, without an idempotency key under a fresh one."""
        all_headers = {"Idempotency-Key": idempotency_key or str(uuid4()), **(headers or {})}
        return self.request("POST", path, key=key, json=body, headers=all_headers)

    def request(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """Send any request; without a key as the operator. A problem must be one that the route declares."""
        headers = {"Authorization": f"Bearer {key or self.operator_key}", **(options.pop("headers", None) or {})}
        response = httpx.request(
            method,
            self.base_url + path,
            headers=headers,
            timeout=REQUEST_TIMEOUT_SECONDS,
            verify=False,  # noqa: S501 - no TLS on loopback, and loading certificates takes longer than the request
            **options,
        )
        refuse_undocumented(response)
        if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            # The test's failure then shows what the answer does not tell.
            sys.stderr.write(self.log())
        return response

    def add_programme(self, code: str, **fields: object) -> None:
        """Add a programme: CNY, 1 point per whole CNY, 24 months, Asia/Shanghai, where nothing else is said."""
        body = {
            "code": code,
            "currency": "CNY",
            "zone": "Asia/Shanghai",
            "rules": {"earn_rate": {"points": 1, "per_amount": "1.00"}, "validity_months": 24},
            **fields,
        }
        self.post("/v1/programmes", body).raise_for_status()

    def add_partner(
        self,
        code: str,
        programmes: Sequence[str] = (),
        *,
        kind: str = "merchant",
        may_issue: bool = True,
        may_accept: bool = True,
    ) -> str:
        """Add a partner that may issue and accept in programmes, and return an API key of its own."""
        self.post("/v1/partners", {"code": code, "kind": kind, "name": f"Partner {code}"}).raise_for_status()
        for programme in programmes:
            self.permit(programme, code, may_issue=may_issue, may_accept=may_accept)
        return self.add_key(code)

    def permit(self, programme: str, partner: str, *, may_issue: bool, may_accept: bool) -> None:
        """Say what a partner may do in a programme."""
        body = {"may_issue": may_issue, "may_accept": may_accept}
        self.request("PUT", f"/v1/programmes/{programme}/partners/{partner}", json=body).raise_for_status()

    def add_key(self, partner: str) -> str:
        """Make another API key of a partner's."""
        answer = self.post("/v1/keys", {"partner": partner}).raise_for_status()
        return str(answer.json()["key"])

    def add_member(self, key: str, reference: str) -> str:
        """Create a member under a partner's reference, or find the one it names; return the member's id."""
        answer = self.post("/v1/members", {"reference": reference}, key=key).raise_for_status()
        return str(answer.json()["id"])

    def add_member_token(self, member: str) -> str:
        """Make a token of a member's."""
        answer = self.post(f"/v1/members/{member}/tokens", {}).raise_for_status()
        return str(answer.json()["token"])

    def set_clock(self, moment: str) -> None:
        """Set a sandbox's clock (RFC 3339)."""
        self.request("PUT", "/v1/sandbox/clock", json={"now": moment}).raise_for_status()


class ServiceFailed(Exception):
    """The service did not do what a test stands on."""


def make_ledger(database: LedgerDatabase, *, sandbox: bool = False) -> None:
    """Make a ledger under the tests' key in a migrated database; one that is there stays."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LedgerKey(LEDGER_KEY), is_sandbox=sandbox)


def make_staff_key(database: LedgerDatabase, *roles: StaffRole) -> str:
    """Make a staff key with roles, as ``citypoints keys create`` does."""

    async def make() -> str:
        async with open_pool(database.service_url) as pool, pool.connection() as connection, unit_of_work(connection):
            issued = await add_staff_key(connection, "-".join(roles), roles)
        return issued.key

    return run_apart(make())


def run_apart(work: Coroutine[Any, Any, T]) -> T:
    """Run asynchronous work to its end, also where another loop is running."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    database: LedgerDatabase,
    data_directory: Path,
    port: int,
    workers: int,
    environment: Mapping[str, str],
    application: str = APPLICATION,
) -> subprocess.Popen[bytes]:
    """Start the processes of a service in a group of their own; it may not be ready yet."""
    metrics = data_directory / "metrics"
    metrics.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", application]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", str(workers), "--no-ws"]
    # As `serve` does: a process that was still starting when it was asked to leave would never hear of it.
    command += ["--workers-kill-timeout", str(KILL_AFTER_SECONDS)]
    with (data_directory / "service.log").open("ab") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "CITYPOINTS_DATA": str(data_directory),
                "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
                "DATABASE_URL": database.service_url,
                "PROMETHEUS_MULTIPROC_DIR": str(metrics),
                **environment,
            },
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
