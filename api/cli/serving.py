"""``citypoints serve``: the service, with a database of its own unless one is given."""

import asyncio
import multiprocessing
import os
import secrets
import shutil
import socket
import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from api.cli.installation import Database, open_database
from api.cli.output import USAGE, AsJson, fail, say_json, warn
from api.cli.worker_process import WorkerProcess
from api.settings import Settings
from api.signing_in.settings import is_loopback
from ledger.errors import AlreadyExists

METRICS_DIRECTORY = "metrics"
MOST_PORT = 65_535
MOST_WORKERS = 64
# A worker finishes its queue when it is asked to stop; one that hangs is killed after this.
STOP_LIMIT_SECONDS = 60
DEMO_PARTNER = "OLD-STREET-TEA"
DEMO_SIGN_IN = "CITYPOINTS_DEMO_SIGN_IN"
DEMO_SECRET_BYTES = 32


def serve(
    *,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on. [default: CITYPOINTS_HOST or 127.0.0.1]")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=MOST_PORT, help="Port. [default: PORT or 8000]")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MOST_WORKERS, help="Processes. [default: CITYPOINTS_WORKERS or 2]")
    ] = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Also run a worker, which expires points and sends webhooks.")
    ] = True,
    demo_data: Annotated[bool, typer.Option("--demo-data", help="Load the demo city into an empty ledger.")] = False,
    demo: Annotated[
        bool,
        typer.Option("--demo", help="The demo city, and a sign-in for each role without passwords; loopback only."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Run the service until SIGTERM or Ctrl-C; makes the embedded database and the ledger where they are missing."""
    settings = Settings.from_environment()
    settings = msgspec.structs.replace(
        settings,
        host=host or settings.host,
        port=port or settings.port,
        workers=workers or settings.workers,
    )
    _prepare_sign_in(settings, demo=demo)
    _refuse_used_port(settings)
    with open_database(settings, create=True) as database:
        _prepare(settings, database, demo=demo)
        has_demo = (demo or demo_data) and _load_demo(settings, database, clock_runs=demo)
        owner = f"--partner {DEMO_PARTNER}" if has_demo else "--partner CODE"
        _set_environment(settings, database)
        if settings.backup_directory is not None:
            _recall_backup(settings.backup_directory, database)
        with WorkerProcess() if with_worker else nullcontext():
            _run(settings, lambda: _welcome(settings, owner, demo=demo, as_json=as_json))


def _prepare_sign_in(settings: Settings, *, demo: bool) -> None:
    """Make the secret of the demo's own sign-in, on this machine alone; without ``--demo`` there is none."""
    os.environ.pop(DEMO_SIGN_IN, None)
    if not demo:
        return
    if settings.sign_in is not None and settings.sign_in.demo_secret is None:
        fail("CITYPOINTS_OIDC_ISSUER is set: --demo brings a sign-in of its own; leave one of them out", USAGE)
    if not is_loopback(settings.host):
        fail(f"--demo lets anybody in: it listens on this machine alone, not on {settings.host}", USAGE)
    os.environ[DEMO_SIGN_IN] = secrets.token_hex(DEMO_SECRET_BYTES)


def _refuse_used_port(settings: Settings) -> None:
    """Fail where something listens already: the workers share their port, so they would share a stranger's, too."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        fail(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror}; "
            "--port or PORT names another port, --host or CITYPOINTS_HOST another address"
        )


def _prepare(settings: Settings, database: Database, *, demo: bool) -> None:
    """Migrate and found where the owner's address is known, a sandbox for a demo; otherwise only look."""
    if database.owner_url is not None:
        from api.cli.founding import found_ledger

        # In a sandbox days can have passed already, and the next one can be had without waiting for it.
        found_ledger(settings, database, is_sandbox=demo)
        return
    from ledger.posting.engine import inspect_ledger

    asyncio.run(inspect_ledger(database.service_url, settings.read_ledger_key()))


def _recall_backup(folder: Path, database: Database) -> None:
    """Say so where a folder for backups is named and no restore could be made from it."""
    from ledger.embedded.backup_folder import BackupFolder

    if not database.is_embedded:
        warn(
            "CITYPOINTS_BACKUP is for the embedded database: DATABASE_URL names one that is backed up by its own means."
        )
    elif not BackupFolder(folder).has_base():
        warn(f"There is no base backup in {folder} yet: give `citypoints backup` while this runs.")


def _load_demo(settings: Settings, database: Database, *, clock_runs: bool) -> bool:
    """Load the demo city; False where the ledger holds other data, which is no reason not to serve it."""
    from api.cli.demonstrating import described, load_demo_city

    try:
        warn(described(load_demo_city(settings, database, clock_runs=clock_runs)))
    except AlreadyExists as error:
        warn(f"No demo city: {error.detail}")
        return False
    return True


def _run(settings: Settings, welcome: Callable[[], None]) -> None:
    from granian.constants import Interfaces, Loops
    from granian.log import LogLevels
    from granian.server import Server

    # A forked worker would share the parent's locks and what its libraries hold open.
    multiprocessing.set_start_method("spawn", force=True)
    server = Server(
        "api.cli.http_process:create_http_process",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=settings.workers,
        websockets=False,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_LIMIT_SECONDS,
        log_level=LogLevels.warning,
    )
    server.on_startup(welcome)
    server.serve()
    if not server.interrupt_signal:
        fail("the workers ended by themselves; their messages stand above")


def _set_environment(settings: Settings, database: Database) -> None:
    """Tell the processes, which read the environment, what was found; the owner's address is not for them."""
    # By port: a second service over the same data keeps its own.
    metrics = (settings.data_directory / METRICS_DIRECTORY / str(settings.port)).absolute()
    shutil.rmtree(metrics, ignore_errors=True)
    metrics.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics)
    os.environ.pop("MIGRATE_DATABASE_URL", None)
    os.environ["DATABASE_URL"] = database.service_url
    os.environ["CITYPOINTS_HOST"] = settings.host
    os.environ["PORT"] = str(settings.port)
    os.environ["CITYPOINTS_WORKERS"] = str(settings.workers)


def _welcome(settings: Settings, owner: str, *, demo: bool, as_json: bool) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    url = f"http://{host}:{settings.port}"
    if as_json:
        say_json({"url": url})
    else:
        command = Path(sys.argv[0])
        typer.echo(
            f"City Points Ledger is on {url} (start page), {url}/docs (the API to try).\n"
            f"{_sign_ins(url) if demo else ''}"
            f"Keys for it: {command} keys create --operator, {command} keys create {owner}\n"
            "Stop it with Ctrl-C."
        )
    sys.stdout.flush()


def _sign_ins(url: str) -> str:
    return (
        f"Sign in without a password on {url}/portal (citizen) or {url}/account "
        "(merchant, finance clerk, second approver, operator).\n"
    )
