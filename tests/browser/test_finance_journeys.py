"""What finance does beside closing and settling, by clicking alone: terms by two persons, and reports."""

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook
from playwright.sync_api import expect

from api.pages.console_texts import CONSOLE
from api.pages.finance.finance_texts import FINANCE
from api.pages.finance.proposal_texts import PROPOSALS
from api.pages.finance.report_texts import REPORTS_PAGE
from api.pages.frame_texts import FRAME
from api.pages.texts import in_language
from settlement.reports.texts import TEXTS as REPORTS
from tests.browser.accessibility import check
from tests.browser.clicking import go, headed, press
from tests.browser.visitor import DESK, PHONE, Resident, View

VIEWS = [View("en", DESK, "dark"), View("zh", PHONE, "light")]
TERMS_OF = {"en": "LAKE-PARK", "zh": "OPEN-COURT"}
# Terms are agreed for days to come.
AHEAD = timedelta(days=60)


def _texts(view: View) -> dict[str, str]:
    return in_language({**CONSOLE, **FRAME, **FINANCE, **REPORTS_PAGE, **PROPOSALS}, view.language)


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_new_terms_take_effect_when_another_person_than_the_one_who_wrote_them_approves(
    resident: Resident, view: View
) -> None:
    texts = _texts(view)
    clerk = resident.signed_in("finance-clerk", view, "/finance")
    go(clerk, texts["nav_proposals"])
    clerk.locator("main").get_by_role("link", name=texts["operation_terms"], exact=True).click()
    clerk.get_by_label(texts["choose_partner"], exact=True).select_option(TERMS_OF[view.language])
    check(clerk)
    press(clerk, texts["next"])
    day = (datetime.now(UTC) + AHEAD).date().isoformat()
    clerk.get_by_label(texts["field_starts_on"], exact=True).fill(day)
    clerk.locator("#fee").fill("0.0o3")
    clerk.get_by_label(texts["reason"], exact=True).fill("新价 new price")
    resident.expect(422, "/finance/proposals/new/terms/check")
    press(clerk, texts["check"])
    expect(clerk.locator("[aria-invalid=true]")).to_have_count(1)
    expect(clerk.locator("#fee")).to_have_value("0.0o3")
    check(clerk)
    clerk.locator("#fee").fill("0.003")
    press(clerk, texts["check"])
    headed(clerk, texts["check_title"])
    expect(clerk.locator("tr").filter(has_text=texts["field_fee"])).to_contain_text("0.003")
    check(clerk)
    press(clerk, texts["propose_go"])
    expect(clerk.get_by_text(texts["another_decides"], exact=True)).to_be_visible()
    expect(clerk.locator("main form")).to_have_count(1)
    expect(clerk.locator("main form")).to_have_attribute("action", re.compile("/withdrawal$"))
    check(clerk)
    number = clerk.url.rpartition("/")[2].partition("?")[0]
    approver = resident.signed_in("finance-approver", view, "/finance")
    go(approver, texts["nav_proposals"])
    approver.locator(f"main a[href*='{number}']").click()
    approver.get_by_label(texts["reason"], exact=True).fill("与合同一致 as signed")
    check(approver)
    press(approver, texts["approve"])
    expect(approver.locator("main .badge").first).to_have_text(texts["state_approved"])
    check(approver)


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_a_report_is_a_chart_with_its_table_and_a_workbook_in_the_readers_language(
    resident: Resident, view: View
) -> None:
    texts, labels = _texts(view), in_language(REPORTS, view.language)
    page = resident.signed_in("finance-clerk", view, "/finance")
    go(page, texts["nav_reports"])
    page.get_by_role("link", name=labels["title_roll-forward"], exact=True).click()
    headed(page, labels["title_roll-forward"])
    expect(page.locator("figure.bar-chart")).to_be_visible()
    expect(page.locator("main table").first).to_be_visible()
    check(page)
    with page.expect_download() as download:
        press(page, texts["file_xlsx"])
    book = load_workbook(BytesIO(download.value.path().read_bytes()), read_only=True)
    words = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell}
    assert labels["title_roll-forward"] in words
    assert words & {labels["opening"], labels["closing"]}
