"""How people find their way: sections, buttons, and what a page is headed."""

from playwright.sync_api import Locator, Page, expect


def go(page: Page, section: str) -> None:
    """Go to a section of the area by its link, and wait until its page is there."""
    sections = page.locator("nav.sections").first
    sections.get_by_role("link", name=section, exact=True).click()
    expect(sections.locator("a[aria-current=page]")).to_have_text(section)


def press(page: Page, name: str) -> None:
    """Press the first button of the page's own that has a name."""
    page.locator("main").get_by_role("button", name=name, exact=True).first.click()


def headed(page: Page, heading: str) -> None:
    """Expect the page's heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(heading)


def heading(page: Page) -> str:
    """What the page is headed."""
    return page.get_by_role("heading", level=1).inner_text()


def figure(page: Page, label: str) -> Locator:
    """The value of a figure in a row of figures."""
    return page.locator(".figures > div").filter(has=page.get_by_text(label, exact=True)).locator("dd").first
