"""Pictures of the key pages for the docs: ``python -m tests.browser.screenshots`` writes them to ``docs/screens``.

They show an empty sandbox on a fixed address and, to people who are signed in, the demo city at a fixed time, so a
picture changes only when its page does.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page

from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import upgrade
from tests.browser.chromium import find_or_bring
from tests.browser.launching import launched
from tests.browser.visitor import DESK, PHONE, Guard, Resident, View, Visitor
from tests.databases import LedgerDatabase
from tests.demo_service import demo_service
from tests.service import Service

SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens"
SHOWN_ADDRESS = "http://127.0.0.1:8000"
# An evening on which the city has just had its month.
SHOWN_TIME = "2026-11-24T18:30:00+08:00"

# The tour shows the address it is read at, which differs from run to run.
_SAY_USUAL_ADDRESS = """([actual, usual]) => {
  for (const code of document.querySelectorAll("code")) code.textContent = code.textContent.replaceAll(actual, usual);
}"""
# Codes are drawn by lot.
_SAY_USUAL_CODE = """() => {
  const heading = document.querySelector("h1");
  heading.textContent = heading.textContent.replace(/[0-9]{4}$/, "4821");
}"""
# Whether all is well is told by the machine's own clock.
_SAY_USUAL_TIMES = """() => {
  const texts = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    texts.currentNode.data = texts.currentNode.data
      .replace(/[0-9]+ [A-Z][a-z]{2} 20[0-9]{2} [0-9:]{5}/, "24 Nov 2026 18:30")
      .replace(/20[0-9]{2}年[0-9]+月[0-9]+日 [0-9:]{5}/, "2026年11月24日 18:30")
      .replace(/[0-9]+( seconds| 秒)/, "40$1");
  }
}"""


@dataclass(frozen=True)
class Screen:
    """A page to take, how it is looked at, and by which person of the demo; without one in an empty sandbox."""

    name: str
    path: str
    view: View
    prepare: Callable[[Page, Visitor], None] | None = None
    role: str | None = None

    def file(self, folder: Path) -> Path:
        """Where its picture goes."""
        return folder / f"{self.name}-{self.view}.png"


def _until_operations_are_listed(page: Page, _: Visitor) -> None:
    page.locator(".opblock").first.wait_for()


def _fill_the_gift_in(page: Page, _: Visitor) -> None:
    page.locator("#receiver").fill("6217 0038 4412 9056")
    page.locator("#points").fill("120")


def _look_at_a_customer(page: Page, visitor: Visitor) -> None:
    """The till is chosen, and the citizen's code typed."""
    assert isinstance(visitor, Resident), "only residents sign in"
    if page.url.endswith("/till"):
        page.locator("#scene").select_option("food")
        page.locator("#outlet").fill("north-2")
        page.locator("main form button").click()
    phone = visitor.signed_in("citizen", View(), "/portal/code")
    page.locator("#member").fill(phone.locator("p.digits").inner_text())
    page.locator("main form button").click()
    page.locator("#earn-spend").fill("128.50")
    page.evaluate(_SAY_USUAL_CODE)


def _look_at_the_last_batch(page: Page, _: Visitor) -> None:
    page.locator("tbody a").first.click()
    page.locator("#whom").evaluate("heading => heading.scrollIntoView()")


def _come_to_the_chart(page: Page, _: Visitor) -> None:
    page.locator("figure.bar-chart").evaluate("chart => chart.scrollIntoView({block: 'nearest'})")


def _say_usual_times(page: Page, _: Visitor) -> None:
    page.evaluate(_SAY_USUAL_TIMES)


_ON_A_PHONE, _ON_A_DESK = View("zh", PHONE, "light"), View("en", DESK, "dark")

SCREENS_TO_TAKE = [
    Screen("start", "/", View("en", DESK, "light")),
    Screen("start", "/", View("zh", DESK, "dark")),
    Screen("start", "/", View("zh", PHONE, "light")),
    Screen("start", "/", View("en", PHONE, "dark")),
    Screen("docs", "/docs", View("zh", DESK, "light"), _until_operations_are_listed),
    Screen("docs", "/docs", View("en", PHONE, "dark"), _until_operations_are_listed),
    Screen("problems", "/problems", View("en", DESK, "dark")),
    Screen("problem", "/problems/insufficient-points", View("zh", PHONE, "light")),
    *(
        Screen(name, path, view, prepare, role)
        for view in (_ON_A_PHONE, _ON_A_DESK)
        for name, path, prepare, role in (
            ("balance", "/portal", None, "citizen"),
            ("statement", "/portal/statement", None, "citizen"),
            ("gift", "/portal/gift", _fill_the_gift_in, "citizen"),
            ("counter", "/merchant/counter", _look_at_a_customer, "merchant"),
            ("review", "/finance/batches", _look_at_the_last_batch, "finance-clerk"),
            ("report", "/finance/reports/roll-forward", _come_to_the_chart, "finance-clerk"),
            ("operator", "/operator", _say_usual_times, "operator"),
        )
    ),
]


def take(screen: Screen, visitor: Visitor, folder: Path) -> None:
    """Write one picture of what fits in the window."""
    if screen.role is None:
        page = visitor.open(screen.path, screen.view)
    else:
        assert isinstance(visitor, Resident), "only residents sign in"
        page = visitor.signed_in(screen.role, screen.view, screen.path)
    if screen.prepare:
        screen.prepare(page, visitor)
    page.evaluate(_SAY_USUAL_ADDRESS, [visitor.origin, SHOWN_ADDRESS])
    page.screenshot(path=screen.file(folder), animations="disabled", caret="hide")


def main() -> None:
    """Take all pictures anew; fails if a page does what no page may."""
    SCREENS.mkdir(exist_ok=True)
    complaints = []
    with tempfile.TemporaryDirectory(prefix="citypoints-screens-") as name:
        folder = Path(name)
        with launched(find_or_bring(), folder) as browser:
            for visiting, is_signed_in in ((_visitor, False), (_resident, True)):
                with visiting(browser, folder) as visitor:
                    for screen in SCREENS_TO_TAKE:
                        if (screen.role is not None) is is_signed_in:
                            take(screen, visitor, SCREENS)
                    visitor.leave()
                    complaints += visitor.guard.complaints
    if complaints:
        sys.exit("\n".join(complaints))


@contextmanager
def _visitor(browser: Browser, folder: Path) -> Iterator[Visitor]:
    """Somebody who looks at an empty sandbox."""
    with EmbeddedPostgres.start(folder / "pg") as postgres:
        postgres.create_database("screens")
        upgrade(postgres.owner_url("screens"))
        with Service.start(LedgerDatabase.on(postgres, "screens"), sandbox=True) as service:
            yield Visitor(browser, service.base_url, Guard(service.base_url))


@contextmanager
def _resident(browser: Browser, folder: Path) -> Iterator[Visitor]:
    """Somebody of the demo city."""
    with demo_service(folder, clock=SHOWN_TIME) as demo:
        yield Resident(browser, demo.url, Guard(demo.url))


if __name__ == "__main__":
    main()
