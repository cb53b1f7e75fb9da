"""The rows of the benchmark, in the order in which they run."""

import asyncio
import os
import random
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import uvloop

from ledger.audit import audit
from ledger.embedded import EmbeddedPostgres
from ledger.ids import LedgerKey
from ledger.store.credentials import add_partner_key, add_staff_key
from ledger.store.unit_of_work import open_pool, unit_of_work
from loadtests.bench import capped, posting, requests, settling, yardstick
from loadtests.bench.city import PROGRAMME, read_city
from loadtests.bench.scale import FULL, Scale
from loadtests.bench.service import CITYPOINTS, drive, running_service
from loadtests.bench.table import Row, mean

WORKERS = 2
PROCESSES = 2
CANCELLED = 0.1
BULK_ITEMS = 100
LIKELY_SINGLES_A_SECOND = 12_000
LIKELY_READS_A_SECOND = 20_000
LIKELY_BULKS_A_SECOND = 400

MAPPING = f"""
format = "csv"
programme = "{PROGRAMME}"
scene = "food"
zone = "Asia/Shanghai"
create_members = true
[key]
column = "invoice"
[member]
column = "customer"
by = "reference"
[spend]
column = "amount"
unit = "minor"
currency = "CNY"
[occurred_at]
column = "at"
[cancellation]
column = "invoice"
prefix = "C"
"""

# What grows with transactions: not what there is once per member or party, however often they trade.
_DISK = """
select sum(pg_total_relation_size(c.oid))
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind = 'r'
  and c.relname !~ '^(members|member_names|member_points|party_balances|credentials|lanes|imports|import_lines)$'
"""
TRANSACTIONS = "select coalesce(sum(next_sequence - 1), 0) from lanes"


class Bench:
    """What the rows share, and the yardsticks measured so far."""

    def __init__(self, data: Path, server: EmbeddedPostgres, scale: Scale) -> None:
        self.data = data
        self.server = server
        self.scale = scale
        self.city = data / "city"
        self.yardsticks: list[float] = []
        self.relative: set[str] = set()
        self._seed = 0
        self.measure_yardstick()

    def measure_yardstick(self) -> None:
        """Measure the yardstick once more; it is done first and last."""
        self.yardsticks.append(yardstick.measure(self.server, self.scale.yardstick_seconds))

    def times_yardstick(self, name: str, a_second: float, unit: str, at_least: float | None) -> Row:
        """A row whose ratio, to the yardstick, is known when the run ends."""
        self.relative.add(name)
        return Row(name, a_second, unit, at_least=at_least)

    def with_ratio(self, row: Row) -> Row:
        """Give a row its ratio to the mean of the yardsticks."""
        if row.name in self.relative:
            row.ratio = row.value / mean(self.yardsticks)
        return row

    def post(self, commands: int, processes: int = 1) -> float:
        """Post commands and return how many a second."""
        self._seed += 1
        return posting.measure(self.city, commands, self._seed, processes)

    def read_number(self, query: str) -> int:
        """Read one number from the ledger's database."""
        with psycopg.connect(self.server.owner_url()) as owner:
            row = owner.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0


def measure_posting(bench: Bench) -> Iterator[Row]:
    """In-process posting, by a process for each core and by one alone, and what it takes on disk."""
    used, transactions = bench.read_number(_DISK), bench.read_number(TRANSACTIONS)
    a_second = bench.post(bench.scale.posting_commands, PROCESSES)
    name = f"posting in {PROCESSES} processes with lanes of their own, batches of 500, 30 % redemptions"
    yield bench.times_yardstick(name, a_second, "transactions/s", 2.5)
    alone = bench.post(bench.scale.posting_commands)
    yield bench.times_yardstick("the same in one process", alone, "transactions/s", None)
    used = bench.read_number(_DISK) - used
    transactions = bench.read_number(TRANSACTIONS) - transactions
    yield Row("disk per transaction, rows and indexes", used / transactions, "bytes", at_least=1000, ceiling=True)


def measure_exhausted_cap(bench: Bench) -> Iterator[Row]:
    """Refusals of a cap that is exhausted, over many lanes, against earns that no cap limits."""
    result = capped.measure(bench.city, bench.scale.capped_commands)
    name = "refusals of an exhausted cap, against earns without a cap"
    yield Row(name, result.refusals, "refusals/s", ratio=result.refusals / result.earns, at_least=1.0)


def measure_posting_beside_audit(bench: Bench) -> Iterator[Row]:
    """Posting while the auditor reads the journal again and again, against posting alone."""
    alone = bench.post(bench.scale.audit_commands)
    stop = threading.Event()
    auditing = threading.Thread(target=_audit_until, args=(bench.server.service_url(), stop))
    auditing.start()
    try:
        beside = bench.post(bench.scale.audit_commands)
    finally:
        stop.set()
        auditing.join()
    yield Row(
        "posting while the auditor runs, against alone", beside, "transactions/s", ratio=beside / alone, at_least=0.6
    )


def _audit_until(url: str, stop: threading.Event) -> None:
    async def run() -> None:
        async with open_pool(url) as pool:
            while not stop.is_set():
                report = await audit(pool)
                if report.difference_count:
                    raise RuntimeError(f"the audit found {report.differences[0]}")

    asyncio.run(run())


def measure_import(bench: Bench) -> Iterator[Row]:
    """A merchant's file by ``citypoints import``, end to end, the start of the command included."""
    file, mapping = bench.data / "invoices.csv", bench.data / "mapping.toml"
    mapping.write_text(MAPPING)
    chance = random.Random(1)
    now = time.time()
    with file.open("w") as lines:
        lines.write("invoice,at,customer,amount\n")
        for number in range(bench.scale.import_lines):
            cancelled = "C" if chance.random() < CANCELLED else ""
            at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now - 86_400))
            lines.write(f"{cancelled}{number},{at},c{chance.randrange(5000)},{chance.randint(100, 50_000)}\n")
    started = time.monotonic()
    command = [CITYPOINTS, "import", str(file), "--partner", "B0", "--mapping", str(mapping)]
    environment = os.environ | {"CITYPOINTS_DATA": str(bench.data)}
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    elapsed = time.monotonic() - started
    yield bench.times_yardstick("file import, end to end", bench.scale.import_lines / elapsed, "lines/s", 1.8)


def measure_http(bench: Bench) -> Iterator[Row]:
    """The service over HTTP: single earns, hot merchants, one connection, bulk, balances."""
    city = read_city(bench.city)
    merchants = asyncio.run(make_keys(bench.server.service_url(), city.partners))
    seconds = bench.scale.http_seconds
    singles = int(LIKELY_SINGLES_A_SECOND * seconds)
    with running_service(bench.data, WORKERS) as service:

        def send(connections: int, messages: list[bytes], status: int) -> "tuple[float, float, float]":
            result = drive(bench.data, service.port, connections, seconds, messages, status)
            return result.answered / result.seconds, result.p50_ms, result.p99_ms

        send(128, requests.earnings(city, merchants, singles // 4), 201)
        even, _, p99 = send(128, requests.earnings(city, merchants, singles), 201)
        yield bench.times_yardstick("HTTP, one earn per request, 128 connections", even, "requests/s", 0.4)
        yield Row("the same, 99th percentile", p99, "ms", at_least=120, ceiling=True)
        hot, _, _ = send(128, requests.earnings(city, merchants, singles, hot=True), 201)
        yield Row("90 % of traffic on 3 merchants, against even traffic", hot, "requests/s", hot / even, 0.9)
        _, p50, _ = send(1, requests.earnings(city, merchants, singles // 8), 201)
        yield Row("one connection, one earn at a time, median", p50, "ms", at_least=6, ceiling=True)
        bulks = requests.bulks(city, merchants, int(LIKELY_BULKS_A_SECOND * seconds), BULK_ITEMS)
        bulk, _, _ = send(8, bulks, 200)
        yield bench.times_yardstick("HTTP bulk, 100 per request, 8 connections", bulk * BULK_ITEMS, "items/s", 1.3)
        reads = requests.balances(city, merchants, int(LIKELY_READS_A_SECOND * seconds))
        read, _, _ = send(64, reads, 200)
        yield bench.times_yardstick("balance read over HTTP, 64 connections", read, "requests/s", 0.6)


async def make_keys(url: str, partners: list[int]) -> requests.Merchants:
    """Keys of the merchants and of an operator, for the service under measurement."""
    async with open_pool(url) as pool, pool.connection() as connection, unit_of_work(connection):
        operator = await add_staff_key(connection, "bench", ["operator"])
        keys = [(await add_partner_key(connection, partner)).key for partner in partners]
        return requests.Merchants(keys, operator.key)


def measure_audit(bench: Bench) -> Iterator[Row]:
    """The auditor over everything that the run has recorded; it must find nothing."""

    async def run() -> float:
        async with open_pool(bench.server.service_url()) as pool:
            started = time.monotonic()
            report = await audit(pool)
            if report.difference_count:
                raise RuntimeError(f"the audit found {report.differences[0]}")
            return int(report.transactions) / (time.monotonic() - started)

    audited: float = uvloop.run(run())
    yield Row("audit of the whole journal, one core", audited, "transactions/s")


def measure_settlement(bench: Bench) -> Iterator[Row]:
    """A settlement run over all that is recorded, in units of the plainest sum over the same rows."""
    missing = bench.scale.settled_transactions - bench.read_number(TRANSACTIONS)
    if missing > 0:
        bench.post(missing)
    result = uvloop.run(settling.measure(bench.city))
    name = f"settlement run over {result.transactions:,} transactions, against a plain sum"
    ratio = result.run_seconds / result.plain_seconds
    # A short run is mostly what each of its ten thousand statement lines takes; of what is posted, some is refused.
    at_least = 5.0 if result.transactions >= 0.99 * FULL.settled_transactions else None
    yield Row(name, result.run_seconds, "s", ratio=ratio, at_least=at_least, ceiling=True)


def measure_beside_settlement(bench: Bench) -> Iterator[Row]:
    """Posting, and reading over HTTP, while a settlement of all that is recorded runs, against each alone."""
    city = read_city(bench.city)
    merchants = asyncio.run(make_keys(bench.server.service_url(), city.partners))
    reads = requests.balances(city, merchants, int(LIKELY_READS_A_SECOND * bench.scale.http_seconds))
    with running_service(bench.data, WORKERS) as service:

        def measure() -> tuple[float, float]:
            result = drive(bench.data, service.port, 64, bench.scale.http_seconds, reads, 200)
            return bench.post(bench.scale.audit_commands), result.answered / result.seconds

        alone = measure()
        stop = threading.Event()
        with ThreadPoolExecutor(1) as other:
            settling_again = other.submit(lambda: asyncio.run(settling.settle_until(bench.city, stop)))
            try:
                beside = measure()
            finally:
                stop.set()
            settling_again.result()
    for name, unit, was, now in zip(
        ("posting", "balance read over HTTP"), ("transactions/s", "requests/s"), alone, beside, strict=True
    ):
        yield Row(f"{name} while a settlement runs, against alone", now, unit, ratio=now / was, at_least=0.5)


IN_ORDER: tuple[Callable[[Bench], Iterator[Row]], ...] = (
    measure_posting,
    measure_http,
    measure_import,
    measure_exhausted_cap,
    measure_posting_beside_audit,
    measure_audit,
    measure_settlement,
    measure_beside_settlement,
)


def found_ledger_key(data: Path) -> LedgerKey:
    """Make the ledger key's file as ``citypoints init`` does, and return the key."""
    path = data / "ledger.key"
    path.touch(mode=0o600)
    path.write_text(secrets.token_hex(32))
    return LedgerKey(bytes.fromhex(key_text(data)))


def key_text(data: Path) -> str:
    """The ledger key as its file has it."""
    return (data / "ledger.key").read_text().strip()
