"""What every page has to keep: the rules of axe, and what axe does not see.

``check(page)`` asks for all of it; tests of journeys call it wherever a page has changed.
"""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
LEAST_TARGET_PIXELS = 24
MOST_SHOWN = 5

# Links inside a sentence are as high as its line (WCAG 2.5.8 excepts them).
_SMALL_TARGETS = """least => [...document.querySelectorAll(
    "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=tab]")]
  .filter(element => element.checkVisibility({visibilityProperty: true}))
  .filter(element => getComputedStyle(element).display !== "inline"
    || element.parentElement.textContent.trim() === element.textContent.trim())
  .map(element => ({element, box: (element.closest("label") ?? element).getBoundingClientRect()}))
  .filter(({box}) => box.width > 0 && box.height > 0 && (box.width < least || box.height < least))
  .map(({element, box}) => `${element.outerHTML.slice(0, 90)} is ${box.width.toFixed(1)} x ${box.height.toFixed(1)}`)
"""
_TOO_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  const clips = element => ["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(element).overflowX);
  const scrolls = element => element !== document.body && (clips(element) || scrolls(element.parentElement));
  return [`the page is ${document.documentElement.scrollWidth} wide, there is room for ${room}`,
    ...[...document.body.querySelectorAll("*")]
      .filter(element => element.getBoundingClientRect().right > room && !scrolls(element.parentElement))
      .slice(0, 8).map(element => element.outerHTML.slice(0, 90))];
}"""


def check(page: Page, part: str | None = None) -> None:
    """Assert that nobody is kept out of the page as it stands: axe, width, targets.

    ``part`` is a selector: axe, which takes seconds on a page of thousands of elements, then looks only there.
    """
    complaints = [*violations(page, part), *too_wide(page), *small_targets(page)]
    assert not complaints, f"{page.url}\n" + "\n".join(complaints)


def axe(page: Page) -> None:
    """Assert that axe finds no violation of WCAG 2.0, 2.1 and 2.2, levels A and AA."""
    found = violations(page)
    assert not found, f"{page.url}\n" + "\n".join(found)


def violations(page: Page, part: str | None = None) -> list[str]:
    """What axe finds, on the page or in the part of it that a selector names: rule, element, and how to mend it."""
    options = {
        "runOnly": {"type": "tag", "values": STANDARDS},
        "resultTypes": ["violations"],
        "rules": {"target-size": {"enabled": True}},
    }
    results: dict[str, Any] = Axe().run(page, part, options).response
    found = []
    for violation in results["violations"]:
        nodes = violation["nodes"]
        found += [
            f"{violation['id']}: {_target(node)}: {' '.join(str(node['failureSummary']).split())}"
            for node in nodes[:MOST_SHOWN]
        ]
        if len(nodes) > MOST_SHOWN:
            found.append(f"{violation['id']}: and {len(nodes) - MOST_SHOWN} elements more")
    return found


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways."""
    return list(page.evaluate(_TOO_WIDE))


def small_targets(page: Page) -> list[str]:
    """Buttons, fields and links that stand alone and are smaller than 24 pixels."""
    return list(page.evaluate(_SMALL_TARGETS, LEAST_TARGET_PIXELS))


def _target(node: dict[str, Any]) -> str:
    return ", ".join(str(target) for target in node["target"])
