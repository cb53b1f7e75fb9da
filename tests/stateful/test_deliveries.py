"""What was posted reaches its partner's receiver, also when the worker is killed while it sends."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, Service
from tests.stateful.broken_app import FAULT_VARIABLE
from tests.stateful.comparing import Disagreement, agree
from tests.webhooks.conftest import TARGETS, Shop
from tests.webhooks.receiver import Received, Receiver, wait_until

ROOT = Path(__file__).resolve().parents[2]
EVENTS = 3
ACCEPTED, NOT_NOW = 200, 503
LONGER_THAN_THE_WORKER_LIVES_SECONDS = 2.0


def test_a_delivery_survives_the_worker_that_was_sending_it(database: LedgerDatabase) -> None:
    restart_while_sending(database, "break_nothing")


def test_a_delivery_lost_at_restart_is_caught(database: LedgerDatabase) -> None:
    with pytest.raises(Disagreement) as caught:
        restart_while_sending(database, "delivery_lost_at_restart")
    assert caught.value.check == "deliveries"


def restart_while_sending(database: LedgerDatabase, fault: str) -> None:
    """Post, kill the worker before its receiver has accepted anything, start it again, and count what was accepted."""
    accepted: list[str] = []

    def be_slow(_: Received) -> int:
        time.sleep(LONGER_THAN_THE_WORKER_LIVES_SECONDS)
        return NOT_NOW

    def accept(received: Received) -> int:
        accepted.append(received.id)
        return ACCEPTED

    with served(database) as shop, Receiver(be_slow) as receiver:
        webhook, _ = shop.add_webhook(receiver.url)
        posted = [shop.earn() for _ in range(EVENTS)]
        with broken_worker(shop.service, fault) as worker:
            receiver.wait_for(1)
            worker.kill()
        receiver.answer = accept
        with broken_worker(shop.service, fault):
            wait_until(lambda: is_settled(shop, webhook), f"{EVENTS} deliveries that are not pending")
        agree("deliveries", sorted(set(accepted)), sorted(posted))


def is_settled(shop: Shop, webhook: str) -> bool:
    """Whether the ledger takes all deliveries for done."""
    return [one["state"] for one in shop.deliveries(webhook)] == ["delivered"] * EVENTS


@contextmanager
def served(database: LedgerDatabase) -> Iterator[Shop]:
    """A service with a shop whose webhook may lead to this machine."""
    with Service.start(database, environment={"CITYPOINTS_WEBHOOK_TARGETS": TARGETS}) as service:
        service.add_programme("CITY")
        yield Shop(service)


@contextmanager
def broken_worker(service: Service, fault: str) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker in a process of its own, gone at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.stateful.broken_worker"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
            "CITYPOINTS_WEBHOOK_TARGETS": TARGETS,
            "DATABASE_URL": service.database.service_url,
            FAULT_VARIABLE: fault,
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)
