"""Other people's tricks in a real browser: each fails, with a clear page and nothing done."""

from urllib.parse import urlencode
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from api.demo.demo_texts import DEMO
from api.pages.frame_texts import SIGN_IN
from api.pages.portal.portal_texts import PORTAL
from tests.browser.accessibility import check, too_wide
from tests.browser.other_sites import BUTTON, luring_form, other_site
from tests.browser.visitor import HEIGHTS, PHONE, Resident, View
from tests.demo_service import Demo

TEA = "OLD-STREET-TEA"
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
# Of another registrable domain; the test itself answers for it.
STRANGER = "http://prize.example"
FORMS: list[tuple[str, dict[str, str]]] = [
    ("/portal/gift", {"programme": "CITY", "points": "5", "key": "k" * 24}),
    ("/portal/consents", {"purpose": "cross-border"}),
    ("/portal/data/erasure", {"sure": "yes", "key": "k" * 24}),
    ("/sign-out", {}),
]


def _english(name: str) -> str:
    return SIGN_IN[name][0]


def _heading(page: Page, name: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(_english(name))


def _state(page: Page) -> tuple[str, int]:
    """What the forms could have changed: the balance, and how many consents stand."""
    page.goto("/portal/consents")
    consents = page.locator(".consents li").count()
    page.goto("/portal")
    return page.locator(".balance").inner_text(), consents


@pytest.mark.parametrize(("path", "fields"), FORMS)
def test_a_form_of_another_port_that_comes_with_the_cookie_is_refused_and_nothing_is_done(
    resident: Resident, demo: Demo, path: str, fields: dict[str, str]
) -> None:
    receiver = demo.post("/v1/members", {"reference": uuid4().hex}, demo.partner_key(TEA))["card"]
    page = resident.signed_in("citizen", View(), "/portal")
    before = _state(page)
    with other_site(luring_form(resident.origin + path, {**fields, "receiver": receiver})) as site:
        resident.guard.neighbours.add(site)
        resident.expect(403, path)
        page.goto(site)
        page.get_by_role("button", name=BUTTON).click()
        # Not "you are signed out": the cookie came along, and the form was refused all the same.
        _heading(page, "forged_title")
        expect(page.get_by_text(_english("forged"), exact=True)).to_be_visible()
        check(page)
    assert _state(page) == before


@pytest.mark.parametrize("media_type", ["text/plain", "multipart/form-data"])
def test_a_form_in_another_coding_is_not_read(resident: Resident, media_type: str) -> None:
    page = resident.signed_in("citizen", View(), "/portal")
    form = luring_form(f"{resident.origin}/portal/consents", {"purpose": "cross-border"}, media_type)
    with other_site(form) as site:
        resident.guard.neighbours.add(site)
        resident.expect(400, "/portal/consents")
        page.goto(site)
        page.get_by_role("button", name=BUTTON).click()
        _heading(page, "malformed_title")


def test_a_form_of_a_stranger_comes_without_the_cookie(resident: Resident) -> None:
    page = resident.signed_in("citizen", View(), "/portal")
    before = _state(page)
    form = luring_form(f"{resident.origin}/portal/consents", {"purpose": "cross-border"})
    page.route(f"{STRANGER}/**", lambda route: route.fulfill(body=form, content_type="text/html"))
    resident.guard.neighbours.add(STRANGER)
    resident.expect(401, "/portal/consents")
    page.goto(f"{STRANGER}/")
    page.get_by_role("button", name=BUTTON).click()
    _heading(page, "ended_title")
    # It was no end for whoever is signed in here.
    assert _state(page) == before


@pytest.mark.parametrize("to", ["//prize.example", f"{STRANGER}/", "/\\prize.example", "javascript:alert(1)", "/@x"])
def test_signing_in_leads_to_no_other_site(resident: Resident, to: str) -> None:
    page = resident.sign_in("citizen", View(), f"/sign-in?{urlencode({'to': to})}")
    assert page.url == f"{resident.origin}/portal"
    page.goto(f"/sign-in?{urlencode({'to': to})}")
    assert page.url == f"{resident.origin}/portal"
    page.goto(f"/preferences?{urlencode({'language': 'zh', 'to': to})}")
    assert page.url.rstrip("/") == resident.origin


def test_a_script_in_a_name_or_a_note_is_shown_as_text(resident: Resident, demo: Demo) -> None:
    page = resident.signed_in("citizen", View(is_large=True), "/portal/data")
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    member = page.locator("main code").inner_text()
    shop = f"SHOP-{uuid4().hex[:8].upper()}"
    demo.post("/v1/partners", {"code": shop, "kind": "merchant", "name": SCRIPT}, demo.operator_key)
    permission = {"may_issue": True, "may_accept": True}
    demo.put(f"/v1/programmes/CITY/partners/{shop}", permission, demo.operator_key)
    earn = {"programme": "CITY", "member": member, "scene": "food", "points": 1, "reference": SCRIPT}
    demo.post("/v1/earnings", earn, demo.partner_key(shop))
    page.goto("/portal/statement")
    line = page.locator(".lines > li").first
    expect(line.locator(".what")).to_have_text(f"{PORTAL['kind_earn'][0]} · {SCRIPT}")
    line.get_by_text(PORTAL["why"][0], exact=True).click()
    expect(line.locator("details p").first).to_contain_text(SCRIPT)
    check(page)
    for path in ("/portal/statement", "/portal", "/portal/flows", "/portal/consents"):
        page.goto(path)
        expect(page.locator("main")).to_contain_text(SCRIPT)
        assert page.locator("main script, main img").count() == 0
        # Nor does such a name push the page out of a phone.
        page.set_viewport_size({"width": PHONE, "height": HEIGHTS[PHONE]})
        assert not too_wide(page)
    assert said == []


def test_the_gift_of_another_member_is_not_there(resident: Resident, demo: Demo) -> None:
    key = demo.partner_key(TEA)
    giver, receiver = (demo.post("/v1/members", {"reference": uuid4().hex}, key) for _ in range(2))
    earn = {"programme": "CITY", "member": giver["id"], "scene": "food", "points": 10}
    earned = demo.post("/v1/earnings", earn, key)
    token = demo.post(f"/v1/members/{giver['id']}/tokens", {}, demo.operator_key)["token"]
    given = demo.post("/v1/gifts", {"programme": "CITY", "to": f"card:{receiver['card']}", "points": 3}, token)
    resident.expect(404, "/portal/gift/done")
    page = resident.signed_in("citizen", View(), "/portal")
    for number in (given["id"], earned["id"], "0" * 26):
        page.goto(f"/portal/gift/done?transaction={number}")
        _heading(page, "missing_title")
        assert "10" not in page.locator("main").inner_text()
    check(page)


@pytest.mark.parametrize(
    ("role", "areas"),
    [
        ("citizen", ["/merchant", "/finance", "/operator"]),
        ("merchant", ["/portal", "/portal/data/export", "/finance", "/operator"]),
        ("finance-clerk", ["/portal", "/merchant", "/operator"]),
        ("finance-approver", ["/portal", "/merchant", "/operator"]),
        ("operator", ["/portal", "/merchant", "/finance"]),
    ],
)
def test_an_area_of_another_role_is_refused_in_words(resident: Resident, role: str, areas: list[str]) -> None:
    page = resident.signed_in(role, View(), "/account")
    for area in areas:
        resident.expect(403, area)
        page.goto(area)
        _heading(page, "forbidden_title")


def test_a_page_of_ours_is_not_shown_inside_another(resident: Resident) -> None:
    page = resident.signed_in("citizen", View(), "/portal")
    resident.guard.refusals |= {"frame-ancestors", "ERR_BLOCKED_BY_RESPONSE"}
    with other_site(f'<iframe src="{resident.origin}/portal" title="ours"></iframe>') as site:
        resident.guard.neighbours.add(site)
        page.goto(site)
        [framed] = page.main_frame.child_frames
        assert framed.url == "chrome-error://chromewebdata/"
        assert PORTAL["balance_title"][0] not in framed.locator("body").inner_text()


def test_scripts_see_no_cookie_and_other_sites_get_none(resident: Resident) -> None:
    page = resident.sign_in("citizen", View(), "/portal")
    page.get_by_role("link", name="简体中文", exact=True).click()
    page.wait_for_load_state()
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies()}
    assert set(cookies) == {"session", "language"}
    for cookie in cookies.values():
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["domain"]) == (True, "Lax", "127.0.0.1")
    assert page.evaluate("document.cookie") == ""


def test_a_sign_in_that_somebody_else_began_is_not_finished_here(resident: Resident) -> None:
    # A link with an attacker's own code would else sign the victim in as the attacker.
    resident.expect(400, "/sign-in/callback")
    attacker = resident.page(View())
    attacker.goto("/sign-in/start")
    attacker.context.clear_cookies()
    attacker.get_by_role("button", name=DEMO["person_citizen"][0], exact=True).click()
    _heading(attacker, "failed_title")
    with_unused_code = attacker.url
    assert "code=" in with_unused_code
    victim = resident.page(View())
    victim.goto("/sign-in/start")
    victim.goto(with_unused_code)
    _heading(victim, "failed_title")
    expect(victim.get_by_text(_english("not-our-sign-in"), exact=True)).to_be_visible()
    check(victim)
    victim.goto("/portal")
    _heading(victim, "title")
