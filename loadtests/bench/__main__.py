"""``python -m loadtests.bench``: run everything, print the table, write ``bench.json``.

``QUICK=1`` takes under two minutes. ``LONG=1`` first grows the ledger to ten million transactions and watches the
service's memory for an hour, then runs everything on the grown ledger. ``ROWS="growth posting"`` runs these alone.
"""

import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import uvloop

from ledger.embedded import EmbeddedPostgres
from ledger.store import migrate
from ledger.store.ledger_row import create_ledger
from loadtests.bench import city, rows, yardstick
from loadtests.bench.long_rows import LONG_ROWS
from loadtests.bench.scale import FULL, QUICK
from loadtests.bench.table import Row, render, write_json


def main() -> None:
    """Run the benchmark on a fresh data directory."""
    scale = QUICK if os.environ.get("QUICK") else FULL
    measures = _chosen()
    data = Path(tempfile.mkdtemp(prefix="citypoints-bench-"))
    server = EmbeddedPostgres.start(data / "postgres")
    try:
        key = rows.found_ledger_key(data)
        migrate.upgrade(server.owner_url())
        with psycopg.connect(server.owner_url()) as owner:
            create_ledger(owner, key)
        built = uvloop.run(city.build_city(server.service_url(), rows.key_text(data)))
        city.write_city(data / "city", built)
        yardstick.prepare(server)
        bench = rows.Bench(data, server, scale)
        found: list[Row] = []
        for measure in measures:
            for row in measure(bench):
                _say(f"{row.name}: {row.value:,.1f} {row.unit}")
                found.append(row)
        bench.measure_yardstick()
        finished = [bench.with_ratio(row) for row in found]
        write_json(Path("bench.json"), bench.yardsticks, finished)
        _say("")
        _say(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, PostgreSQL 18")
        _say(render(bench.yardsticks, finished))
    finally:
        server.stop()
        shutil.rmtree(data, ignore_errors=True)


def _chosen() -> list[Callable[[rows.Bench], Iterator[Row]]]:
    """What to measure, as the environment says; ends the run for a name that nothing has."""
    every = {measure.__name__.removeprefix("measure_"): measure for measure in (*LONG_ROWS, *rows.IN_ORDER)}
    named = os.environ.get("ROWS", "").replace(",", " ").split()
    unknown = [name for name in named if name not in every]
    if unknown:
        sys.exit(f"ROWS: got {unknown[0]!r}, wanted some of {', '.join(every)}.")
    if named:
        return [measure for name, measure in every.items() if name in named]
    return [*LONG_ROWS, *rows.IN_ORDER] if os.environ.get("LONG") else [*rows.IN_ORDER]


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
