"""What a reader does on the pages: copy, look for an operation, go on by keyboard, read without scripts."""

import pytest
from playwright.sync_api import expect

from api.pages.texts import texts_in
from api.pages.tour import tour_steps
from tests.browser.accessibility import check
from tests.browser.visitor import PHONE, View, Visitor
from tests.service import Service

LANGUAGES = pytest.mark.parametrize("language", ["en", "zh"])
PAGES = ["/", "/problems", "/problems/insufficient-points"]

# What Tab should reach, in order, and what has focus.
_STOPS = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, [tabindex='0']")]
  .map((element, place) => { element.dataset.place = place; return place; })"""
_FOCUSED = """() => {
  const style = getComputedStyle(document.activeElement);
  return {
    place: Number(document.activeElement.dataset.place ?? -1),
    visible: (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1)
      || (style.boxShadow !== "none" && !/ 0px 0px 0px 0px$/.test(style.boxShadow)),
    what: document.activeElement.outerHTML.slice(0, 90),
  };
}"""


@LANGUAGES
def test_copy_button_copies_the_command_says_so_and_offers_itself_again(
    visitor: Visitor, service: Service, language: str
) -> None:
    texts = texts_in(language)
    page = visitor.open("/", View(language=language))
    step = page.locator(".tour > li").nth(4)
    step.get_by_role("button", name=texts["copy_button"]).click()
    expect(step.get_by_role("button")).to_have_text(texts["copied_button"])
    assert page.evaluate("navigator.clipboard.readText()") == tour_steps(service.base_url)[4].command
    check(page)
    expect(step.get_by_role("button")).to_have_text(texts["copy_button"])


def test_api_browser_lists_every_operation_and_sends_a_request_to_this_service(
    visitor: Visitor, service: Service
) -> None:
    paths = service.get("/schema/openapi.json").json()["paths"]
    operations = sum(method in {"get", "post", "put", "patch", "delete"} for path in paths.values() for method in path)
    page = visitor.open("/docs", View())
    expect(page.locator(".opblock")).to_have_count(operations)
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux input").first.fill(service.operator_key)
    page.locator(".modal-ux").get_by_role("button", name="Apply credentials").first.click()
    page.locator(".modal-ux").get_by_role("button", name="Close").first.click()
    operation = page.locator("#operations-Set-up-listProgrammes")
    operation.locator(".opblock-summary-control").click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    expect(operation.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")


def test_an_address_with_an_operation_opens_it(visitor: Visitor) -> None:
    page = visitor.page(View())
    page.goto("/docs#/Seals/getSealKey")
    expect(page.locator(".opblock.is-open")).to_contain_text("/v1/seals/key")


@LANGUAGES
def test_start_page_is_whole_without_scripts(visitor: Visitor, language: str) -> None:
    page = visitor.open("/", View(language=language, width=PHONE, javascript=False))
    texts = texts_in(language)
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["name"])
    expect(page.locator(".tour pre")).to_have_count(11)
    expect(page.get_by_role("button")).to_have_count(0)
    page.get_by_role("link", name=texts["problems_name"]).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["problems_name"])


@LANGUAGES
def test_api_browser_without_scripts_says_where_to_read_instead(visitor: Visitor, language: str) -> None:
    page = visitor.open("/docs", View(language=language, javascript=False))
    expect(page.get_by_text(texts_in(language)["script_needed"])).to_be_visible()


def test_reader_changes_the_language_and_stays_on_the_page(visitor: Visitor) -> None:
    page = visitor.open("/problems/insufficient-points", View(language="en"))
    page.get_by_role("link", name="简体中文").click()
    expect(page.get_by_role("heading", name=texts_in("zh")["what_to_do"])).to_be_visible()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", name=texts_in("en")["what_to_do"])).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_tab_reaches_everything_in_order_and_shows_where_it_is(visitor: Visitor, path: str, scheme: str) -> None:
    page = visitor.open(path, View(scheme=scheme))
    places = page.evaluate(_STOPS)
    assert len(places) >= 3
    reached = []
    for _ in places:
        page.keyboard.press("Tab")
        focused = page.evaluate(_FOCUSED)
        assert focused["visible"], focused["what"]
        reached.append(focused["place"])
    assert reached == places


def test_chinese_is_drawn_with_a_font_that_has_it(visitor: Visitor) -> None:
    page = visitor.open("/", View(language="zh"))
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    heading = session.send("DOM.querySelector", {"nodeId": root, "selector": "h1"})["nodeId"]
    fonts = session.send("CSS.getPlatformFontsForNode", {"nodeId": heading})["fonts"]
    assert [(font["familyName"], font["glyphCount"]) for font in fonts] == [("Noto Sans CJK SC", 6)]
