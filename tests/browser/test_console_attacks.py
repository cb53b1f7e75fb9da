"""What others may try on the consoles in a real browser: each fails, with a clear page and nothing done."""

from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Page, expect

from api.pages.frame_texts import SIGN_IN
from api.pages.merchant.counter_texts import COUNTER
from api.pages.merchant.merchant_texts import MERCHANT
from tests.browser.accessibility import check
from tests.browser.clicking import go, headed, press
from tests.browser.signed_in_pages import PAGES
from tests.browser.visitor import Resident, View
from tests.demo_service import Demo
from tests.pages.merchants import MAPPING

TEA, OTHER = "OLD-STREET-TEA", "DAWN-BAOZI"
SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
AREA_OF = {"citizen": "portal", "merchant": "merchant", "operator": "operator"}


def _addresses_of_another(demo: Demo) -> list[str]:
    """Addresses of what another merchant has: a transaction, an import, a key and an endpoint."""
    key = demo.partner_key(OTHER)
    member = demo.post("/v1/members", {"reference": uuid4().hex}, key)["id"]
    earn = {"programme": "CITY", "member": member, "scene": "food", "points": 5}
    transaction = demo.post("/v1/earnings", earn, key)["id"]
    file = f"invoice,customer,amount\n{uuid4().hex},{uuid4().hex},10.00\n"
    sent = httpx.post(
        f"{demo.url}/v1/imports",
        files={"mapping": ("m.toml", MAPPING), "file": ("sales.csv", file)},
        headers={"Authorization": f"Bearer {key}"},
        timeout=30,
    )
    assert sent.is_success, sent.text
    number = sent.headers["Location"].rpartition("/")[2]
    hook = demo.post("/v1/webhooks", {"url": "https://93.184.215.14/x"}, key)["id"]
    prefix = str(demo.command.json("keys", "create", "--partner", OTHER)["prefix"])
    return [
        f"/merchant/transactions/{transaction}",
        f"/merchant/transactions/{transaction}/reversal",
        f"/merchant/counter/done?transaction={transaction}",
        f"/merchant/imports/{number}",
        f"/merchant/imports/{number}/lines",
        f"/merchant/keys/{prefix}/end",
        f"/merchant/keys/{prefix}/replacement",
        f"/merchant/webhooks/{hook}",
        f"/merchant/webhooks/{hook}/removal",
    ]


def test_what_another_merchant_has_is_not_there(resident: Resident, demo: Demo) -> None:
    page = resident.signed_in("merchant", View(), "/merchant")
    for address in _addresses_of_another(demo):
        resident.expect(404, urlsplit(address).path)
        page.goto(address)
        headed(page, SIGN_IN["missing_title"][0])
        assert OTHER not in page.content()
    check(page)


@pytest.mark.parametrize("role", ["citizen", "merchant", "finance-clerk", "finance-approver", "operator"])
def test_no_page_of_another_role_opens(resident: Resident, role: str) -> None:
    page = resident.signed_in(role, View(), "/account")
    area = AREA_OF.get(role, "finance")
    others = [one.path for one in PAGES if one.area not in {area, "sign-in"} and one.status == 200]
    assert others
    for path in others:
        resident.expect(403, urlsplit(path).path)
        page.goto(path)
        headed(page, SIGN_IN["forbidden_title"][0])
    check(page)


def _at_the_counter(resident: Resident) -> Page:
    """The merchant's till, which sells food."""
    till = resident.signed_in("merchant", View(), "/merchant/counter")
    if urlsplit(till.url).path.endswith("/till"):
        till.get_by_label(COUNTER["till_scene"][0], exact=True).select_option("food")
        press(till, COUNTER["till_keep"][0])
    return till


def _scan(till: Page, digits: str) -> None:
    till.goto("/merchant/counter")
    till.get_by_label(COUNTER["counter_member"][0], exact=True).fill(digits)
    press(till, COUNTER["counter_go_on"][0])


def test_a_code_serves_once_and_a_form_sent_again_posts_nothing_more(resident: Resident) -> None:
    phone = resident.signed_in("citizen", View(), "/portal/code")
    digits = phone.locator("p.digits").inner_text()
    till = _at_the_counter(resident)
    _scan(till, digits)
    till.get_by_label(COUNTER["earn_points"][0], exact=True).fill("7")
    press(till, COUNTER["earn_check"][0])
    form = till.locator("main form").first
    fields: dict[str, str | float | bool] = form.evaluate("form => Object.fromEntries(new FormData(form))")
    press(till, COUNTER["confirm_earn"][0].format(points=7))
    number = till.locator("main code").inner_text()
    resident.expect(422, "/merchant/counter/member")
    _scan(till, digits)
    expect(till.get_by_role("alert")).to_contain_text(COUNTER["refused_code-used"][0])
    expect(till.get_by_role("alert").get_by_role("link")).to_have_attribute(
        "href", f"/merchant/counter/done?transaction={number}"
    )
    check(till)
    # The very form again is the same sale; with another key it is refused.
    again = till.request.post("/merchant/counter", form=fields)
    assert again.url.endswith(number)
    other = till.request.post("/merchant/counter", form={**fields, "key": uuid4().hex})
    assert (other.status, COUNTER["refused_code-used"][0] in other.text()) == (422, True)
    phone.goto("/portal/statement")
    assert number in phone.locator(".lines > li").first.inner_text() + phone.locator(".lines > li").first.inner_html()
    assert number not in phone.locator(".lines > li").nth(1).inner_html()


def test_a_script_in_names_reasons_and_files_is_shown_as_text_on_the_consoles(resident: Resident, demo: Demo) -> None:
    said: list[str] = []
    merchant = resident.signed_in("merchant", View(), "/merchant/imports")
    operator = resident.signed_in("operator", View(), "/operator/partners")
    clerk = resident.signed_in("finance-clerk", View(), "/finance")
    for page in (merchant, operator, clerk):
        page.on("dialog", lambda dialog: said.append(dialog.message))
    shop = f"SHOP-{uuid4().hex[:8].upper()}"
    demo.post("/v1/partners", {"code": shop, "kind": "merchant", "name": SCRIPT}, demo.operator_key)
    operator.goto(f"/operator/partners?sought={shop}")
    expect(operator.locator("tbody")).to_contain_text(SCRIPT)
    _is_text(operator)
    operator.goto(f"/operator/partners/{shop}")
    headed(operator, SCRIPT)
    _is_text(operator)
    clerk.goto(f"/finance/proposals/new/terms?partner={shop}")
    expect(clerk.get_by_role("heading", level=1)).to_contain_text(SCRIPT)
    _is_text(clerk)
    name = f"{SCRIPT.replace('/', '')}.csv"
    merchant.locator("#mapping").fill(MAPPING)
    content = f"invoice,customer,amount\n{uuid4().hex},{uuid4().hex},10.00\n"
    merchant.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content.encode()})
    merchant.locator("main form button").first.click()
    expect(merchant.get_by_role("heading", level=1)).to_contain_text("<img src=x")
    _is_text(merchant)
    merchant.goto("/merchant/imports")
    expect(merchant.locator("tbody").last).to_contain_text("<img src=x")
    _is_text(merchant)
    _a_reason_is_text(merchant, demo)
    assert said == []


def _a_reason_is_text(merchant: Page, demo: Demo) -> None:
    """Check a reversal whose reason is a script; nothing is posted."""
    key = demo.partner_key(TEA)
    member = demo.post("/v1/members", {"reference": uuid4().hex}, key)["id"]
    earn = {"programme": "CITY", "member": member, "scene": "food", "points": 5, "reference": SCRIPT}
    number = demo.post("/v1/earnings", earn, key)["id"]
    merchant.goto(f"/merchant/transactions/{number}/reversal")
    merchant.locator("#reason").fill(SCRIPT)
    merchant.locator("main form button").first.click()
    expect(merchant.locator("main dl")).to_contain_text(SCRIPT)
    _is_text(merchant)
    go(merchant, MERCHANT["nav_transactions"][0])
    merchant.locator("#q").fill(SCRIPT)
    merchant.locator("main form button").first.click()
    expect(merchant.locator("#q")).to_have_value(SCRIPT)
    _is_text(merchant)


def _is_text(page: Page) -> None:
    """Nothing that was written became an element."""
    assert page.locator("main script, main img").count() == 0
