"""What the operator does by clicking alone: a partner is let in and gets a key, and a citizen's appeal is answered."""

from uuid import uuid4

import pytest
from playwright.sync_api import expect

from api.pages.console_texts import CONSOLE
from api.pages.frame_texts import FRAME
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.key_texts import KEYS
from api.pages.operator.operator_texts import OPERATOR
from api.pages.operator.set_up_texts import SET_UP
from api.pages.portal.appeal_texts import APPEALS
from api.pages.portal.portal_texts import PORTAL
from api.pages.texts import in_language
from tests.browser.accessibility import check
from tests.browser.clicking import go, headed, press
from tests.browser.visitor import DESK, PHONE, Resident, View
from tests.demo_service import Demo

VIEWS = pytest.mark.parametrize("view", [View("en", PHONE, "dark"), View("zh", DESK, "light")], ids=str)
TEA = "OLD-STREET-TEA"


@VIEWS
def test_operator_adds_a_partner_lets_it_take_part_and_makes_and_ends_its_key(resident: Resident, view: View) -> None:
    texts = in_language({**CONSOLE, **FRAME, **OPERATOR, **SET_UP}, view.language)
    keys = in_language(KEYS, view.language)
    code = f"SHOP-{uuid4().hex[:6].upper()}"
    name = f"桥头书店 Bridge Books {code}"
    page = resident.signed_in("operator", view, "/operator")
    go(page, texts["nav_partners"])
    page.get_by_label(texts["its_name"], exact=True).fill(name)
    page.get_by_label(texts["code"], exact=True).fill("two words")
    resident.expect(422, "/operator/partners")
    press(page, texts["add"])
    expect(page.get_by_text(texts["code_wrong"], exact=True)).to_be_visible()
    check(page)
    page.get_by_label(texts["code"], exact=True).fill(code)
    press(page, texts["add"])
    headed(page, name)
    expect(page.get_by_text(texts["partner_in_none"], exact=True)).to_be_visible()
    check(page)
    press(page, texts["programmes_title"])
    page.locator("tbody").get_by_role("link", name="CITY", exact=True).click()
    page.get_by_label(texts["partner"], exact=True).select_option(code)
    press(page, texts["permit"])
    expect(page.get_by_role("status")).to_have_text(texts["done"])
    expect(page.locator("tbody tr").filter(has_text=code)).to_be_visible()
    go(page, texts["nav_keys"])
    press(page, keys["new_go"])
    page.get_by_label(texts["partner"], exact=True).select_option(code)
    check(page)
    press(page, keys["make_partner"])
    headed(page, keys["made_title"])
    secret = page.locator(".secret code").inner_text()
    check(page)
    assert secret not in page.url
    press(page, keys["to_key"])
    assert secret[-20:] not in page.content()
    press(page, keys["revoke_go"])
    check(page)
    press(page, keys["revoke"])
    expect(page.get_by_role("status")).to_have_text(keys["revoked"])
    check(page)


@VIEWS
def test_a_citizen_appeals_the_operator_upholds_it_with_a_reason_and_the_citizen_reads_it(
    resident: Resident, demo: Demo, view: View
) -> None:
    texts = in_language({**FRAME, **PORTAL, **APPEALS}, view.language)
    staff = in_language({**CONSOLE, **FRAME, **OPERATOR, **STAFF_APPEALS}, view.language)
    grounds, answer = f"我没有退货 {uuid4().hex[:8]}", f"查明有误 {uuid4().hex[:8]}"
    citizen = resident.signed_in("citizen", view, "/portal/data")
    key = demo.partner_key(TEA)
    earn = {"programme": "CITY", "member": citizen.locator("main code").inner_text(), "scene": "food", "points": 20}
    earned = demo.post("/v1/earnings", earn, key)["id"]
    demo.post(f"/v1/transactions/{earned}/reversals", {"points": 15, "reason": "wrong receipt"}, key)
    go(citizen, texts["nav_statement"])
    line = citizen.locator(".lines > li").first
    expect(line.locator(".points")).to_have_text("−15")
    line.get_by_text(texts["why"], exact=True).click()
    line.get_by_role("link", name=texts["appeal_go"], exact=True).click()
    headed(citizen, texts["new_title"])
    citizen.get_by_label(texts["write"], exact=True).fill(grounds)
    check(citizen)
    press(citizen, texts["send"])
    expect(citizen.get_by_role("status")).to_contain_text(texts["made"])
    check(citizen)
    operator = resident.signed_in("operator", view, "/operator")
    go(operator, staff["nav_appeals"])
    # The oldest stand first; ours is the last.
    operator.locator("tbody tr").last.get_by_role("link").click()
    expect(operator.get_by_text(grounds, exact=True)).to_be_visible()
    check(operator)
    operator.get_by_label(staff["answer_label"], exact=True).fill(answer)
    operator.get_by_label(staff["verdict_upheld"], exact=True).check()
    press(operator, staff["decide_now"])
    expect(operator.get_by_role("status")).to_have_text(staff["done"])
    check(operator)
    press(operator, staff["propose"].format(points=15))
    before_number = staff["next_second"].partition("{number}")[0]
    expect(operator.get_by_text(before_number)).to_be_visible()
    go(citizen, texts["nav_appeals"])
    mine = citizen.locator("main li").filter(has_text=grounds)
    expect(mine).to_contain_text(texts["appeal_upheld"])
    expect(mine).to_contain_text(answer)
    check(citizen)
