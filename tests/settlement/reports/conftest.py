"""The worked days of the reports, settled one by one on a real ledger, with a service over it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import httpx
import psycopg
import pytest

from ledger.embedded import EmbeddedPostgres
from ledger.posting.engine import Engine
from ledger.posting.expiry import post_lapses
from ledger.store.credentials import StaffRole, add_partner_key
from ledger.store.ledger_row import create_ledger
from ledger.store.unit_of_work import unit_of_work
from settlement.approval import approve, submit
from settlement.days import close_day
from settlement.run import run
from tests.acceptance.test_points_roll_forward import KEY, found
from tests.databases import LedgerDatabase
from tests.service import Service, make_staff_key, run_apart
from tests.settlement.reports.worked_days import APPROVED, FILE, FOURTH, TERMS, WorkedWithLateEvents, quote_baht
from tests.settlement_days import APPROVER, CLERK, agree

KEY_SECRET = b"a key that only these tests know!"


@dataclass(frozen=True)
class Settled:
    """A service over settled days; ``keys`` are partners' own."""

    service: Service
    database: LedgerDatabase
    keys: dict[str, str]

    def batch(self, day: str) -> str:
        return f"CITY-{day.replace('-', '')}-1"

    def staff(self, *roles: StaffRole) -> str:
        return make_staff_key(self.database, *roles)

    def report(self, day: str, name: str, **query: str) -> dict[str, Any]:
        """A report as JSON, in English where nothing else is said."""
        return self.document(f"{self.batch(day)}/reports/{name}", **query)

    def statement(self, day: str, party: str, **query: str) -> dict[str, Any]:
        return self.document(f"{self.batch(day)}/statements/{party}", **query)

    def document(self, path: str, **query: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.get(path, language="en", **query).raise_for_status().json()
        return answer

    def get(self, path: str, key: str | None = None, **query: str) -> httpx.Response:
        return self.service.get(f"/v1/settlement-batches/{path}", key=key, params=query)


@pytest.fixture(scope="session")
def settled(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[Settled]:
    name = "settled_days"
    postgres.create_database(name, template=migrated_template)
    database = LedgerDatabase.on(postgres, name)
    with psycopg.connect(database.owner_url) as owner:
        create_ledger(owner, KEY, lanes=4, is_sandbox=True)
    keys = run_apart(settle(database))
    with Service.start(database, sandbox=True, environment={"CITYPOINTS_LEDGER_KEY": KEY_SECRET.hex()}) as service:
        yield Settled(service, database, keys)


async def settle(database: LedgerDatabase) -> dict[str, str]:
    """Load each day, close and settle it; return a key of each partner's."""
    async with Engine.open(database.service_url, KEY) as engine:
        set_up = await found(engine, FILE)
        worked = WorkedWithLateEvents(engine, FILE, set_up.partners)
        async with engine.pool.connection() as connection:
            await engine.registry.refresh(connection)
        await agree(engine, "CITY", TERMS)
        programme = engine.registry.current.programmes["CITY"]
        await quote_baht(engine, programme.number)
        for day in (*APPROVED, FOURTH):
            await worked.set_clock(day, "00:00")
            await post_lapses(engine)
            for event in (event for event in FILE["events"] if event["day"] == day):
                await worked.load(event)
            following = date.fromordinal(date.fromisoformat(day).toordinal() + 1)
            await worked.set_clock(following.isoformat(), "00:00")
            await close_day(engine, CLERK, programme, date.fromisoformat(day))
            batch = await run(engine, CLERK, programme)
            if day == FOURTH:
                break
            await submit(engine, CLERK, batch.id, "looks right")
            await approve(engine, APPROVER, batch.id, "checked")
            # Paying is another test's.
            with psycopg.connect(database.owner_url) as owner:
                owner.execute("update settlement_batches set state = 'instructed'")
        async with engine.pool.connection() as connection, unit_of_work(connection):
            return {party: (await add_partner_key(connection, number)).key for party, number in worked.partners.items()}
