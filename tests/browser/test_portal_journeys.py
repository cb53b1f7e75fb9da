"""What a citizen does on the portal, from signing in to the result, by clicking alone."""

import json
import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from api.pages.frame_texts import FRAME, SIGN_IN
from api.pages.portal.action_texts import CONSENTS, DATA, GIFT
from api.pages.portal.portal_texts import PORTAL
from api.pages.portal.statement import LINES_PER_PAGE
from api.pages.texts import in_language
from tests.browser.accessibility import check
from tests.browser.visitor import DESK, PHONE, Resident, View
from tests.demo_service import Demo

VIEWS = pytest.mark.parametrize("view", [View("en", DESK, "dark"), View("zh", PHONE, "light")], ids=str)
TEA = "OLD-STREET-TEA"
TEA_NAME = "老街茶馆 Old Street Tea House"


def _texts(view: View) -> dict[str, str]:
    return in_language({**FRAME, **SIGN_IN, **PORTAL, **GIFT, **CONSENTS, **DATA}, view.language)


def _go(page: Page, section: str) -> None:
    page.locator("nav.sections").first.get_by_role("link", name=section, exact=True).click()
    expect(page.locator("nav.sections a[aria-current=page]")).to_have_text(section)


@VIEWS
def test_citizen_signs_in_and_reads_balance_statement_of_a_scene_next_page_and_why(
    resident: Resident, demo: Demo, view: View
) -> None:
    texts = _texts(view)
    page = resident.sign_in("citizen", view, "/portal")
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["balance_title"])
    expect(page.locator(".balance .first dd")).to_have_text(re.compile(r"^[1-9][\d,]*$"))
    _earn_often(demo, _member_of(page))
    page.goto("/portal")
    page.get_by_role("button", name=texts["latest_all"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["statement_title"])
    scenes = page.get_by_role("navigation", name=texts["scene"])
    scenes.get_by_role("link", name=texts["scene_food"], exact=True).click()
    lines = page.locator(".lines > li")
    expect(lines).to_have_count(LINES_PER_PAGE)
    newest = lines.first.locator("details").text_content()
    page.get_by_role("button", name=texts["more"], exact=True).click()
    expect(page.get_by_role("link", name=texts["newest"], exact=True)).to_be_visible()
    assert lines.first.locator("details").text_content() != newest
    expect(page.locator(".scenes a[aria-current]")).to_have_text(texts["scene_food"])
    for line in lines.all():
        expect(line.locator("> .quiet")).to_contain_text(f" · {texts['scene_food']} · ")
    why = lines.first.locator("details p").first
    expect(why).to_be_hidden()
    lines.first.get_by_text(texts["why"], exact=True).click()
    expect(why).to_be_visible()
    expect(why).to_have_text(re.compile(r"\d.*[.。]"))
    check(page)


@VIEWS
def test_citizen_checks_a_gift_makes_it_once_and_finds_it_in_the_statement(
    resident: Resident, demo: Demo, view: View
) -> None:
    texts = _texts(view)
    card = demo.post("/v1/members", {"reference": uuid4().hex}, demo.partner_key(TEA))["card"]
    page = resident.signed_in("citizen", view, "/portal")
    before = _number(page, ".balance .first dd")
    _go(page, texts["nav_gift"])
    resident.expect(422, "/portal/gift/check")
    for points, said in (("0", texts["amount_wrong"]), (f"{before + 1:,}", texts["refused_insufficient-points"])):
        page.get_by_label(texts["receiver"], exact=True).fill(card)
        page.get_by_label(texts["amount"], exact=True).fill(points)
        page.get_by_role("button", name=texts["check"], exact=True).click()
        expect(page.get_by_text(said, exact=True)).to_be_visible()
        expect(page.get_by_label(texts["receiver"], exact=True)).to_have_value(card)
        check(page)
    page.get_by_label(texts["amount"], exact=True).fill("3")
    page.get_by_role("button", name=texts["check"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["check_title"])
    expect(page.locator("main dl")).to_contain_text(card)
    check(page)
    # Who clicks twice sends the form twice; it stays one gift.
    page.get_by_role("button", name=texts["confirm"], exact=True).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["done_title"])
    check(page)
    number = page.locator("main code").inner_text()
    _go(page, texts["nav_statement"])
    line = page.locator(".lines > li").filter(has_text=number)
    expect(line.locator(".what")).to_have_text(texts["kind_gift_out"])
    expect(line.locator(".points")).to_have_text("−3")
    _go(page, texts["nav_balance"])
    assert _number(page, ".balance .first dd") == before - 3


@VIEWS
def test_citizen_agrees_to_something_and_ends_it(resident: Resident, view: View) -> None:
    texts = _texts(view)
    page = resident.signed_in("citizen", view, "/portal")
    _go(page, texts["nav_consents"])
    resident.expect(422, "/portal/consents")
    page.get_by_role("button", name=texts["give"], exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(texts["consent_wrong"])
    check(page)
    page.get_by_label(texts["purpose"], exact=True).select_option(texts["purpose_balance"])
    page.get_by_label(texts["for_partner"], exact=True).select_option(TEA_NAME)
    page.get_by_role("button", name=texts["give"], exact=True).click()
    standing = page.get_by_role("region", name=texts["standing"], exact=True).get_by_role("listitem")
    given = standing.filter(has_text=f"{texts['purpose_balance']} · {TEA_NAME}")
    expect(given).to_have_count(1)
    ended = page.get_by_role("region", name=texts["ended"], exact=True).get_by_role("listitem")
    before = ended.count()
    check(page)
    given.get_by_role("button", name=texts["revoke"]).click()
    expect(given).to_have_count(0)
    expect(ended).to_have_count(before + 1)
    check(page)


def test_citizen_takes_its_data_along_as_a_file(resident: Resident) -> None:
    view = View("zh", PHONE, "dark")
    texts = _texts(view)
    page = resident.signed_in("citizen", view, "/portal")
    _go(page, texts["nav_data"])
    member = page.locator("main code").inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name=texts["export"], exact=True).click()
    assert download.value.suggested_filename == "city-points.json"
    document = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert document["id"] == member
    assert document["accounts"]


def test_language_and_larger_type_are_kept_from_page_to_page_and_after_signing_out(resident: Resident) -> None:
    english, chinese = _texts(View("en")), _texts(View("zh"))
    page = resident.sign_in("citizen", View("en", PHONE), "/portal")
    page.get_by_role("link", name="简体中文", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(chinese["balance_title"])
    small = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)")
    page.get_by_role("link", name=chinese["large_on"], exact=True).click()
    _go(page, chinese["nav_flows"])
    assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('main p')).fontSize)") >= 1.2 * small
    check(page)
    page.get_by_role("button", name=chinese["sign_out"], exact=True).click()
    expect(page.get_by_role("status")).to_have_text(chinese["signed_out"])
    expect(page.locator("html")).to_have_class("large")
    page.get_by_role("link", name=chinese["large_off"], exact=True).click()
    page.get_by_role("link", name="English", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(english["title"])
    expect(page.locator("html")).not_to_have_class("large")


def test_after_signing_out_the_way_back_shows_nothing_of_the_account(resident: Resident) -> None:
    texts = _texts(View("en"))
    page = resident.sign_in("citizen", View("en"), "/portal")
    _go(page, texts["nav_statement"])
    page.get_by_role("button", name=texts["sign_out"], exact=True).click()
    expect(page.get_by_role("status")).to_have_text(texts["signed_out"])
    for _ in range(2):
        page.go_back()
        expect(page.get_by_role("heading", level=1)).to_have_text(texts["title"])
        assert page.locator(".lines, .balance").count() == 0


def test_whose_session_has_ended_is_led_to_the_sign_in_and_back_to_the_page(resident: Resident) -> None:
    texts = _texts(View("en"))
    page = resident.sign_in("citizen", View("en"), "/portal")
    # The same session in another browser, where it is ended.
    other = resident.page(View("en"), page.context.storage_state())
    other.goto("/portal")
    other.get_by_role("button", name=texts["sign_out"], exact=True).click()
    expect(other.get_by_role("status")).to_have_text(texts["signed_out"])
    page.locator("nav.sections").get_by_role("link", name=texts["nav_flows"], exact=True).click()
    expect(page.get_by_role("status")).to_have_text(SIGN_IN["ended"][0])
    check(page)
    resident.choose(page, "citizen", "en")
    assert page.url == f"{resident.origin}/portal/flows"
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["flows_title"])


def test_a_form_of_an_ended_session_is_not_carried_out_and_says_so(resident: Resident) -> None:
    texts = _texts(View("en"))
    page = resident.sign_in("citizen", View("en"), "/portal/consents")
    page.get_by_label(texts["purpose"], exact=True).select_option(texts["purpose_offers"])
    page.context.clear_cookies()
    resident.expect(401, "/portal/consents")
    page.get_by_role("button", name=texts["give"], exact=True).click()
    expect(page.get_by_text(texts["nothing_sent"], exact=True)).to_be_visible()
    check(page)
    page.get_by_role("button", name=texts["sign_in"], exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["title"])


def _number(page: Page, selector: str) -> int:
    return int(page.locator(selector).inner_text().replace(",", ""))


def _member_of(page: Page) -> str:
    page.goto("/portal/data")
    return page.locator("main code").inner_text()


def _earn_often(demo: Demo, member: str) -> None:
    """More lines of one scene than a page of the statement shows."""
    key = demo.partner_key(TEA)
    for _ in range(LINES_PER_PAGE + 1):
        demo.post("/v1/earnings", {"programme": "CITY", "member": member, "scene": "food", "points": 1}, key)
