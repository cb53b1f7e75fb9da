"""A whole run: a fresh service, its town, the clients, the finance people; then what the checks look at."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import msgspec
import psycopg

from ledger.embedded import EmbeddedPostgresError
from loadtests.bench.service import SERVE, free_port
from loadtests.load import finance
from loadtests.load.checks.evidence import AuditRun, Cap, Evidence, Hook
from loadtests.load.finance import Finance, days_of
from loadtests.load.hooks import Deliveries
from loadtests.load.journal import read_digests, read_ids, read_journal
from loadtests.load.plan import BEGUN_FILE, PLAN_FILE, PLAN_VARIABLE, Plan
from loadtests.load.records import read_records
from loadtests.load.sampling import Sample, Sampler
from loadtests.load.service import Service, fresh_service, make_staff
from loadtests.load.shape import cut_offs
from loadtests.load.town import GIFT_LIMIT_POINTS, Office, build_town
from tests.settlement.mock_bank import MockBank, MockBankFailed

LOCUST_FILE = Path(__file__).with_name("locustfile.py")
CLIENT_PROCESSES = 2
CAP_POINTS_A_SECOND = 250
LEAST_MEMBERS, MEMBERS_A_USER = 30, 4
TOLD_PARTNER = 2
"""The number, among the merchants, of the one with a webhook."""

BEGIN_LIMIT_SECONDS = 60
FINISH_LIMIT_SECONDS = 120
SETTLE_LIMIT_SECONDS = 180
HOOKS_LIMIT_SECONDS = 120
MOST_SAMPLES = 360
POLL_SECONDS = 0.1
LOOPBACK = "127.0.0.1"
LOG_TAIL_CHARACTERS = 3_000


class Options(msgspec.Struct, frozen=True):
    """How long a run is, how many clients it has at its peak, and the command that serves."""

    seconds: int
    users: int
    serve: Sequence[str] = SERVE


class Lived(msgspec.Struct, frozen=True):
    """What is left of a run: the evidence, when the clients began (ns), and the service's memory."""

    evidence: Evidence
    begun: int
    samples: list[Sample]


class LoadFailed(RuntimeError):
    """The run itself could not be carried out."""


FAILURES = (
    RuntimeError,
    MockBankFailed,
    EmbeddedPostgresError,
    httpx.HTTPError,
    msgspec.DecodeError,
    psycopg.Error,
    subprocess.SubprocessError,
    TimeoutError,
)
"""Why a run can come to no end: a service, a bank or clients that do not start, or do not answer."""


def live(options: Options, folder: Path, say: Callable[[str], None]) -> Lived:
    """Carry out a run in an empty folder; raises what FAILURES lists where that is impossible."""
    folder.chmod(0o711)
    say("Setting up a fresh service and its town ...")
    with ExitStack() as stack:
        service = stack.enter_context(fresh_service(folder / "data", options.serve))
        office = stack.enter_context(closing(Office(service.url, make_staff(service))))
        bank = stack.enter_context(MockBank.start(folder, clock=f"2026-11-24T{finance.SETTLED_AT}"))
        deliveries = stack.enter_context(Deliveries())
        plan = _set_up(options, folder, service, office, bank)
        told = plan.town.merchants[TOLD_PARTNER]
        deliveries.secret = office.add_webhook(told, deliveries.url)
        sampler = stack.enter_context(Sampler(service, max(1.0, options.seconds / MOST_SAMPLES)))
        people = stack.enter_context(closing(Finance(plan, office, bank, lambda: service.command("expire").returncode)))
        say(f"{options.users} clients for {options.seconds} seconds ...")
        begun = _run_clients(plan, people)
        say("Waiting for the last webhooks, then auditing ...")
        deliveries.wait_for(lambda: read_ids(service.database_url, told.code), HOOKS_LIMIT_SECONDS)
        audited = service.command("audit")
        evidence = Evidence(
            attempts=list(read_records(plan.records)),
            rows=list(read_journal(service.database_url)),
            digest=read_digests(service.database_url, service.ledger_key()),
            gift_limit=GIFT_LIMIT_POINTS,
            caps=[Cap(plan.town.agency.code, plan.town.cap_points)],
            hooks=[Hook(told.code, deliveries.arrived(), deliveries.unverified)],
            clock=people.clock,
            settled=people.settled,
            unsettled=people.failure,
            audit=AuditRun(audited.returncode, audited.stdout + audited.stderr),
        )
        return Lived(evidence, begun, sampler.samples)


def _set_up(options: Options, folder: Path, service: Service, office: Office, bank: MockBank) -> Plan:
    office.set_clock(finance.opening())
    members = max(LEAST_MEMBERS, options.users * MEMBERS_A_USER)
    town = build_town(office, service.url, members, options.seconds * CAP_POINTS_A_SECOND)
    office.add_account(bank.add_account(finance.HOUSE, "City Points", balance_minor=finance.HOUSE_MINOR))
    plan = Plan(options.seconds, options.users, str(folder), town)
    plan.write()
    return plan


def _run_clients(plan: Plan, people: Finance) -> int:
    """Run the clients to their end, with the finance people beside; gives the moment (ns) when they began."""
    folder = Path(plan.folder)
    is_over = threading.Event()
    log = folder / "clients.log"
    with log.open("wb") as output:
        clients = subprocess.Popen(_command(), env=_environment(folder), stdout=output, stderr=output)
    with ThreadPoolExecutor(1) as executor:
        try:
            begun = _wait_for_begin(folder / BEGUN_FILE, clients, log)
            settling = executor.submit(people.work, begun, cut_offs(days_of(plan.seconds)), is_over)
            code = clients.wait(plan.seconds + FINISH_LIMIT_SECONDS)
            settling.result(SETTLE_LIMIT_SECONDS)
        finally:
            is_over.set()
            _end(clients)
    if code != 0:
        raise LoadFailed(f"the clients ended with {code}; they said:\n{_tail(log)}")
    return begun


def _command() -> list[str]:
    command = [sys.executable, "-m", "locust", "--locustfile", str(LOCUST_FILE), "--headless", "--only-summary"]
    command += ["--processes", str(CLIENT_PROCESSES), "--stop-timeout", "30", "--exit-code-on-error", "0"]
    # A port of its own, so that two runs do not meet; on loopback, where nobody else can tell clients what to do.
    port = str(free_port())
    command += ["--master-bind-host", LOOPBACK, "--master-bind-port", port]
    return [*command, "--master-host", LOOPBACK, "--master-port", port]


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {PLAN_VARIABLE: str(folder / PLAN_FILE)}


def _wait_for_begin(file: Path, clients: "subprocess.Popen[bytes]", log: Path) -> int:
    deadline = time.monotonic() + BEGIN_LIMIT_SECONDS
    while time.monotonic() < deadline and clients.poll() is None:
        if file.exists() and (written := file.read_text()):
            return int(written)
        time.sleep(POLL_SECONDS)
    raise LoadFailed(f"the clients did not begin; they said:\n{_tail(log)}")


def _end(clients: "subprocess.Popen[bytes]") -> None:
    if clients.poll() is None:
        clients.terminate()
        try:
            clients.wait(FINISH_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            clients.kill()
            clients.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
