import pytest

from tests.browser.accessibility import check
from tests.browser.screenshots import SCREENS, SCREENS_TO_TAKE
from tests.browser.visitor import DESK, EVERY_VIEW, PHONE, View, Visitor

PAGES = ["/", "/problems", "/problems/insufficient-points"]
MOST_PICTURE_BYTES = 150_000


@pytest.mark.parametrize("view", EVERY_VIEW, ids=str)
@pytest.mark.parametrize("path", PAGES)
def test_page_keeps_nobody_out(visitor: Visitor, path: str, view: View) -> None:
    check(visitor.open(path, view))


@pytest.mark.parametrize("view", EVERY_VIEW, ids=str)
def test_unknown_problem_keeps_nobody_out(visitor: Visitor, view: View) -> None:
    visitor.expect(404, "/problems/no-such-problem")
    check(visitor.open("/problems/no-such-problem", view))


# Its own words are English in both languages, and it is large: each width, colour scheme and language twice.
@pytest.mark.parametrize(
    "view",
    [View("en", PHONE, "light"), View("en", DESK, "dark"), View("zh", PHONE, "dark"), View("zh", DESK, "light")],
    ids=str,
)
def test_api_browser_keeps_nobody_out(visitor: Visitor, view: View) -> None:
    page = visitor.open("/docs", view)
    page.locator(".opblock").first.wait_for()
    check(page)


@pytest.mark.parametrize(("width", "scheme"), [(PHONE, "dark"), (DESK, "light")])
def test_operation_opened_by_keyboard_its_trial_and_the_key_keep_nobody_out(
    visitor: Visitor, width: int, scheme: str
) -> None:
    page = visitor.open("/docs", View(width=width, scheme=scheme))
    operation = page.locator("#operations-Points-postEarning")
    operation.locator(".opblock-summary-control").focus()
    page.keyboard.press("Enter")
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").wait_for()
    check(page, ".opblock.is-open")
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux").wait_for()
    check(page, ".modal-ux")


def test_docs_have_a_small_picture_of_every_key_page_and_no_other() -> None:
    pictures = set(SCREENS.glob("*"))
    assert pictures == {screen.file(SCREENS) for screen in SCREENS_TO_TAKE}
    assert [picture.name for picture in pictures if picture.stat().st_size > MOST_PICTURE_BYTES] == []
