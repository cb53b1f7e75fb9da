"""Webhooks after a restore: deliveries go on where the copy stood, and nothing of the new history is left out."""

from collections.abc import Iterator

import pytest

from ledger.embedded import EmbeddedPostgres
from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.epochs import start_epoch
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, Service, run_apart
from tests.webhooks.conftest import TARGETS, Shop, worker_on
from tests.webhooks.receiver import Receiver, wait_until

ENVIRONMENT = {"CITYPOINTS_WEBHOOK_TARGETS": TARGETS}


@pytest.fixture
def copy(
    postgres: EmbeddedPostgres, database: LedgerDatabase, database_numbers: Iterator[int]
) -> Iterator[LedgerDatabase]:
    """The address of a copy of the database, once it is made; dropped at the end."""
    made = LedgerDatabase.on(postgres, f"restored_{next(database_numbers)}")
    yield made
    postgres.drop_database(made.name)


def test_deliveries_go_on_from_where_the_copy_stood(
    postgres: EmbeddedPostgres, database: LedgerDatabase, copy: LedgerDatabase
) -> None:
    with Receiver() as receiver:
        with Service.start(database, environment=ENVIRONMENT) as service:
            service.add_programme("CITY")
            shop = Shop(service)
            shop.add_webhook(receiver.url)
            delivered = [shop.earn() for _ in range(3)]
            with worker_on(service):
                wait_until(lambda: set(receiver.ids) >= set(delivered), "the first deliveries")
            # Recorded before the backup and not delivered by then.
            waiting = [shop.earn() for _ in range(2)]
        postgres.create_database(copy.name, template=database.name)
        with Service.start(database, environment=ENVIRONMENT) as service:
            shop.service = service
            lost = [shop.earn() for _ in range(7)]
            with worker_on(service):
                wait_until(lambda: set(receiver.ids) >= set(lost), "the deliveries of what is lost")
        run_apart(begin_epoch(copy))
        with Service.start(copy, environment=ENVIRONMENT) as service:
            shop.service = service
            new = [shop.earn() for _ in range(4)]
            with worker_on(service):
                wait_until(lambda: set(receiver.ids) >= set(new), "the deliveries of the new history")
                wait_until(lambda: sum(receiver.ids.count(one) == 2 for one in waiting) == 2, "those that waited")
            [webhook] = shop.webhooks
            assert [one["event"] for one in shop.deliveries(webhook)] == sorted(delivered + waiting + new, reverse=True)
            shop.wait_for_state(webhook, "delivered", 9)
            assert [receiver.ids.count(one) for one in delivered + lost + new] == [1] * 14


async def begin_epoch(database: LedgerDatabase) -> None:
    async with Engine.open(database.service_url, LedgerKey(LEDGER_KEY)) as engine:
        await start_epoch(engine, bytes(range(16)), reason="restored")
