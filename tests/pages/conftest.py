"""A live service with an identity provider, for all tests of the pages; every test brings members of its own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from ledger.embedded import EmbeddedPostgres
from tests.api.street import Regular, Street
from tests.databases import LedgerDatabase
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CLIENT_ID, CLIENT_SECRET, CityProvider
from tests.service import Service, free_port

if TYPE_CHECKING:
    from tests.pages.bureau import Bureau


@dataclass
class City:
    """A street of shops whose members sign in at the city's identity provider."""

    street: Street
    provider: CityProvider
    browsers: list[Browser] = field(default_factory=list)

    @property
    def service(self) -> Service:
        return self.street.service

    def browser(self) -> Browser:
        """A browser that nobody has used."""
        browser = Browser(self.service.base_url)
        self.browsers.append(browser)
        return browser

    def close_browsers(self) -> None:
        """Close the browsers of a test."""
        for browser in self.browsers:
            browser.client.close()
        self.browsers.clear()

    def begin(self, browser: Browser, to: str | None = None) -> str:
        """Begin to sign in; returns the address at the provider."""
        page = browser.get("/sign-in/start", params={"to": to} if to else None)
        assert page.status == 303, page.html
        assert page.location.startswith(f"{self.provider.issuer}/authorize?"), page.location
        return page.location

    def finish(self, browser: Browser, address: str, **claims: Any) -> Page:
        """Sign in at the provider with claims, and come back."""
        code = self.provider.sign_in(address, **claims)
        return browser.get("/sign-in/callback", params={"code": code, "state": state_in(address)})

    def sign_in(self, to: str | None = "/portal", **claims: Any) -> Browser:
        """A browser in which somebody with these claims is signed in."""
        browser = self.browser()
        page = self.finish(browser, self.begin(browser, to), **claims)
        assert page.status == 303, page.html
        return browser

    def citizen(self, member: Regular) -> Browser:
        """A browser in which a member is signed in."""
        return self.sign_in(citypoints_roles=["citizen"], citypoints_member=member.id)

    def sessions(self, person: str) -> int:
        """How many sessions somebody has."""
        return int(self.ask("select count(*) from sessions where person = %s", person)[0][0])

    def ask(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Run a statement as the database's superuser."""
        with psycopg.connect(self.service.database.superuser_url, autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []


def state_in(address: str) -> str:
    """The state in an address at the provider."""
    import httpx

    return httpx.URL(address).params["state"]


def signing_in_at(provider: CityProvider, port: int) -> dict[str, str]:
    """What a service on a port needs for people to sign in at the provider."""
    return {
        "CITYPOINTS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CITYPOINTS_OIDC_ISSUER": provider.issuer,
        "CITYPOINTS_OIDC_CLIENT_ID": CLIENT_ID,
        "CITYPOINTS_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }


@pytest.fixture(scope="session")
def provider() -> Iterator[CityProvider]:
    """The city's identity provider."""
    with CityProvider() as running:
        yield running


@pytest.fixture(scope="session")
def city(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> Iterator[City]:
    """A live service of two processes with pages."""
    postgres.create_database("pages", template=migrated_template)
    port = free_port()
    database = LedgerDatabase.on(postgres, "pages")
    with Service.start(database, workers=2, environment=signing_in_at(provider, port), port=port) as service:
        yield City(Street(service), provider)


@pytest.fixture(scope="session")
def bureau(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> "Iterator[Bureau]":
    """A finance bureau with a settled day, on a sandbox of its own."""
    from tests.pages.bureau import Bureau

    postgres.create_database("bureau", template=migrated_template)
    port = free_port()
    database = LedgerDatabase.on(postgres, "bureau")
    with Service.start(database, sandbox=True, environment=signing_in_at(provider, port), port=port) as service:
        yield Bureau.open(service, provider)


@pytest.fixture(autouse=True)
def _closed_browsers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close a test's browsers; a test that has no service starts none for this."""
    cities: list[City] = []
    if "city" in request.fixturenames:
        cities.append(request.getfixturevalue("city"))
    if "bureau" in request.fixturenames:
        cities.append(request.getfixturevalue("bureau").city)
    yield
    for one in cities:
        one.close_browsers()


@pytest.fixture
def honest(provider: CityProvider) -> Iterator[CityProvider]:
    """The provider, which stops lying when the test ends."""
    key = provider.key
    yield provider
    provider.key, provider.signing_key, provider.algorithm = key, None, "RS256"
