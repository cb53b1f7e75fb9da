"""The pages of people who are signed in, one line each: area, path, and a role of the demo's that may see it.

A page in this list is held to everything in ``test_signed_in_pages.py``: axe, widths, larger type, no script.
"""

from dataclasses import dataclass
from itertools import cycle

from playwright.sync_api import Page

from tests.browser.visitor import DESK, PHONE, View


@dataclass(frozen=True)
class SignedInPage:
    """A page, who sees it, and with what status it is answered.

    ``link`` is a selector: the page is then the one to which the first such link of ``path`` leads, since its own
    address differs from demo to demo. ``cookie`` is what the browser keeps beside the session.
    """

    area: str
    path: str
    role: str
    status: int = 200
    link: str | None = None
    cookie: tuple[str, str] | None = None

    def __str__(self) -> str:
        return f"{self.role}-{self.path}{'-link' if self.link else ''}"

    def open(self, page: Page, origin: str) -> None:
        """Open it where somebody of the role is signed in; it must be there under its own address."""
        if self.cookie is not None:
            name, value = self.cookie
            page.context.add_cookies([{"name": name, "value": value, "url": origin}])
        page.goto(self.path, wait_until="load")
        address = self.path
        if self.link is not None:
            address = page.locator(self.link).first.get_attribute("href") or ""
            page.goto(address, wait_until="load")
        assert page.url == origin + address


TILL = ("till", "food.north-2")
PAGES = [
    SignedInPage("sign-in", "/account", "citizen"),
    SignedInPage("sign-in", "/account", "merchant"),
    SignedInPage("sign-in", "/account", "finance-approver"),
    SignedInPage("sign-in", "/merchant", "citizen", 403),
    SignedInPage("portal", "/portal", "citizen"),
    SignedInPage("portal", "/portal?programme=NONE", "citizen", 404),
    SignedInPage("portal", "/portal/code", "citizen"),
    SignedInPage("portal", "/portal/statement", "citizen"),
    SignedInPage("portal", "/portal/statement?scene=housing", "citizen"),
    SignedInPage("portal", "/portal/flows", "citizen"),
    SignedInPage("portal", "/portal/flows?since=2026-02-30", "citizen", 400),
    SignedInPage("portal", "/portal/gift", "citizen"),
    SignedInPage("portal", "/portal/notices", "citizen"),
    SignedInPage("portal", "/portal/consents", "citizen"),
    SignedInPage("portal", "/portal/data", "citizen"),
    SignedInPage("portal", "/portal/data/erasure", "citizen"),
    SignedInPage("portal", "/portal/appeals", "citizen"),
    SignedInPage("merchant", "/merchant", "merchant"),
    SignedInPage("merchant", "/merchant/counter", "merchant", cookie=TILL),
    SignedInPage("merchant", "/merchant/counter/till", "merchant"),
    SignedInPage("merchant", "/merchant/transactions", "merchant"),
    SignedInPage("merchant", "/merchant/transactions", "merchant", link="tbody a"),
    SignedInPage("merchant", "/merchant/transactions?q=none", "merchant"),
    SignedInPage("merchant", "/merchant/imports", "merchant"),
    SignedInPage("merchant", "/merchant/statements", "merchant"),
    SignedInPage("merchant", "/merchant/statements", "merchant", link="tbody a"),
    SignedInPage("merchant", "/merchant/disputes", "merchant"),
    SignedInPage("merchant", "/merchant/webhooks", "merchant"),
    SignedInPage("merchant", "/merchant/keys", "merchant"),
    SignedInPage("finance", "/finance", "finance-clerk"),
    SignedInPage("finance", "/finance", "finance-clerk", link=".todo a[role=button]"),
    SignedInPage("finance", "/finance/batches", "finance-clerk"),
    SignedInPage("finance", "/finance/batches", "finance-approver", link="tbody a"),
    SignedInPage("finance", "/finance/run", "finance-clerk"),
    SignedInPage("finance", "/finance/reports", "finance-clerk"),
    SignedInPage("finance", "/finance/reports/roll-forward", "finance-clerk"),
    SignedInPage("finance", "/finance/reports/ageing", "finance-clerk"),
    SignedInPage("finance", "/finance/reports/reserve-proof", "finance-approver"),
    SignedInPage("finance", "/finance/reconciliation", "finance-clerk"),
    SignedInPage("finance", "/finance/suspense", "finance-clerk"),
    SignedInPage("finance", "/finance/suspense", "finance-clerk", link="tbody a"),
    SignedInPage("finance", "/finance/disputes", "finance-clerk"),
    SignedInPage("finance", "/finance/proposals", "finance-clerk"),
    SignedInPage("finance", "/finance/proposals?show=all", "finance-approver"),
    SignedInPage("finance", "/finance/proposals?show=all", "finance-approver", link="tbody a"),
    SignedInPage("finance", "/finance/proposals/new/terms?partner=LANTERN-COFFEE", "finance-clerk"),
    SignedInPage("finance", "/finance/proposals/new/adjustment", "finance-clerk"),
    SignedInPage("finance", "/finance/periods", "finance-clerk"),
    SignedInPage("operator", "/operator", "operator"),
    SignedInPage("operator", "/operator/programmes", "operator"),
    SignedInPage("operator", "/operator/programmes/CITY", "operator"),
    SignedInPage("operator", "/operator/partners", "operator"),
    SignedInPage("operator", "/operator/partners/OLD-STREET-TEA", "operator"),
    SignedInPage("operator", "/operator/keys", "operator"),
    SignedInPage("operator", "/operator/keys/new", "operator"),
    SignedInPage("operator", "/operator/appeals", "operator"),
    SignedInPage("operator", "/operator/appeals?decided=yes", "operator"),
]

# Each pair shows both languages, both widths and both colour schemes; the four of them every pair of two.
PAIRS = [
    (View("zh", PHONE, "light"), View("en", DESK, "dark")),
    (View("en", PHONE, "dark"), View("zh", DESK, "light")),
    (View("en", PHONE, "light"), View("zh", DESK, "dark")),
    (View("zh", PHONE, "dark"), View("en", DESK, "light")),
]


def looks() -> list[tuple[SignedInPage, View]]:
    """Every page with the two views that it is looked at in."""
    return [(page, view) for page, pair in zip(PAGES, cycle(PAIRS), strict=False) for view in pair]
