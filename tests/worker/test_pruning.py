"""Deliveries are forgotten long after they ended, and not before."""

from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from api.settings import Settings
from api.worker.jobs import prune
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, make_ledger

KEPT = {("pending", None, 200), ("delivered", 29, 29), ("dead", 89, 89)}
FORGOTTEN = {("delivered", 31, 31), ("dead", 91, 91)}


def add(owner: psycopg.Connection, webhook: UUID, state: str, ended_days_ago: int | None, age_days: int) -> None:
    owner.execute(
        "insert into webhook_deliveries (webhook, event, type, state, planned_at, ended_at) values (%s, %s, 'x', %s,"
        " now() - make_interval(days => %s), now() - make_interval(days => %s))",
        [webhook, uuid4(), state, age_days, ended_days_ago],
    )


async def test_delivered_ones_are_kept_for_30_days_dead_ones_for_90(database: LedgerDatabase) -> None:
    make_ledger(database)
    webhook = uuid4()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "insert into webhooks (webhook, partner, url, secret, positions) values (%s, 0, '', '', '{}')", [webhook]
        )
        for state, ended, age in KEPT | FORGOTTEN:
            add(owner, webhook, state, ended, age)
    async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)) as engine:
        assert await prune(engine, Settings(data_directory=Path())) == f"forgot {len(FORGOTTEN)} deliveries"
    with psycopg.connect(database.owner_url) as owner:
        left = owner.execute(
            "select state, extract(day from now() - ended_at)::int, extract(day from now() - planned_at)::int"
            " from webhook_deliveries"
        ).fetchall()
    assert set(left) == KEPT
