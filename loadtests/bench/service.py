"""The service under measurement: ``citypoints serve`` on the run's own data directory."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import msgspec

from api.settings import SETTINGS
from loadtests.bench import http_client

CITYPOINTS = str(Path(sys.executable).with_name("citypoints"))
SERVE = (CITYPOINTS, "serve")
START_SECONDS = 60
STOP_SECONDS = 30


class Service(msgspec.Struct, frozen=True):
    """A running service: its port on loopback and the process of ``citypoints serve``."""

    port: int
    pid: int


@contextmanager
def running_service(data: Path, workers: int) -> Iterator[Service]:
    """Start the service on a free port of loopback, wait until it is ready, stop it at the end."""
    port = free_port()
    environment = environment_of(CITYPOINTS_DATA=str(data))
    with serving(SERVE, port, workers, environment, data / "service.log") as process:
        yield Service(port, process.pid)


def environment_of(**variables: str) -> dict[str, str]:
    """The environment of a run's own service: no setting of the shell leads it to another database."""
    return {name: value for name, value in os.environ.items() if name not in SETTINGS} | variables


@contextmanager
def serving(
    serve: Sequence[str], port: int, workers: int, environment: Mapping[str, str], log: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a command that serves until the end of the context; raises RuntimeError where it does not become ready.

    At the end it is asked to leave; what is left of it after a while is killed.
    """
    command = [*serve, "--port", str(port), "--workers", str(workers)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_ready(port, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_SECONDS)


def drive(
    data: Path, port: int, connections: int, seconds: float, requests: list[bytes], status: int
) -> http_client.Result:
    """Send requests from a process of its own and return what came of them; wrong answers end the run."""
    plan = http_client.Plan("127.0.0.1", port, connections, seconds, requests, status)
    path = data / "plan"
    path.write_bytes(msgspec.msgpack.encode(plan))
    command = [sys.executable, "-m", "loadtests.bench.http_client", str(path)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    result = msgspec.json.decode(output, type=http_client.Result)
    if result.wrong:
        raise RuntimeError(f"{result.wrong} of {result.answered} answers were wrong, first: {result.first_wrong}")
    return result


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
                if answer.status == HTTPStatus.OK:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the service was not ready; its log ends:\n{log.read_text()[-2000:]}")
