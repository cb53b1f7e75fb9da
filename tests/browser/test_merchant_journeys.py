"""What a merchant does on its console beside the counter, by clicking alone."""

import re
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from api.pages.console_texts import CONSOLE
from api.pages.frame_texts import FRAME
from api.pages.merchant.import_texts import IMPORTS
from api.pages.merchant.key_texts import KEYS
from api.pages.merchant.merchant_texts import MERCHANT
from api.pages.merchant.transaction_texts import REVERSAL, TRANSACTIONS
from api.pages.merchant.webhook_texts import WEBHOOKS
from api.pages.texts import in_language
from tests.browser.accessibility import check
from tests.browser.clicking import figure, go, headed, press
from tests.browser.visitor import DESK, PHONE, Resident, View
from tests.demo_service import Demo
from tests.pages.merchants import MAPPING

VIEWS = pytest.mark.parametrize("view", [View("en", DESK, "dark"), View("zh", PHONE, "light")], ids=str)
TEA = "OLD-STREET-TEA"


def _texts(view: View, *areas: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    merged: dict[str, tuple[str, str]] = {}
    for area in (CONSOLE, FRAME, MERCHANT, *areas):
        merged |= area
    return in_language(merged, view.language)


@VIEWS
def test_merchant_finds_a_spend_by_its_receipt_and_takes_part_of_it_back(
    resident: Resident, demo: Demo, view: View
) -> None:
    texts = _texts(view, TRANSACTIONS, REVERSAL)
    key, receipt = demo.partner_key(TEA), f"R-{uuid4().hex[:10]}"
    member = demo.post("/v1/members", {"reference": uuid4().hex}, key)["id"]
    spend = {"currency": "CNY", "amount": "80.00"}
    earn = {"programme": "CITY", "member": member, "scene": "food", "spend": spend, "reference": receipt}
    demo.post("/v1/earnings", earn, key)
    page = resident.signed_in("merchant", view, "/merchant")
    go(page, texts["nav_transactions"])
    page.get_by_label(texts["query"], exact=True).fill(receipt)
    press(page, texts["find"])
    page.locator("tbody tr").get_by_role("link").click()
    headed(page, f"{texts['kind_earn']} · 80")
    press(page, texts["reversal_go"])
    page.get_by_label(texts["how_much"], exact=True).select_option(texts["extent_spend"])
    page.get_by_label(re.compile(re.escape(texts["spend_back"]))).fill("12.5.0")
    page.get_by_label(texts["reason"], exact=True).fill("退杯 one cup returned")
    resident.expect(422, f"/merchant/transactions/{page.url.split('/')[-2]}/reversal/check")
    press(page, texts["check"])
    expect(page.get_by_text(texts["spend_wrong"], exact=True)).to_be_visible()
    check(page)
    page.get_by_label(re.compile(re.escape(texts["spend_back"]))).fill("30")
    press(page, texts["check"])
    expect(page.locator("main dl")).to_contain_text("30")
    # Who clicks twice sends the form twice; it stays one reversal.
    page.get_by_role("button", name=texts["reverse_now"], exact=True).dblclick()
    expect(page.get_by_role("status")).to_have_text(texts["was_posted"])
    go(page, texts["nav_transactions"])
    page.get_by_label(texts["query"], exact=True).fill(receipt)
    press(page, texts["find"])
    page.locator("tbody tr").filter(has_text=texts["kind_earn"]).get_by_role("link").click()
    expect(page.locator("main .badge")).to_have_text(texts["state_part"])
    # Chinese has no spaces, and a colon of its own.
    told = re.compile(rf"{texts['taken_back']}[:：]\s*30\s*{texts['of_points']}\s*80")
    expect(page.locator("main")).to_contain_text(told)
    check(page)


@VIEWS
def test_merchant_imports_a_file_sees_it_end_and_downloads_what_was_not_posted(
    resident: Resident, view: View, tmp_path: Path
) -> None:
    texts = _texts(view, IMPORTS)
    file = tmp_path / f"sales-{uuid4().hex[:6]}.csv"
    good = [f"{uuid4().hex},{uuid4().hex},{amount}.00" for amount in (10, 20, 30)]
    file.write_text("\n".join(["invoice,customer,amount", *good, f"bad-1,{uuid4().hex},twelve", ""]))
    page = resident.signed_in("merchant", view, "/merchant")
    go(page, texts["nav_imports"])
    page.get_by_label(texts["mapping"], exact=True).fill(MAPPING)
    page.get_by_label(texts["file"], exact=True).set_input_files(file)
    check(page)
    press(page, texts["upload"])
    headed(page, file.name)
    expect(page.locator("#progress .badge").first).to_have_text(texts["state_done"])
    for name, lines in (("lines_done", "4"), ("lines_posted", "3"), ("lines_failed", "1")):
        expect(figure(page, texts[name])).to_have_text(lines)
    check(page)
    with page.expect_download() as download:
        press(page, texts["download_lines"])
    assert "twelve" in download.value.path().read_text(encoding="utf-8-sig")
    go(page, texts["nav_imports"])
    expect(page.locator("tbody tr").filter(has_text=file.name)).to_contain_text(texts["state_done"])


@VIEWS
def test_merchant_makes_a_key_that_is_shown_once_and_ends_it(resident: Resident, view: View) -> None:
    texts = _texts(view, KEYS)
    page = resident.signed_in("merchant", view, "/merchant")
    go(page, texts["nav_keys"])
    press(page, texts["make"])
    headed(page, texts["new_title"])
    key = page.locator(".secret code").inner_text()
    assert re.fullmatch(r"cpk_\w+[._-].{20,}|cpk_\S{30,}", key)
    check(page)
    secret_part = key[-20:]
    _shown_nowhere_else(page, secret_part)
    page.goto("/merchant/keys")
    assert secret_part not in page.content()
    prefix = max(one.inner_text() for one in page.locator("tbody code").all() if key.startswith(one.inner_text()))
    row = page.locator("tbody tr").filter(has_text=prefix)
    expect(row.locator(".badge")).to_have_text(texts["state_good"])
    row.get_by_role("link", name=texts["revoke"], exact=True).click()
    check(page)
    press(page, texts["revoke_now"])
    expect(page.get_by_role("status")).to_have_text(texts["was_revoked"])
    expect(row.locator(".badge")).to_have_text(texts["state_revoked"])


@VIEWS
def test_merchant_adds_an_endpoint_whose_secret_is_shown_once_and_removes_it(resident: Resident, view: View) -> None:
    texts = _texts(view, WEBHOOKS)
    page = resident.signed_in("merchant", view, "/merchant")
    go(page, texts["nav_webhooks"])
    resident.expect(422, "/merchant/webhooks")
    name = f"till {uuid4().hex[:6]}"
    page.get_by_label(texts["endpoint"], exact=True).fill("https://127.0.0.1/hooks")
    page.get_by_label(texts["description"], exact=True).fill(name)
    press(page, texts["add"])
    expect(page.locator("[aria-invalid=true]")).to_have_count(1)
    expect(page.get_by_label(texts["description"], exact=True)).to_have_value(name)
    check(page)
    page.get_by_label(texts["endpoint"], exact=True).fill(f"https://93.184.215.14/{uuid4().hex[:6]}")
    press(page, texts["add"])
    headed(page, texts["secret_title"])
    secret = page.locator(".secret code").inner_text()
    check(page)
    _shown_nowhere_else(page, secret)
    press(page, texts["to_endpoint"])
    headed(page, name)
    assert secret not in page.content()
    check(page)
    page.get_by_role("link", name=texts["remove"], exact=True).click()
    press(page, texts["remove_now"])
    expect(page.get_by_role("status")).to_have_text(texts["done_removed"])
    expect(page.get_by_text(name)).to_have_count(0)


def _shown_nowhere_else(page: Page, secret: str) -> None:
    """A secret stands in no address and in nothing that the browser keeps."""
    assert secret not in page.url
    kept = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert secret not in kept
