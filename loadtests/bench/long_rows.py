"""What only ``LONG=1`` measures: a ledger of ten million transactions, and the service's memory over an hour."""

import asyncio
import subprocess
from collections.abc import Callable, Iterator

from loadtests.bench import requests
from loadtests.bench.city import read_city
from loadtests.bench.rows import TRANSACTIONS, WORKERS, Bench, make_keys
from loadtests.bench.service import drive, running_service
from loadtests.bench.table import Row

SMALL = 100_000
GROWN = 10_000_000
GROWS_BY = 500_000
CONNECTIONS = 128
SLICE_SECONDS = 30
LIKELY_REQUESTS_A_SECOND = 12_000
FLAT = 1.1
_KIB_A_MIB = 1024


def measure_growth(bench: Bench) -> Iterator[Row]:
    """Posting with ten million transactions stored, against a hundred thousand."""
    _grow(bench, SMALL)
    small = bench.post(bench.scale.posting_commands)
    _grow(bench, GROWN)
    grown = bench.post(bench.scale.posting_commands)
    name = f"posting with {GROWN:,} transactions stored, against {SMALL:,}"
    yield Row(name, grown, "transactions/s", ratio=grown / small, at_least=0.85)


def _grow(bench: Bench, transactions: int) -> None:
    while (missing := transactions - bench.read_number(TRANSACTIONS)) > 0:
        bench.post(min(missing, GROWS_BY))


def measure_memory(bench: Bench) -> Iterator[Row]:
    """The largest process that answers requests, after an hour of earns over 128 connections, and how much it grew."""
    city = read_city(bench.city)
    merchants = asyncio.run(make_keys(bench.server.service_url(), city.partners))
    seen: list[float] = []
    with running_service(bench.data, WORKERS) as service:
        for _ in range(bench.scale.memory_seconds // SLICE_SECONDS):
            earnings = requests.earnings(city, merchants, LIKELY_REQUESTS_A_SECOND * SLICE_SECONDS)
            drive(bench.data, service.port, CONNECTIONS, SLICE_SECONDS, earnings, 201)
            seen.append(max(resident_mib(service.pid)))
    quarter = len(seen) // 4
    grew = max(seen[-quarter:]) / max(seen[quarter : 2 * quarter])
    minutes = bench.scale.memory_seconds // 60
    yield Row(f"memory of a worker after {minutes} minutes of load", seen[-1], "MiB", at_least=250, ceiling=True)
    name = "the same, most of the last quarter against most of the second"
    yield Row(name, max(seen[-quarter:]), "MiB", ratio=grew, at_least=FLAT, ceiling=True)


def resident_mib(serve: int) -> list[float]:
    """The resident memory of each process that ``citypoints serve`` runs, in MiB."""
    listed = subprocess.run(["ps", "-axo", "ppid=,rss="], check=True, stdout=subprocess.PIPE, text=True).stdout
    rows = [line.split() for line in listed.splitlines()]
    return [int(kib) / _KIB_A_MIB for parent, kib in rows if int(parent) == serve]


LONG_ROWS: tuple[Callable[[Bench], Iterator[Row]], ...] = (measure_growth, measure_memory)
