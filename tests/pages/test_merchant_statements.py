"""The merchant console on a sandbox: statements of settled days, disputes, and the way to the live ledger."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.api.street import Street
from tests.databases import LedgerDatabase
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CLIENT_ID, CLIENT_SECRET, CityProvider
from tests.pages.conftest import City
from tests.pages.merchants import claims_of
from tests.service import Service, free_port
from tests.settlement.finance_office import PROGRAMME, TODAY, FinanceOffice

LIVE = "https://points.city.example/merchant"
BATCH = "CITY-20261123-1"
ACCOUNT = {"name": "城市积分清算有限公司", "account": "6222020200998877665", "clearing_code": "102100000012"}


@dataclass
class SettledCity:
    """A city in which a day is settled: BANK gave points, CAFE took some, SHOP had no part in it."""

    office: FinanceOffice
    city: City
    redemption: str

    def browser(self, partner: str) -> Browser:
        """A browser in which somebody is signed in for a partner."""
        return self.city.sign_in(to="/merchant", **claims_of(partner))


@pytest.fixture(scope="module")
def settled(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> Iterator[SettledCity]:
    """Two days of which the first is settled and paid for; the redemption of it is disputed."""
    postgres.create_database("pages_of_settlement", template=migrated_template)
    port = free_port()
    environment = {
        "CITYPOINTS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CITYPOINTS_OIDC_ISSUER": provider.issuer,
        "CITYPOINTS_OIDC_CLIENT_ID": CLIENT_ID,
        "CITYPOINTS_OIDC_CLIENT_SECRET": CLIENT_SECRET,
        "CITYPOINTS_LIVE_URL": LIVE,
        "CITYPOINTS_SANDBOX_URL": "https://sandbox.points.city.example",
    }
    database = LedgerDatabase.on(postgres, "pages_of_settlement")
    with Service.start(database, sandbox=True, environment=environment, port=port) as service:
        office = FinanceOffice(service)
        for partner in ("BANK", "CAFE"):
            terms = office.terms(partner, reserve="0.01", fee="0.002", reimbursement="0.01", starts_on="2026-01-01")
            office.agree(terms)
        office.agree(office.propose(operation="account", currency="CNY", beneficiary=ACCOUNT))
        office.keys["SHOP"] = service.add_partner("SHOP", [PROGRAMME])
        city = City(cast("Street", SimpleNamespace(service=service)), provider)
        post(office, "BANK", "/v1/earnings", office.member, 10_000)
        card = service.post("/v1/members", {"reference": "m-2"}, key=office.keys["CAFE"]).json()["card"]
        post(office, "BANK", "/v1/earnings", f"card:{card}", 5_000)
        redemption = post(office, "CAFE", "/v1/redemptions", "ref:m-2", 3_000)
        office.settle_day(TODAY)
        yield SettledCity(office, city, redemption)
        city.close_browsers()


def post(office: FinanceOffice, partner: str, path: str, member: str, points: int) -> str:
    body = {"programme": PROGRAMME, "member": member, "points": points, "scene": "food"}
    return str(office.service.post(path, body, key=office.keys[partner]).raise_for_status().json()["id"])


def approve(settled: SettledCity) -> None:
    """Approve and instruct the batch, where that is still to do."""
    office = settled.office
    state = office.send("GET", f"/v1/settlement-batches/{BATCH}").raise_for_status().json()["state"]
    if state == "draft":
        office.step(BATCH, "submit").raise_for_status()
        office.step(BATCH, "approve", by="finance-approver").raise_for_status()
        office.step(BATCH, "instruct").raise_for_status()


def figures(page: Page) -> dict[str, str]:
    rows = [one for one in page.root.one("dl", **{"class": "figures"}).inside if one.tag == "div"]
    return {row.one("dt").text: row.every("dd")[0].text for row in rows}


@pytest.mark.parametrize(
    ("partner", "net", "whose", "still"),
    [("CAFE", "CNY 29.40", "in your favour", "Still to receive"), ("BANK", "CNY 180.00", "you owe", "Still to pay")],
)
def test_what_is_to_pay_or_to_receive_is_seen_at_a_glance(
    settled: SettledCity, partner: str, net: str, whose: str, still: str
) -> None:
    approve(settled)
    browser = settled.browser(partner)
    page = browser.get("/merchant/statements")
    assert figures(page) == {still: net}
    [row] = page.root.one("tbody").every("tr")
    assert row.one("th").text == "23 Nov 2026"
    assert f"{net} {whose}" in row.text
    today = figures(browser.get("/merchant"))
    assert today[still] == net


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_statement_is_read_and_downloaded_in_the_readers_language(settled: SettledCity, language: str) -> None:
    approve(settled)
    browser = settled.browser("CAFE")
    browser.get(f"/preferences?language={language}")
    page = browser.get(f"/merchant/statements/{BATCH}")
    assert page.heading == {"en": "Settlement statement", "zh": "结算对账单"}[language]
    assert "29.40" in page.text
    assert "3,000" in page.text
    assert "BANK" not in page.text, "who else was settled is not its"
    links = [one.attributes["href"] for one in page.root.every("a") if "download" in one.attributes]
    assert [link.rpartition("/")[2] for link in links] == ["pdf", "xlsx", "json"]
    contents = {}
    for link in links:
        answer = browser.get(link).response
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert f'attachment; filename="{BATCH}-CAFE.' in answer.headers["content-disposition"]
        contents[link.rpartition("/")[2]] = answer.content
    assert contents["pdf"].startswith(b"%PDF")
    assert contents["xlsx"].startswith(b"PK")
    assert json.loads(contents["json"])["title"] == page.heading


def test_a_batch_that_is_not_posted_is_not_there_yet(settled: SettledCity) -> None:
    browser = settled.browser("CAFE")
    draft = settled.office.send("GET", f"/v1/settlement-batches/{BATCH}").json()["state"] == "draft"
    if draft:
        assert browser.get(f"/merchant/statements/{BATCH}").status == 404
        assert "No statement yet" in browser.get("/merchant/statements").text
    assert browser.get("/merchant/statements/CITY-20991231-1").status == 404
    assert browser.get(f"/merchant/statements/{BATCH}/exe").status == 400


def test_a_partner_without_a_part_in_a_batch_finds_no_other_partys_figures(settled: SettledCity) -> None:
    approve(settled)
    browser = settled.browser("SHOP")
    assert "29.40" not in browser.get("/merchant/statements").html
    page = browser.get(f"/merchant/statements/{BATCH}")
    assert page.status == 200
    for foreign in ("29.40", "180.00", "3,000", "CAFE", "BANK"):
        assert foreign not in page.text
    for path in (f"/merchant/statements/{BATCH}/CAFE", f"/merchant/statements/{BATCH}/pdf?party=CAFE"):
        answer = browser.get(path)
        assert answer.status == 400 or b"29.40" not in answer.response.content
    content = browser.get(f"/merchant/statements/{BATCH}/json?party=CAFE").response.json()
    assert "CAFE" not in json.dumps(content)


def test_disputes_are_seen_by_whom_they_concern_alone_and_name_no_staff(settled: SettledCity) -> None:
    approve(settled)
    assert "None of your redemptions is disputed." in settled.browser("SHOP").get("/merchant/disputes").text
    body = {"transaction": settled.redemption, "reason": "goods <b>not</b> given"}
    opened: dict[str, Any] = settled.office.send("POST", "/v1/disputes", body).raise_for_status().json()
    page = settled.browser("CAFE").get("/merchant/disputes")
    [row] = page.root.one("tbody").every("tr")
    assert row.one("a").attributes["href"] == f"/merchant/transactions/{settled.redemption}"
    for word in ("Open", "held out", "3,000", "CNY 29.40", "goods <b>not</b> given"):
        assert word in row.text
    assert "<b>" not in page.html
    assert opened["opened_by"] not in page.html
    for partner in ("SHOP", "BANK"):
        other = settled.browser(partner).get("/merchant/disputes")
        assert "None of your redemptions is disputed." in other.text


def test_a_sandbox_says_that_it_is_one_and_leads_to_the_live_ledger(settled: SettledCity) -> None:
    for path in ("/merchant", "/merchant/keys"):
        header = settled.browser("SHOP").get(path).root.one("header")
        assert "Sandbox" in header.text
        [link] = [one for one in header.every("a") if one.attributes["href"].startswith("https")]
        assert (link.attributes["href"], link.text) == (LIVE, "Go to the live ledger")


def test_a_live_ledger_says_so_and_leads_nowhere_unless_it_is_told_where(city: City) -> None:
    header = city.sign_in(to="/merchant", **claims_of("CAFE")).get("/merchant").root.one("header")
    assert "Live ledger" in header.text
    assert "sandbox" not in header.text.lower()
