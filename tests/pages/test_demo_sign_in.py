"""``serve --demo``: one sign-in for each role, on this machine alone, and a banner on every page."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from ledger.embedded import EmbeddedPostgres
from tests.command_line import CommandLine
from tests.databases import LedgerDatabase
from tests.pages.browsing import Browser, Page
from tests.service import free_port

READY_LIMIT_SECONDS = 90.0
STOP_LIMIT_SECONDS = 60.0


@pytest.fixture(autouse=True)
def _closed_browsers() -> None:
    """Here no city's browsers are to be closed."""


@dataclass
class Demo:
    """A running demo."""

    url: str
    log: Path
    browsers: list[Browser] = field(default_factory=list)

    def browser(self) -> Browser:
        browser = Browser(self.url)
        self.browsers.append(browser)
        return browser

    def choice(self, browser: Browser, to: str) -> Page:
        """The provider's page on which somebody is chosen."""
        page = browser.follow(browser.get("/sign-in/start", params={"to": to}))
        assert page.status == 200, page.html
        return page

    def choose(self, browser: Browser, page: Page, person: str) -> Page:
        """Choose somebody, and come back."""
        forms = [form for form in page.root.every("form") if form.attributes["action"] == "/demo-sign-in/authorize"]
        fields = [{one.attributes["name"]: one.attributes["value"] for one in form.every("input")} for form in forms]
        [chosen] = [one for one in fields if one["person"] == person]
        return browser.follow(browser.post("/demo-sign-in/authorize", chosen))


@pytest.fixture(scope="module")
def demo(
    postgres: EmbeddedPostgres, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Demo]:
    """A demo of two processes, so that what one begins the other may finish."""
    postgres.create_database("demo_sign_in", template=migrated_template)
    database = LedgerDatabase.on(postgres, "demo_sign_in")
    urls = {"DATABASE_URL": database.service_url, "MIGRATE_DATABASE_URL": database.owner_url}
    folder = tmp_path_factory.mktemp("demo")
    command = CommandLine(folder / "data", urls)
    port = free_port()
    process = command.start(folder / "log", "serve", "--port", str(port), "--workers", "2", "--demo", "--no-worker")
    running = Demo(f"http://127.0.0.1:{port}", folder / "log")
    try:
        deadline = time.monotonic() + READY_LIMIT_SECONDS
        while not _is_ready(running.url):
            assert process.poll() is None, running.log.read_text()
            assert time.monotonic() < deadline, running.log.read_text()
            time.sleep(0.2)
        yield running
        for browser in running.browsers:
            browser.client.close()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(STOP_LIMIT_SECONDS)


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=10).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("citizen", "citizen"),
        ("merchant", "merchant Partner 老街茶馆 Old Street Tea House"),
        ("finance-clerk", "staff Roles finance clerk"),
        ("finance-approver", "staff Roles second approver"),
        ("operator", "staff Roles operator"),
    ],
)
def test_each_role_can_be_signed_in_as(demo: Demo, person: str, shown: str) -> None:
    browser = demo.browser()
    page = demo.choose(browser, demo.choice(browser, "/account"), person)
    assert (page.status, page.location) == (303, "/account")
    assert f"Signed in as {shown} Signed in until" in browser.follow(page).text


def test_the_citizen_has_points_a_hold_and_a_statement(demo: Demo) -> None:
    browser = demo.browser()
    page = browser.follow(demo.choose(browser, demo.choice(browser, "/portal"), "citizen"))
    assert page.heading == "Your points"
    assert "Held 140" in page.text
    assert "老街茶馆" in browser.get("/portal/consents").text
    for language in ("zh", "en"):
        browser.get(f"/preferences?language={language}")
        cursor: str | None = "/portal/statement"
        while cursor is not None:
            page = browser.get(cursor)
            assert page.status == 200
            assert "None" not in page.text
            more = {"en": "Show more", "zh": "查看更多"}[language]
            cursor = next((a.attributes["href"] for a in page.root.every("a") if a.text == more), None)


def test_every_page_has_the_banner(demo: Demo) -> None:
    browser = demo.browser()
    choice = demo.choice(browser, "/portal")
    pages = [choice, *(browser.get(path) for path in ("/", "/docs", "/problems", "/sign-in", "/sign-in/callback"))]
    demo.choose(browser, choice, "citizen")
    pages += [browser.get(path) for path in ("/portal", "/portal/gift", "/account", "/portal?programme=NONE")]
    for page in pages:
        [banner] = [one for one in page.root.every("p") if one.attributes.get("class") == "demo-banner"]
        assert banner.text.startswith("Demo. Anybody on this machine can sign in as anybody")


def test_a_code_is_worth_nothing_without_what_its_browser_keeps(demo: Demo) -> None:
    browser = demo.browser()
    choice = demo.choice(browser, "/portal")
    [form] = [form for form in choice.root.every("form") if 'value="operator"' in choice.html][-1:]
    fields = {one.attributes["name"]: one.attributes["value"] for one in form.every("input")}
    answer = browser.post("/demo-sign-in/authorize", fields)
    code = httpx.URL(answer.location).params["code"]
    exchange = {
        "grant_type": "authorization_code",
        "client_id": "demo",
        "redirect_uri": f"{demo.url}/sign-in/callback",
        "code": code,
        "code_verifier": "guessed",
    }
    refused = browser.post("/demo-sign-in/token", exchange)
    assert (refused.status, refused.response.json()) == (400, {"error": "invalid_grant"})
    for name, value in (("code", "x.y.z"), ("client_id", "other"), ("redirect_uri", "https://evil.example/")):
        assert browser.post("/demo-sign-in/token", {**exchange, name: value}).status == 400


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "http://127.0.0.1:1/sign-in/callback"),
        ("client_id", "other"),
        ("nonce", ""),
        ("code_challenge", ""),
        ("person", "mayor"),
    ],
)
def test_nobody_is_sent_elsewhere_with_a_code(demo: Demo, name: str, value: str) -> None:
    browser = demo.browser()
    choice = demo.choice(browser, "/portal")
    form = choice.root.every("form")[0]
    fields = {one.attributes["name"]: one.attributes["value"] for one in form.every("input")}
    assert browser.post("/demo-sign-in/authorize", {**fields, name: value}).status == 404
    if name != "person":
        query = {**fields, name: value, "code_challenge_method": "S256"}
        page = browser.get("/demo-sign-in/authorize", params=query)
        assert page.status == 400
        assert page.root.every("form") == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "points.city.example"},
        {"Host": "localhost"},
        {"X-Forwarded-For": "192.0.2.1"},
        {"Forwarded": "for=192.0.2.1"},
        {"Via": "1.1 proxy"},
    ],
)
def test_the_demos_provider_is_not_there_by_another_name_or_through_a_proxy(
    demo: Demo, headers: dict[str, str]
) -> None:
    browser = demo.browser()
    for path in ("/demo-sign-in/.well-known/openid-configuration", "/demo-sign-in/keys", "/demo-sign-in/authorize"):
        assert browser.get(path, headers=headers).status == 404


def test_who_comes_by_another_name_of_this_machine_is_led_to_the_one_that_signs_in(demo: Demo) -> None:
    port = demo.url.rpartition(":")[2]
    page = demo.browser().get("/sign-in?to=/portal", headers={"Host": f"localhost:{port}"})
    assert (page.status, page.location) == (303, f"{demo.url}/sign-in?to=%2Fportal")


def test_the_log_says_how_to_sign_in_and_holds_no_secret(demo: Demo) -> None:
    browser = demo.browser()
    demo.choose(browser, demo.choice(browser, "/portal"), "citizen")
    log = demo.log.read_text()
    assert f"Sign in without a password on {demo.url}/portal" in log
    assert '"event": "signed_in"' in log
    assert str(browser.cookie("session")) not in log
    assert "code=" not in log


def test_a_newcomer_settles_the_day_to_its_end_as_two_people_and_lets_the_next_one_come(demo: Demo) -> None:
    clerk, approver = demo.browser(), demo.browser()
    for browser, person in ((clerk, "finance-clerk"), (approver, "finance-approver")):
        demo.choose(browser, demo.choice(browser, "/finance"), person)
    listed = [row.text for row in clerk.get("/finance/batches").root.one("tbody").every("tr")]
    assert ["closed" in row for row in listed] == [True, True], listed
    page = clerk.get("/finance")
    close = page.root.one("section", **{"aria-labelledby": "next"}).one("a").attributes["href"]
    clerk.send(clerk.get(close), close.partition("?")[0])
    batch = clerk.send(clerk.get("/finance/run"), "/finance/run").location.partition("?")[0]
    for browser, step in ((clerk, "submit"), (approver, "approve"), (clerk, "instruct")):
        action = f"{batch}/{step}"
        assert browser.send(browser.get(action), action).status == 303, step
    page = clerk.get(batch)
    assert "What changed since" in page.text
    answered = clerk.send(page, batch.replace("/finance/batches", "/demo-finance/bank"))
    page = clerk.follow(answered)
    assert "The bank has confirmed every payment" in page.text
    assert page.text.count(" paid ") > 5, "what was asked for is paid"
    action = f"{batch}/close"
    assert "batch is closed" in clerk.follow(clerk.send(clerk.get(action), action)).text
    page = clerk.get("/finance")
    assert "Nothing to do now" in page.heading + page.text
    fields = page.form("/demo-finance/next-day")
    for _ in range(2):
        page = clerk.follow(clerk.post("/demo-finance/next-day", fields))
        assert "Next: Close" in page.text
        assert page.form("/demo-finance/next-day")["day"] > fields["day"]
    assert [one for one in approver.get("/finance").root.every("form") if "demo" in one.attributes["action"]] == []
    assert approver.post("/demo-finance/next-day", {**fields, "csrf": "x"}).status == 403


def test_a_demo_for_others_than_this_machine_or_beside_a_provider_is_refused(tmp_path: Path) -> None:
    nowhere = CommandLine(tmp_path / "nothing", {})
    for host in ("0.0.0.0", "::", "192.0.2.1", "points.city.example"):
        said = nowhere.fails("serve", "--demo", "--host", host, code=2)
        assert "it listens on this machine alone" in said
    provider = {
        "CITYPOINTS_PUBLIC_URL": "https://points.city.example",
        "CITYPOINTS_OIDC_ISSUER": "https://id.city.example",
        "CITYPOINTS_OIDC_CLIENT_ID": "city-points",
    }
    said = CommandLine(tmp_path / "nothing", provider).fails("serve", "--demo", code=2)
    assert "CITYPOINTS_OIDC_ISSUER is set" in said
    assert not (tmp_path / "nothing").exists()
