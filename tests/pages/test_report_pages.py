"""Reports as pages: charts over tables, files to take away, and nothing of another programme."""

import json
from io import BytesIO
from uuid import uuid4

import pytest
from openpyxl import load_workbook

from settlement.reports.catalogue import REPORTS
from tests.pages.bureau import Bureau

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.parametrize("name", list(REPORTS))
def test_every_report_is_a_page_with_the_tables_of_its_chart(bureau: Bureau, name: str) -> None:
    browser = bureau.staff("finance-clerk")
    page = browser.get(f"/finance/reports/{name}")
    assert page.status == 200
    if name in {"breakage", "shortfalls"}:
        assert "Nothing in this table." in page.text
        assert "There is nothing to draw." in page.text
        return
    assert page.root.every("table"), "no table"
    assert page.root.every("svg"), "no chart"


def test_the_waterfall_and_its_table_say_the_same_of_the_points(bureau: Bureau) -> None:
    page = bureau.staff("finance-clerk").get(f"/finance/reports/roll-forward?batch={bureau.batch}")
    [chart] = [one for one in page.root.every("figure") if "bar-chart" in one.attributes["class"]]
    assert "Issued +10,000" in chart.text
    assert "Redeemed −3,000" in chart.text
    assert "Closing 7,000" in chart.text
    totals = page.root.every("tfoot")[0].text
    assert totals == "Total 0 10,000 0 3,000 0 0 0 0 7,000"


def test_reports_are_offered_for_the_last_batch_and_lead_to_each_of_them(bureau: Bureau) -> None:
    browser = bureau.staff("auditor")
    page = browser.get("/finance/reports")
    every = [one.attributes["href"] for one in page.root.one("main").every("a")]
    links = [link for link in every if link.startswith("/finance/reports/")]
    assert len(links) == len(REPORTS)
    assert all(f"batch={bureau.batch}" in link for link in links)
    assert [browser.get(link).status for link in links] == [200] * len(REPORTS)


@pytest.mark.parametrize("form", ["xlsx", "pdf", "json"])
def test_a_report_is_taken_away_in_the_readers_language(bureau: Bureau, form: str) -> None:
    browser = bureau.staff("finance-approver")
    browser.get("/preferences?language=zh")
    page = browser.get("/finance/reports/roll-forward")
    [link] = [one.attributes["href"] for one in page.root.every("a") if f"format={form}" in one.attributes["href"]]
    answer = browser.get(link).response
    assert answer.status_code == 200
    name = f"{bureau.batch}-roll-forward.{form}"
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["cache-control"] == "no-store"
    if form == "xlsx":
        assert answer.headers["content-type"] == XLSX
        book = load_workbook(BytesIO(answer.content))
        assert "积分负债变动表" in str([cell.value for sheet in book for row in sheet.iter_rows() for cell in row])
    elif form == "json":
        assert json.loads(answer.content)["title"] == "积分负债变动表"
    else:
        assert answer.content.startswith(b"%PDF-")


def test_a_changed_address_shows_nothing_of_another_programme(bureau: Bureau) -> None:
    code = f"P{uuid4().hex[:8]}"
    bureau.office.service.add_programme(code)
    browser = bureau.staff("finance-clerk")
    for path in ("/finance/reports", "/finance/reports/ageing", "/finance/reports/ageing/file"):
        assert browser.get(f"{path}?programme={code}&batch={bureau.batch}").status == 404, path
    page = browser.get(f"/finance/reports?programme={code}")
    assert "No batch has been run yet" in page.text
    assert browser.get(f"/finance/reports/ageing?programme={code}").status == 404


@pytest.mark.parametrize("name", ["unknown", "statement"])
def test_a_report_that_does_not_exist_is_a_clear_page(bureau: Bureau, name: str) -> None:
    page = bureau.staff("finance-clerk").get(f"/finance/reports/{name}")
    assert page.status == 404
    assert page.heading == "There is nothing here"


@pytest.mark.parametrize("since", ["x", "2026-11-24", "0001-01-01", "<script>"])
def test_a_day_that_a_report_cannot_begin_with_is_said_and_kept(bureau: Bureau, since: str) -> None:
    browser = bureau.staff("finance-clerk")
    page = browser.get("/finance/reports/roll-forward", params={"since": since, "batch": bureau.batch})
    assert page.status == 400
    assert page.root.one("input", id="since").attributes["value"] == since
    assert "no day that the report can begin with" in page.text
    path = "/finance/reports/roll-forward/file"
    assert browser.get(path, params={"since": since, "batch": bureau.batch}).status == 400


def test_a_format_that_is_none_is_refused(bureau: Bureau) -> None:
    path = f"/finance/reports/ageing/file?batch={bureau.batch}&format=csv"
    assert bureau.staff("finance-clerk").get(path).status == 400


@pytest.mark.parametrize("role", ["operator", "support", "merchant", "citizen"])
def test_who_is_not_of_finance_gets_no_report_and_no_file(bureau: Bureau, role: str) -> None:
    claims = {"citypoints_partner": "CAFE", "citypoints_member": bureau.office.member}
    browser = bureau.city.sign_in(sub=f"{role}-{uuid4().hex[:6]}", citypoints_roles=[role], **claims)
    for path in ("", "/ageing", f"/ageing/file?batch={bureau.batch}"):
        answer = browser.get(f"/finance/reports{path}")
        assert answer.status == 403, path
        assert bureau.batch not in answer.text


def test_without_a_session_a_file_leads_to_the_sign_in(bureau: Bureau) -> None:
    answer = bureau.city.browser().get(f"/finance/reports/ageing/file?batch={bureau.batch}")
    assert answer.status == 303
    assert answer.location.startswith("/sign-in")
