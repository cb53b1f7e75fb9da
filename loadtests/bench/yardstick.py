"""The yardstick: pgbench's simple update on the same server, "1.0×"."""

import re
import subprocess

from ledger.embedded import EmbeddedPostgres

DATABASE = "yardstick"
SCALE = 10
CLIENTS = 32


def prepare(server: EmbeddedPostgres) -> None:
    """Make pgbench's tables in a database of their own."""
    server.create_database(DATABASE)
    _pgbench(server, "--initialize", "--quiet", f"--scale={SCALE}")


def measure(server: EmbeddedPostgres, seconds: int) -> float:
    """Transactions a second of ``pgbench -N -M prepared -c 32 -j 1``."""
    output = _pgbench(
        server,
        "--skip-some-updates",
        "--protocol=prepared",
        f"--client={CLIENTS}",
        "--jobs=1",
        f"--time={seconds}",
    )
    found = re.search(r"tps = ([0-9.]+)", output)
    if found is None:
        raise RuntimeError(f"pgbench gave no figure:\n{output}")
    return float(found.group(1))


def _pgbench(server: EmbeddedPostgres, *arguments: str) -> str:
    command = [str(server.bin_directory / "pgbench"), *arguments, server.superuser_url(DATABASE)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
