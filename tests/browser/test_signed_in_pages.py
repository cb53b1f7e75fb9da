"""Every page of people who are signed in keeps nobody out; ``signed_in_pages.py`` lists them."""

from http import HTTPStatus
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.accessibility import check, small_targets, too_wide
from tests.browser.signed_in_pages import PAGES, SignedInPage, looks
from tests.browser.visitor import PHONE, Resident, View

ROLES = sorted({page.role for page in PAGES})


def _expect_status(resident: Resident, shown: SignedInPage) -> None:
    if shown.status != HTTPStatus.OK:
        resident.expect(shown.status, urlsplit(shown.path).path)


@pytest.mark.parametrize(("shown", "view"), looks(), ids=str)
def test_page_keeps_nobody_out(resident: Resident, shown: SignedInPage, view: View) -> None:
    _expect_status(resident, shown)
    page = resident.page_of(shown.role, view)
    shown.open(page, resident.origin)
    expect(page.locator("h1")).to_have_count(1)
    assert page.locator("html").get_attribute("lang") == {"en": "en", "zh": "zh-Hans"}[view.language]
    check(page)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("role", ROLES)
def test_pages_of_a_role_fit_a_phone_in_larger_type_and_need_no_script(
    resident: Resident, role: str, language: str
) -> None:
    complaints = []
    page = resident.signed_in(role, View(language, PHONE, javascript=False, is_large=True), "/account")
    expect(page.locator("html")).to_have_class("large")
    for shown in (one for one in PAGES if one.role == role):
        _expect_status(resident, shown)
        shown.open(page, resident.origin)
        expect(page.locator("h1")).to_be_visible()
        complaints += [f"{shown}: {complaint}" for complaint in (*too_wide(page), *small_targets(page))]
    assert not complaints, "\n".join(complaints)
