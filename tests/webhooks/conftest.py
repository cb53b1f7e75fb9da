"""One service whose webhooks may lead to this machine, shops on it, and workers with short patience."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from ssl import SSLContext
from typing import Any
from uuid import uuid4

import pytest

from api.settings import Settings
from api.webhooks.allowed_targets import AllowedTargets
from api.webhooks.retries import RetryPolicy
from api.worker.jobs import Job
from api.worker.process import run_worker
from ledger.embedded import EmbeddedPostgres
from ledger.ids import LedgerKey
from tests.databases import LedgerDatabase
from tests.service import LEDGER_KEY, Service
from tests.webhooks.receiver import wait_until

TARGETS = "127.0.0.1, localhost"
HASTY = RetryPolicy(first_delay_seconds=0.05, longest_delay_seconds=0.4, attempt_seconds=2, lease_seconds=4)
STOP_LIMIT_SECONDS = 30


@dataclass
class Shop:
    """A partner with a member, on the tests' service."""

    service: Service
    code: str = field(default_factory=lambda: f"SHOP-{uuid4().hex[:8]}")

    def __post_init__(self) -> None:
        self.key = self.service.add_partner(self.code, ["CITY"])
        self.member = self.service.add_member(self.key, "guest")
        self.webhooks: list[str] = []

    def earn(self, points: int = 1, **more: Any) -> str:
        """Post an earn and return its id."""
        body = {"programme": "CITY", "member": "ref:guest", "points": points, "scene": "food", **more}
        return str(self.service.post("/v1/earnings", body, key=self.key).raise_for_status().json()["id"])

    def add_webhook(self, url: str, **more: Any) -> tuple[str, str]:
        """Make a webhook; return its id and its secret."""
        made = self.service.post("/v1/webhooks", {"url": url, **more}, key=self.key).raise_for_status().json()
        self.webhooks.append(made["id"])
        return made["id"], made["secret"]

    def webhook(self, webhook: str) -> dict[str, Any]:
        """A webhook as the API shows it."""
        found: dict[str, Any] = self.service.get(f"/v1/webhooks/{webhook}", key=self.key).raise_for_status().json()
        return found

    def ask(self, webhook: str, operation: str, body: object = None) -> dict[str, Any]:
        """Pause, resume, rotate, ping or replay."""
        path = f"/v1/webhooks/{webhook}/{operation}"
        answer: dict[str, Any] = self.service.post(path, body, key=self.key).raise_for_status().json()
        return answer

    def deliveries(self, webhook: str, **parameters: Any) -> list[dict[str, Any]]:
        """The deliveries of a webhook, the latest events first."""
        path = f"/v1/webhooks/{webhook}/deliveries"
        answer = self.service.get(path, key=self.key, params={"limit": 200, **parameters}).raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items

    def wait_for_state(self, webhook: str, state: str, count: int) -> list[dict[str, Any]]:
        """Wait until exactly so many deliveries are in a state."""
        wait_until(lambda: len(self.deliveries(webhook, state=state)) == count, f"{count} {state}")
        return self.deliveries(webhook, state=state)

    def close(self) -> None:
        """Remove its webhooks, so that no later test's worker tries them."""
        for webhook in self.webhooks:
            self.service.request("DELETE", f"/v1/webhooks/{webhook}", key=self.key)


@pytest.fixture(scope="session")
def service(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[Service]:
    """A service whose webhooks may lead to this machine, too."""
    name = "webhooks"
    postgres.create_database(name, template=migrated_template)
    database = LedgerDatabase.on(postgres, name)
    with Service.start(database, environment={"CITYPOINTS_WEBHOOK_TARGETS": TARGETS}) as service:
        service.add_programme("CITY")
        yield service


@pytest.fixture
def shop(service: Service) -> Iterator[Shop]:
    """A shop of this test's own."""
    shop = Shop(service)
    yield shop
    shop.close()


def settings_of(service: Service, targets: str = TARGETS) -> Settings:
    """A worker's settings on a service's ledger."""
    return Settings(
        data_directory=Path(service.data_directory),
        ledger_key=LedgerKey(LEDGER_KEY),
        webhook_targets=AllowedTargets.parse(targets),
    )


Working = Callable[..., AbstractContextManager[None]]


@contextmanager
def worker_on(
    service: Service,
    policy: RetryPolicy = HASTY,
    targets: str = TARGETS,
    trust: SSLContext | None = None,
    jobs: Sequence[Job] = (),
) -> Iterator[None]:
    """Run a worker on a service's ledger as long as the context lasts; it must end well."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    url, settings = service.database.service_url, settings_of(service, targets)
    ended: list[BaseException] = []

    def run() -> None:
        try:
            loop.run_until_complete(run_worker(url, settings, stop, policy=policy, jobs=jobs, trust=trust))
        except BaseException as error:  # noqa: BLE001 - told to the test at its end
            ended.append(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(STOP_LIMIT_SECONDS)
        # Also where the test has failed: what ended the worker is then the reason.
        assert not thread.is_alive(), "the worker does not stop"
        assert not ended, ended


@pytest.fixture
def working(service: Service) -> Working:
    """Runs a worker as long as a context lasts; without jobs, with short patience unless told otherwise."""
    return partial(worker_on, service)
