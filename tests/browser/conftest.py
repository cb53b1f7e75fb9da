"""A browser for each file of tests, a service and a demo for all of them, a visitor or a resident for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from ledger.embedded import EmbeddedPostgres
from tests.browser.chromium import find_or_bring
from tests.browser.launching import launched
from tests.browser.visitor import STEP_LIMIT_MILLISECONDS, Guard, Resident, SharedSignIns, Visitor
from tests.databases import LedgerDatabase
from tests.demo_service import Demo, demo_service
from tests.service import Service

expect.set_options(timeout=STEP_LIMIT_MILLISECONDS)


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The program, installed if need be."""
    return find_or_bring()


@pytest.fixture(scope="module")
def browser(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A running browser; it ends with its file, since asynchronous tests cannot run beside it."""
    with launched(chromium, tmp_path_factory.mktemp("browser")) as running:
        yield running


@pytest.fixture(scope="session")
def service(postgres: EmbeddedPostgres, migrated_template: str) -> Iterator[Service]:
    """A sandbox of one process."""
    postgres.create_database("browser", template=migrated_template)
    with Service.start(LedgerDatabase.on(postgres, "browser"), sandbox=True) as running:
        yield running


@pytest.fixture
def visitor(browser: Browser, service: Service) -> Iterator[Visitor]:
    """Somebody who looks at the service's pages; the test fails if a page did what no page may."""
    guard = Guard(service.base_url)
    visiting = Visitor(browser, service.base_url, guard)
    yield visiting
    visiting.leave()
    assert not guard.complaints, "\n".join(guard.complaints)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """The demo city with a sign-in for each role, as ``make run`` brings it; tests share its people."""
    with demo_service(tmp_path_factory.mktemp("demo")) as running:
        yield running


@pytest.fixture(scope="session")
def shared_sign_ins() -> SharedSignIns:
    """Who of the demo has signed in already."""
    return SharedSignIns()


@pytest.fixture
def resident(browser: Browser, demo: Demo, shared_sign_ins: SharedSignIns) -> Iterator[Resident]:
    """Somebody who can sign in; the test fails if a page did what no page may."""
    guard = Guard(demo.url)
    living = Resident(browser, demo.url, guard, shared=shared_sign_ins)
    yield living
    living.leave()
    assert not guard.complaints, "\n".join(guard.complaints)
