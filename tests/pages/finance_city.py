"""A city whose staff sign in: a sandbox with pages, a finance office over HTTP, and browsers of its people."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ledger.embedded import EmbeddedPostgres
from tests.api.street import Street
from tests.databases import LedgerDatabase
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CLIENT_ID, CLIENT_SECRET, CityProvider
from tests.pages.conftest import City
from tests.service import Service, free_port
from tests.settlement.finance_office import ZONE, FinanceOffice
from tests.settlement.mock_bank import MockBank, iban

HOUSE = {"name": "城市积分清算有限公司", "account": iban("CN", "HOUSE"), "clearing_code": "102100000012"}
CAFE_ACCOUNT = "6222020200112233445"


class _Empty(Street):
    """A street without the shops: the office brings its own."""

    def __post_init__(self) -> None:
        """Add nothing."""


@dataclass
class FinanceCity:
    """An office, and the people of it in browsers."""

    office: FinanceOffice
    city: City

    def browser_of(self, *roles: str, sub: str | None = None) -> Browser:
        """Somebody with these roles, signed in."""
        return self.city.sign_in(to="/finance", sub=sub or "-".join(roles), citypoints_roles=list(roles))

    def new_programme(self, code: str, *, agreed: bool = True, issued: int = 1_000, redeemed: int = 300) -> None:
        """A programme in which BANK gives points and CAFE takes some of them, today; with contracts and our account."""
        office = self.office
        office.service.add_programme(code)
        for partner in ("BANK", "CAFE"):
            office.service.permit(code, partner, may_issue=True, may_accept=True)
        if agreed:
            self.agree(code)
        self.trade(code, issued, redeemed)

    def agree(self, code: str) -> None:
        """Have contracts and our account approved by two people."""
        office = self.office
        for partner, account in (("BANK", iban("CN", "PAYER")), ("CAFE", CAFE_ACCOUNT)):
            paid_at = {"name": f"Partner {partner}", "account": account, "clearing_code": "102290000010"}
            office.agree(office.terms(partner, programme=code, starts_on="2026-01-01", beneficiary=paid_at))
        office.agree(office.propose(programme=code, operation="account", currency="CNY", beneficiary=HOUSE))

    def trade(self, code: str, issued: int, redeemed: int) -> None:
        """BANK gives points, CAFE takes some."""
        office, member = self.office, self.office.member
        earned = {"programme": code, "member": member, "points": issued, "scene": "banking"}
        office.send("POST", "/v1/earnings", earned, by="BANK").raise_for_status()
        if redeemed:
            used = {"programme": code, "member": member, "points": redeemed, "scene": "food"}
            office.send("POST", "/v1/redemptions", used, by="CAFE").raise_for_status()

    @property
    def today(self) -> date:
        """The day on the sandbox's clock."""
        [(now,)] = self.city.ask("select now from sandbox_clock")
        moment: datetime = now
        return moment.astimezone(ZONE).date()

    def next_morning(self) -> date:
        """Let the day end; returns the day that is over."""
        over = self.today
        morning = datetime(over.year, over.month, over.day, 9, tzinfo=ZONE) + timedelta(days=1)
        self.office.service.set_clock(morning.isoformat())
        return over

    def read_in(self, bank: MockBank) -> None:
        """Take over what the bank has said so far."""
        for content in bank.messages("pain.002") + bank.messages("camt.053", "HOUSE"):
            self.office.service.request(
                "POST",
                "/v1/bank-files",
                key=self.office.keys["finance-clerk"],
                content=content,
                headers={"Idempotency-Key": str(hash(content)), "Content-Type": "application/xml"},
            ).raise_for_status()

    def state_of(self, batch: str) -> str:
        """The state of a batch, from its row."""
        [(state,)] = self.city.ask("select state from settlement_batches where batch = %s", batch)
        return str(state)


def close(browser: Browser, programme: str, day: date) -> Page:
    """Close a day by its form, and go on to the page that follows."""
    action = f"/finance/days/{day.isoformat()}/close"
    return browser.follow(browser.send(browser.get(f"{action}?programme={programme}"), action))


def take(browser: Browser, batch: str, step: str, **fields: str) -> Page:
    """Take a step with a batch by its form; the answer itself, not where it leads."""
    action = f"/finance/batches/{batch}/{step}"
    return browser.send(browser.get(action), action, **fields)


def run_batch(browser: Browser, programme: str) -> str:
    """Run a batch by its form; returns its name."""
    answer = browser.send(browser.get(f"/finance/run?programme={programme}"), "/finance/run")
    assert answer.status == 303, answer.html
    return answer.location.removeprefix("/finance/batches/").partition("?")[0]


@contextmanager
def finance_city(postgres: EmbeddedPostgres, template: str, provider: CityProvider, name: str) -> Iterator[FinanceCity]:
    """A live sandbox of two processes with pages."""
    postgres.create_database(name, template=template)
    port = free_port()
    environment: dict[str, Any] = {
        "CITYPOINTS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CITYPOINTS_OIDC_ISSUER": provider.issuer,
        "CITYPOINTS_OIDC_CLIENT_ID": CLIENT_ID,
        "CITYPOINTS_OIDC_CLIENT_SECRET": CLIENT_SECRET,
    }
    database = LedgerDatabase.on(postgres, name)
    with Service.start(database, workers=2, sandbox=True, environment=environment, port=port) as service:
        office = FinanceOffice(service)
        yield FinanceCity(office, City(_Empty(service), provider))
