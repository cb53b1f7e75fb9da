"""A small ledger in a test's own database, with posters that a test can shape."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ledger.posting.intake import Intake
from ledger.posting.posters import Posters
from ledger.posting.registry_cache import RegistryCache
from ledger.rules.commands import PartnerCommand, Submission
from ledger.rules.outcomes import Outcome, Posted
from ledger.rules.programmes import EarnRate
from ledger.store.ledger_row import create_ledger
from ledger.store.members import create_members
from ledger.store.registry_writes import NewProgramme, NewRules, add_partner, add_programme, permit
from ledger.store.unit_of_work import open_pool, unit_of_work
from tests.builders import LEDGER_KEY
from tests.databases import LedgerDatabase

LANES = 4
MEMBERS = 8


class LedgerInPostgres:
    """One programme, two partners that may do everything, eight members over four lanes."""

    def __init__(self, database: LedgerDatabase, pool: AsyncConnectionPool[AsyncConnection]) -> None:
        self.database = database
        self.pool = pool
        self.partners: list[int] = []
        self.programme = 0
        self.members: list[str] = []
        self.lanes: list[int] = []
        self._keys = count(1)

    async def found(self, **changes: Any) -> None:
        """Add programme, partner and members."""
        fields: dict[str, Any] = {
            "code": "CITY",
            "currency": "CNY",
            "zone": "Asia/Shanghai",
            "rules": NewRules(EarnRate(1, 100), validity_months=24),
        }
        async with self.pool.connection() as connection, unit_of_work(connection):
            self.programme = await add_programme(connection, NewProgramme(**(fields | changes)))
            for code in ("BANK", "SUPERMARKET"):
                partner = await add_partner(connection, code, code.title(), "merchant")
                await permit(connection, self.programme, partner, may_issue=True, may_accept=True)
                self.partners.append(partner)
            references = [f"m{number}" for number in range(MEMBERS)]
            made = await create_members(connection, LEDGER_KEY, self.partners[0], references, LANES)
        self.members = [str(made[reference].public_id) for reference in references]
        self.lanes = [made[reference].lane for reference in references]

    @asynccontextmanager
    async def posters(self, **changes: Any) -> AsyncIterator["Desk"]:
        """Posters as another process would run them, with an intake of their own."""
        registry = RegistryCache()
        posters = Posters(self.database.service_url, registry, **({"groups": 1} | changes))
        async with self.pool.connection() as connection:
            await posters.start(connection)
        try:
            yield Desk(self, posters, Intake(self.pool, LEDGER_KEY, registry, LANES))
        finally:
            await posters.stop()

    async def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """What a query of the service's role returns."""
        async with self.pool.connection() as connection:
            cursor = await connection.execute(query.encode(), parameters)
            return await cursor.fetchall()

    async def value(self, query: str, *parameters: object) -> Any:
        """The one value that a query returns."""
        [[value]] = await self.rows(query, *parameters)
        return value

    async def transactions(self) -> int:
        """How many transactions the journal has."""
        return int(await self.value("select count(*) from transactions"))

    def next_key(self) -> str:
        """An idempotency key not used before."""
        return f"key-{next(self._keys)}"


class Desk:
    """One process's way in."""

    def __init__(self, ledger: LedgerInPostgres, posters: Posters, intake: Intake) -> None:
        self.ledger = ledger
        self.posters = posters
        self.intake = intake

    async def submission(self, command: PartnerCommand, key: str | None = None, partner: int = 0) -> Submission:
        """Resolve a command of the first partner or of another; without a key it gets one of its own."""
        owner = self.ledger.partners[partner]
        return await self.intake.prepare(owner, key or self.ledger.next_key(), command, shows_balance=True)

    async def submit(self, command: PartnerCommand, key: str | None = None) -> Outcome:
        """Submit a command and wait for its outcome."""
        return await self.posters.submit(await self.submission(command, key))

    async def post(self, command: PartnerCommand, key: str | None = None) -> Posted:
        """Submit a command that must be posted."""
        outcome = await self.submit(command, key)
        assert isinstance(outcome, Posted), outcome
        return outcome

    async def submit_together(self, commands: Sequence[PartnerCommand], keys: Sequence[str]) -> list[Any]:
        """Submit commands that wait for the poster at the same time; the errors of some are no errors of all."""
        submissions = [await self.submission(*pair) for pair in zip(commands, keys, strict=True)]
        futures = [self.posters.enqueue(submission) for submission in submissions]
        return await asyncio.gather(*futures, return_exceptions=True)


@asynccontextmanager
async def open_ledger(
    database: LedgerDatabase, *, is_sandbox: bool = False, **changes: Any
) -> AsyncIterator[LedgerInPostgres]:
    """Found a ledger in an empty database; the changes are those of its programme."""
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, LEDGER_KEY, lanes=LANES, is_sandbox=is_sandbox)
    async with open_pool(database.service_url) as pool:
        ledger = LedgerInPostgres(database, pool)
        await ledger.found(**changes)
        yield ledger
