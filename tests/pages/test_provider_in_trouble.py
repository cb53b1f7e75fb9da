"""An identity provider that cannot be reached, or is not who it should be, and a service that has none."""

import json
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from litestar import Litestar
from litestar.datastructures import State
from litestar.testing import TestClient

from api.pages import Site, signed_in_routes
from api.requests import CityRequest
from api.signing_in.failures import SignInFailed
from api.signing_in.identity_provider import IdentityProvider
from api.signing_in.pending import begin
from api.signing_in.settings import SignInSettings
from tests.databases import LedgerDatabase
from tests.pages.browsing import Browser
from tests.service import Service, free_port


@pytest.fixture(autouse=True)
def _closed_browsers() -> None:
    """Here no city's browsers are to be closed."""


class Odd:
    """A server that answers everything with one body."""

    def __init__(self) -> None:
        self.status, self.body = 200, b""
        odd = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(odd.status)
                self.send_header("Content-Length", str(len(odd.body)))
                self.end_headers()
                self.wfile.write(odd.body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def odd() -> Iterator[Odd]:
    server = Odd()
    Thread(target=server.server.serve_forever, daemon=True).start()
    yield server
    server.server.shutdown()
    server.server.server_close()


def settings_for(issuer: str) -> SignInSettings:
    return SignInSettings(issuer=issuer, client_id="city-points", public_url="http://127.0.0.1:8000")


async def fails(issuer: str) -> SignInFailed:
    provider = IdentityProvider(settings_for(issuer))
    try:
        with pytest.raises(SignInFailed) as caught:
            await provider.authorization_address(begin("/portal", "citizen"))
    finally:
        await provider.close()
    return caught.value


async def test_a_provider_that_nobody_answers_for_is_not_reached() -> None:
    failure = await fails(f"http://127.0.0.1:{free_port()}")
    assert (failure.reason, failure.cause) == ("provider-unreachable", "ConnectError")


async def test_a_provider_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.signing_in.identity_provider.TIMEOUT_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        failure = await fails(f"http://127.0.0.1:{silent.getsockname()[1]}")
    assert (failure.reason, failure.cause) == ("provider-unreachable", "ReadTimeout")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"\xff", b'{"issuer": 5}'])
async def test_a_document_that_is_none_is_not_used(odd: Odd, body: bytes) -> None:
    odd.body = body
    assert (await fails(odd.issuer)).cause == "no discovery document, 200"


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ({"issuer": "https://elsewhere.example"}, "another issuer"),
        ({"token_endpoint": "http://elsewhere.example/token"}, "without https"),
        ({"jwks_uri": "file:///etc/passwd"}, "without https"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "without https"),
    ],
)
async def test_a_document_of_another_or_with_unsafe_addresses_is_not_used(
    odd: Odd, change: dict[str, str], cause: str
) -> None:
    usual = {
        "issuer": odd.issuer,
        "authorization_endpoint": f"{odd.issuer}/a",
        "token_endpoint": f"{odd.issuer}/t",
        "jwks_uri": f"{odd.issuer}/k",
    }
    odd.body = json.dumps(usual).encode()
    provider = IdentityProvider(settings_for(odd.issuer))
    assert (await provider.authorization_address(begin(None, None))).startswith(f"{odd.issuer}/a?response_type=code&")
    await provider.close()
    odd.body = json.dumps(usual | change).encode()
    assert cause in (await fails(odd.issuer)).cause


def test_the_page_says_that_the_provider_cannot_be_reached_and_the_rest_serves(database: LedgerDatabase) -> None:
    port = free_port()
    environment = {
        "CITYPOINTS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CITYPOINTS_OIDC_ISSUER": f"http://127.0.0.1:{free_port()}",
        "CITYPOINTS_OIDC_CLIENT_ID": "city-points",
    }
    with Service.start(database, environment=environment, port=port) as service:
        browser = Browser(service.base_url)
        page = browser.get("/sign-in/start")
        assert (page.status, page.heading) == (503, "You are not signed in")
        assert "cannot be reached at the moment" in page.text
        assert browser.cookie("sign-in") is None
        assert service.get("/v1/partners").status_code == 200
        assert browser.get("/demo-sign-in/.well-known/openid-configuration").status == 404
        browser.client.close()


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/start", "/sign-in/callback", "/portal", "/account"])
def test_where_no_provider_is_configured_the_pages_say_so(path: str) -> None:
    state = State({"site": Site(version="1"), "signing_in": None})
    app = Litestar([*signed_in_routes], state=state, request_class=CityRequest, logging_config=None)
    with TestClient(app) as client:
        answer = client.get(path)
    assert answer.status_code == 404
    assert "Nobody can sign in here" in answer.text
