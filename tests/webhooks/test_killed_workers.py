"""Workers killed in the middle: nothing is lost, and what comes twice carries the same id."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from api.worker.jobs import JOBS
from tests.service import LEDGER_KEY, Service
from tests.webhooks.conftest import TARGETS, Shop, Working, worker_on
from tests.webhooks.receiver import Received, Receiver

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def hasty_worker(service: Service) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.webhooks.hasty_worker"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "CITYPOINTS_LEDGER_KEY": LEDGER_KEY.hex(),
            "CITYPOINTS_WEBHOOK_TARGETS": TARGETS,
            "DATABASE_URL": service.database.service_url,
        },
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait(10)


def test_what_a_killed_worker_was_sending_is_sent_again_under_the_same_id(shop: Shop, working: Working) -> None:
    def slow(_: Received) -> int:
        time.sleep(1.5)
        return 200

    with Receiver(slow) as receiver:
        webhook, secret = shop.add_webhook(receiver.url)
        earned = shop.earn()
        with hasty_worker(shop.service) as worker:
            receiver.wait_for(1)
            worker.kill()
        [pending] = shop.deliveries(webhook)
        assert (pending["state"], pending["attempts"], pending["last_status"]) == ("pending", 1, None)
        receiver.answer = lambda _: 200
        with working():
            [delivered] = shop.wait_for_state(webhook, "delivered", 1)
    assert delivered["attempts"] == 2
    assert receiver.ids == [earned, earned]
    assert receiver.received[0].verified_by(secret) == receiver.received[1].verified_by(secret)


def test_with_workers_killed_again_and_again_every_event_arrives(shop: Shop, working: Working) -> None:
    def rather_slow(_: Received) -> int:
        time.sleep(0.02)
        return 200

    with Receiver(rather_slow) as receiver:
        webhook, _ = shop.add_webhook(receiver.url)
        earned: list[str] = []
        for _ in range(3):
            before = len(receiver.received)
            with hasty_worker(shop.service) as worker:
                earned += [shop.earn() for _ in range(40)]
                receiver.wait_for(before + 10)
                worker.kill()
        with working():
            shop.wait_for_state(webhook, "delivered", len(earned))
    counts = Counter(receiver.ids)
    assert counts.keys() == set(earned)
    # Of a killed worker, at most what was in flight came twice.
    assert sum(counts.values()) - len(earned) <= 3 * 8


def test_a_worker_whose_connections_are_cut_goes_on(shop: Shop) -> None:
    cut = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> %s"
    with (
        Receiver() as receiver,
        worker_on(shop.service, jobs=JOBS),
        psycopg.connect(shop.service.database.superuser_url, autocommit=True) as superuser,
    ):
        webhook, _ = shop.add_webhook(receiver.url)
        earned = [shop.earn()]
        # One that is cut off while it starts ends, as a test of the engine's says; this one is at work.
        shop.wait_for_state(webhook, "delivered", 1)
        for _ in range(3):
            earned += [shop.earn() for _ in range(10)]
            superuser.execute(cut, [superuser.info.backend_pid])
            shop.service.wait_until_ready()
        shop.wait_for_state(webhook, "delivered", len(earned))
    assert set(receiver.ids) == set(earned)
