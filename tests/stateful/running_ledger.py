"""A sandbox ledger served by several processes, with the expiry job and the auditor in one more: this one."""

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, date, datetime
from typing import Any, NamedTuple, TypeVar, cast

import httpx
import psycopg
from psycopg import sql

from ledger.audit import AuditReport, audit
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.store.exchange_rates import NewExchangeRate, add_exchange_rate
from ledger.store.ledger_row import create_ledger
from ledger.store.unit_of_work import unit_of_work
from tests.databases import LedgerDatabase
from tests.service import APPLICATION, LEDGER_KEY, REQUEST_TIMEOUT_SECONDS, Service
from tests.stateful.model.terms import Rate

T = TypeVar("T")

LANES = 8
LONG_AGO = date(2020, 1, 1)
SERVICES = (2, 1)
"""How many processes each service has; whoever connects to both has surely reached two processes."""
CONNECTIONS = 6
WORK_LIMIT_SECONDS = 60.0
KEYS_TABLE = "idempotency_keys"

_TABLES = """
select c.relname from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname
"""


class Call(NamedTuple):
    """A POST of a partner's: path, body, headers."""

    path: str
    body: object
    headers: dict[str, str]


class Contents(NamedTuple):
    """What the database holds, by a digest of every table's rows; keys apart, and counted."""

    tables: tuple[tuple[object, ...], ...]
    keys: tuple[object, ...]
    key_count: int

    def without(self, names: frozenset[str]) -> tuple[tuple[object, ...], ...]:
        """The tables but those of these names."""
        return tuple(row for row in self.tables if row[0] not in names)


class RunningLedger:
    """Services, connections to them in turn, and an engine of this process's own, all over one database."""

    def __init__(self, services: Sequence[Service], connection: psycopg.Connection) -> None:
        self.service = services[0]
        self.disagreements: list[AssertionError] = []
        self._connection = connection
        self._clients = [
            httpx.Client(base_url=services[number % len(services)].base_url, timeout=REQUEST_TIMEOUT_SECONDS)
            for number in range(CONNECTIONS)
        ]
        self._turn = 0
        self._callers = ThreadPoolExecutor(CONNECTIONS)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._opened = AsyncExitStack()
        self._engine = self._run(
            self._opened.enter_async_context(Engine.open(self.service.database.service_url, LedgerKey(LEDGER_KEY), 2))
        )
        self._contents_query = self._compose_contents_query()

    def close(self) -> None:
        """Leave everything but the service."""
        self._run(self._opened.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(WORK_LIMIT_SECONDS)
        self._loop.close()
        self._callers.shutdown()
        for client in self._clients:
            client.close()

    def post(self, call: Call) -> httpx.Response:
        """Send a POST over the next connection in turn."""
        return self._client().post(call.path, json=call.body, headers=call.headers)

    def post_at_once(self, calls: Sequence[Call]) -> list[httpx.Response]:
        """Send POSTs at the same time, each over a connection of its own."""
        clients = [self._client() for _ in calls]
        sent = [
            self._callers.submit(client.post, call.path, json=call.body, headers=call.headers)
            for client, call in zip(clients, calls, strict=True)
        ]
        return [one.result(REQUEST_TIMEOUT_SECONDS) for one in sent]

    def get(self, path: str, credential: str, **query: str | int | bool) -> httpx.Response:
        """Read over the next connection in turn."""
        return self._client().get(path, params=query, headers={"Authorization": f"Bearer {credential}"})

    def now(self) -> datetime:
        """The sandbox's time."""
        [(now,)] = self._connection.execute("select ledger_now()").fetchall()
        return cast("datetime", now).astimezone(UTC)

    def lane_of(self, member: str) -> int:
        """The lane in which a member is at present."""
        query = "select lane from members where public_id = %s and into_member is null"
        [(lane,)] = self._connection.execute(query, [member]).fetchall()
        return int(lane)

    def add_rate(self, programme: str, target_programme: str, rate: Rate) -> None:
        """Add a rate of exchange, as if two persons had agreed on it long ago."""
        self._run(self._add_rate(programme, target_programme, rate))

    async def _add_rate(self, programme: str, target_programme: str, rate: Rate) -> None:
        async with self._engine.pool.connection() as connection:
            await self._engine.registry.refresh(connection)
            registry = self._engine.registry.current
            issuer = registry.partner_coded(rate.issuer)
            assert issuer is not None
            new = NewExchangeRate(
                source=registry.programmes[programme].number,
                target=registry.programmes[target_programme].number,
                issuer=issuer.number,
                starts_on=LONG_AGO,
                give=rate.give,
                get=rate.get,
                price_micros=10_000,
            )
            async with unit_of_work(connection):
                await add_exchange_rate(connection, new)

    def expire(self) -> None:
        """Run the expiry job."""
        self._run(post_lapses(self._engine))

    def audit(self) -> AuditReport:
        """Run the auditor."""
        return self._run(audit(self._engine.pool))

    def contents(self) -> Contents:
        """Digest all rows of all tables."""
        rows = self._connection.execute(self._contents_query).fetchall()
        keys = next(row for row in rows if row[0] == KEYS_TABLE)
        return Contents(tuple(row for row in rows if row[0] != KEYS_TABLE), keys, int(keys[1]))

    def _client(self) -> httpx.Client:
        self._turn += 1
        return self._clients[self._turn % CONNECTIONS]

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(WORK_LIMIT_SECONDS)

    def _compose_contents_query(self) -> sql.Composed:
        digest = sql.SQL("select {}::text, count(*), sum(hashtextextended(t::text, 0)::numeric) from {} t")
        names = [name for (name,) in self._connection.execute(_TABLES).fetchall()]
        return sql.SQL(" union all ").join(digest.format(sql.Literal(name), sql.Identifier(name)) for name in names)


@contextmanager
def run_ledger(
    database: LedgerDatabase,
    services: Sequence[int] = SERVICES,
    application: str = APPLICATION,
    environment: dict[str, str] | None = None,
) -> Iterator[RunningLedger]:
    """Make a sandbox ledger of a few lanes, so that many members share one, and serve it."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LedgerKey(LEDGER_KEY), lanes=LANES, is_sandbox=True)
    with ExitStack() as running:
        started = [
            running.enter_context(Service.start(database, workers, application=application, environment=environment))
            for workers in services
        ]
        connection = running.enter_context(psycopg.connect(database.superuser_url, autocommit=True))
        ledger = RunningLedger(started, connection)
        try:
            yield ledger
        finally:
            ledger.close()
