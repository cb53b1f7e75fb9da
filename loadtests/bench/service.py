"""The service under measurement: ``citypoints serve`` on the run's own data directory."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import msgspec

from loadtests.bench import http_client

CITYPOINTS = str(Path(sys.executable).with_name("citypoints"))
START_SECONDS = 60
STOP_SECONDS = 30


class Service(msgspec.Struct, frozen=True):
    """A running service: its port on loopback and the process of ``citypoints serve``."""

    port: int
    pid: int


@contextmanager
def running_service(data: Path, workers: int) -> Iterator[Service]:
    """Start the service on a free port of loopback, wait until it is ready, stop it at the end."""
    port = _free_port()
    log = (data / "service.log").open("wb")
    command = [CITYPOINTS, "serve", "--port", str(port), "--workers", str(workers)]
    environment = os.environ | {"CITYPOINTS_DATA": str(data)}
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        _wait_until_ready(port, process, data / "service.log")
        yield Service(port, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        log.close()


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


def _free_port() -> int:
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
