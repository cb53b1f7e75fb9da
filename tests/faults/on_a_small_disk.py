"""A database on a disk that runs full under load, in a mount namespace of this process's own.

python -m tests.faults.on_a_small_disk FOLDER SIZE; prints what happened as JSON, and fails where anything was lost.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import upgrade
from tests.databases import LedgerDatabase
from tests.faults.clients import REQUESTS, Clients, set_up
from tests.service import Service

LONGEST_WAIT_SECONDS = 30.0
CHUNK = b"\0" * 65_536


def main(folder: Path, size: str) -> int:
    """Fill the disk under load, make room again, and check that the clients' record agrees with the ledger."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)], check=True)
    with EmbeddedPostgres.start(folder) as server:
        upgrade(server.owner_url())
        database = LedgerDatabase.on(server, "citypoints")
        with Service.start(database, workers=1, groups=1) as service:
            clients = Clients([service], set_up(service))
            ballast = folder / "ballast"
            clients.run(lambda: fill_and_clear(ballast, clients), range(4 * REQUESTS))
            told = {
                "requests": 4 * REQUESTS,
                "answered": len(clients.answers),
                "asked_to_try_again": sum(clients.refusals.values()),
                "refusals": clients.refusals,
            }
            clients.check(database)
    sys.stdout.write(json.dumps(told))
    return 0


def fill_and_clear(ballast: Path, clients: Clients) -> None:
    """Fill the disk, wait until clients are asked to try again, and make room."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(CHUNK)
        except OSError as error:
            sys.stderr.write(f"the disk is full: {error}\n")
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not clients.refusals and time.monotonic() < deadline:
        time.sleep(0.05)
    ballast.unlink()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
