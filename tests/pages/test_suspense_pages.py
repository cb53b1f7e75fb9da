"""The work list of money that could not be placed: seen by all of finance, placed by those who prepare, once."""

from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.bureau import Bureau, movement, notification, upload


def suspended(bureau: Bureau, amount: str, **named: str) -> tuple[str, str]:
    """Have money come in that no notice explains; returns the address of its item and what its payer wrote."""
    written = f"W{uuid4().hex[:10]}"
    content = notification(movement(amount, written=written, **named))
    headers = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/xml"}
    key = bureau.office.keys["finance-clerk"]
    answer = bureau.office.service.request("POST", "/v1/bank-files", key=key, content=content, headers=headers)
    assert answer.json()["suspended"] == 1, answer.text
    [item] = [one for one in _items(bureau) if written in one["remittance"]]
    return f"/finance/suspense/{item['id']}", written


def _items(bureau: Bureau) -> list[dict[str, str]]:
    answer = bureau.office.send("GET", "/v1/suspense?limit=200")
    items: list[dict[str, str]] = answer.raise_for_status().json()["items"]
    return items


def check(browser: Browser, address: str, reference: str) -> Page:
    return browser.send(browser.get(address), f"{address}/check", reference=reference)


def open_notice(bureau: Bureau) -> str:
    return str(bureau.notices()[0]["reference"])


def test_what_waits_is_listed_with_its_age_and_what_it_is(bureau: Bureau) -> None:
    address, written = suspended(bureau, "12.34", payer="某某超市")
    page = bureau.staff("auditor").get("/finance/suspense")
    [row] = [one for one in page.root.every("tr") if written in one.text]
    assert "24 Nov 2026" in row.text
    assert "Came in" in row.text
    assert "CNY 12.34" in row.text
    assert "某某超市" in row.text
    assert row.every("a")[0].attributes["href"].startswith(address)


def test_a_clerk_places_a_receipt_in_two_steps_and_it_leaves_the_list(bureau: Bureau) -> None:
    address, written = suspended(bureau, "1.00")
    browser, reference = bureau.staff("finance-clerk", name="Wu"), open_notice(bureau)
    checked = check(browser, address, reference)
    assert checked.status == 200
    assert checked.heading == "Place this money?"
    assert "Still open afterwards" in checked.text
    before = bureau.office.balances().get((9000, ""), 0)
    done = browser.follow(browser.send(checked, address))
    assert done.heading == "The money is placed"
    assert "Wu" in done.text
    assert reference in done.text
    assert bureau.office.balances().get((9000, ""), 0) == before + 100
    assert written not in browser.get("/finance/suspense").text
    # In another tab, or sent twice: it is as it was.
    assert browser.send(checked, address).status == 303
    assert bureau.office.balances().get((9000, ""), 0) == before + 100


def test_checking_changes_nothing_and_leads_back_with_what_was_typed(bureau: Bureau) -> None:
    address, _ = suspended(bureau, "1.00")
    browser, reference = bureau.staff("manager"), open_notice(bureau)
    checked = check(browser, address, reference)
    back = browser.post(f"{address}/check", {**checked.form(address), "change": "1"})
    assert back.status == 200
    assert back.root.one("input", id="reference").attributes["value"] == reference


@pytest.mark.parametrize("reference", ["", "NONE-1", "x" * 300, "<script>alert(1)</script>", "' or 1=1"])
def test_a_reference_that_is_none_is_said_at_its_field_and_kept(bureau: Bureau, reference: str) -> None:
    address, _ = suspended(bureau, "2.00")
    browser = bureau.staff("finance-clerk")
    page = check(browser, address, reference)
    assert page.status == 422
    field = page.root.one("input", id="reference")
    assert field.attributes["aria-invalid"] == "true"
    assert field.attributes["value"] == reference
    assert "<script>" not in page.html
    token = browser.get(address).form(f"{address}/check")
    assert browser.post(address, {**token, "reference": reference}).status == 422


def test_money_that_went_out_can_be_placed_with_no_notice(bureau: Bureau) -> None:
    address, _ = suspended(bureau, "3.00", direction="DBIT")
    browser = bureau.staff("finance-clerk")
    page = browser.get(address)
    assert "no payment of ours explains it" in page.text
    assert not page.root.every("input")[1:], "there is a form"
    token = browser.get("/finance/reconciliation").form("/sign-out")
    answer = browser.post(address, {**token, "programme": "CITY", "reference": open_notice(bureau)})
    assert answer.status == 422


@pytest.mark.parametrize("role", ["auditor", "finance-approver"])
def test_who_does_not_prepare_sees_everything_and_can_place_nothing(bureau: Bureau, role: str) -> None:
    address, _ = suspended(bureau, "1.50")
    browser = bureau.staff(role)
    page = browser.get(address)
    assert "your role reads" in page.text
    assert [form.attributes["action"] for form in page.root.every("form")] == ["/sign-out"]
    token = page.form("/sign-out")
    before = bureau.office.balances().get((9000, ""), 0)
    for path in (address, f"{address}/check"):
        answer = browser.post(path, {**token, "programme": "CITY", "reference": open_notice(bureau)})
        assert answer.status == 403, path
        assert answer.heading == "This page is not for you"
    assert bureau.office.balances()[9000, ""] == before


def test_a_forged_form_places_nothing(bureau: Bureau) -> None:
    address, _ = suspended(bureau, "1.50")
    browser = bureau.staff("finance-clerk")
    before = bureau.office.balances().get((9000, ""), 0)
    for fields in ({}, {"csrf": "0" * 64}):
        answer = browser.post(address, {**fields, "programme": "CITY", "reference": open_notice(bureau)})
        assert answer.status == 403
        assert answer.heading == "The form was not accepted"
    assert bureau.office.balances()[9000, ""] == before


@pytest.mark.parametrize("item", ["x", "00000000-0000-0000-0000-000000000000"])
def test_an_item_that_is_none_is_a_clear_page(bureau: Bureau, item: str) -> None:
    assert bureau.staff("finance-clerk").get(f"/finance/suspense/{item}").status == 404


def test_an_item_of_another_programme_is_like_one_that_is_none(bureau: Bureau) -> None:
    address, _ = suspended(bureau, "1.50")
    code = f"P{uuid4().hex[:8]}"
    bureau.office.service.add_programme(code)
    assert bureau.staff("finance-clerk").get(f"{address}?programme={code}").status == 404


def test_what_payers_write_is_shown_as_text(bureau: Bureau) -> None:
    address, _ = suspended(bureau, "1.50", payer="&lt;script&gt;alert(1)&lt;/script&gt;")
    browser = bureau.staff("finance-clerk")
    for path in (address, "/finance/suspense"):
        page = browser.get(path)
        assert "<script>" not in page.html
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.html


def test_a_file_of_the_banks_puts_what_it_cannot_place_on_the_list(bureau: Bureau) -> None:
    browser = bureau.staff("finance-clerk")
    written = f"W{uuid4().hex[:8]}"
    page = upload(browser, browser.get("/finance/reconciliation"), notification(movement("4.00", written=written)))
    assert page.status == 303
    assert written in browser.get("/finance/suspense").text
