"""Pictures of the key pages for the docs: ``python -m tests.browser.screenshots`` writes them to ``docs/screens``.

They show an empty sandbox on a fixed address, so a picture changes only when its page does.
"""

import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from ledger.embedded import EmbeddedPostgres
from ledger.store.migrate import upgrade
from tests.browser.chromium import find_or_bring
from tests.browser.launching import launched
from tests.browser.visitor import DESK, PHONE, Guard, View, Visitor
from tests.databases import LedgerDatabase
from tests.service import Service

SCREENS = Path(__file__).resolve().parents[2] / "docs" / "screens"
SHOWN_ADDRESS = "http://127.0.0.1:8000"

# The tour shows the address it is read at, which differs from run to run.
_SAY_USUAL_ADDRESS = """([actual, usual]) => {
  for (const code of document.querySelectorAll("code")) code.textContent = code.textContent.replaceAll(actual, usual);
}"""


@dataclass(frozen=True)
class Screen:
    """A page to take, and how it is looked at."""

    name: str
    path: str
    view: View
    prepare: Callable[[Page], None] | None = None

    def file(self, folder: Path) -> Path:
        """Where its picture goes."""
        return folder / f"{self.name}-{self.view}.png"


def _until_operations_are_listed(page: Page) -> None:
    page.locator(".opblock").first.wait_for()


SCREENS_TO_TAKE = [
    Screen("start", "/", View("en", DESK, "light")),
    Screen("start", "/", View("zh", DESK, "dark")),
    Screen("start", "/", View("zh", PHONE, "light")),
    Screen("start", "/", View("en", PHONE, "dark")),
    Screen("docs", "/docs", View("zh", DESK, "light"), _until_operations_are_listed),
    Screen("docs", "/docs", View("en", PHONE, "dark"), _until_operations_are_listed),
    Screen("problems", "/problems", View("en", DESK, "dark")),
    Screen("problem", "/problems/insufficient-points", View("zh", PHONE, "light")),
]


def take(screen: Screen, visitor: Visitor, folder: Path) -> None:
    """Write one picture of what fits in the window."""
    page = visitor.open(screen.path, screen.view)
    if screen.prepare:
        screen.prepare(page)
    page.evaluate(_SAY_USUAL_ADDRESS, [visitor.origin, SHOWN_ADDRESS])
    page.screenshot(path=screen.file(folder), animations="disabled", caret="hide")


def main() -> None:
    """Take all pictures anew; fails if a page does what no page may."""
    SCREENS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="citypoints-screens-") as name:
        folder = Path(name)
        with EmbeddedPostgres.start(folder / "pg") as postgres:
            postgres.create_database("screens")
            upgrade(postgres.owner_url("screens"))
            with (
                Service.start(LedgerDatabase.on(postgres, "screens"), sandbox=True) as service,
                launched(find_or_bring(), folder) as browser,
            ):
                guard = Guard(service.base_url)
                visitor = Visitor(browser, service.base_url, guard)
                for screen in SCREENS_TO_TAKE:
                    take(screen, visitor, SCREENS)
                visitor.leave()
    if guard.complaints:
        sys.exit("\n".join(guard.complaints))


if __name__ == "__main__":
    main()
