"""What holds of every page of the finance console's reports, work lists and proposals, in both languages."""

import re
from collections.abc import Iterator

import pytest

from api.pages.finance.finance_texts import FINANCE
from api.pages.finance.proposal_forms import FORMS
from api.pages.finance.proposal_texts import PERIODS, PROPOSALS
from api.pages.finance.report_texts import REPORTS_PAGE
from api.pages.finance.work_refusals import REFUSALS
from api.pages.finance.work_texts import DISPUTES, RECONCILIATION, SUSPENSE
from api.pages.frame_texts import FRAME
from api.pages.texts import LANGUAGES
from settlement.reports.catalogue import REPORTS
from settlement.store.proposal_rows import Operation
from tests.pages.browsing import Browser, Page
from tests.pages.bureau import Bureau, movement, notification, upload
from tests.pages.page_rules import refuse_inline, refuse_malformed, refuse_other_language, refuse_without_token
from tests.pages.test_dispute_pages import check as check_decision
from tests.pages.test_dispute_pages import opened
from tests.pages.test_proposal_pages import NEW, TERMS, proposed
from tests.pages.test_proposal_pages import check as check_change
from tests.pages.test_suspense_pages import check as check_match
from tests.pages.test_suspense_pages import open_notice, suspended

AREAS = {
    "finance": FINANCE,
    "reports": REPORTS_PAGE,
    "suspense": SUSPENSE,
    "disputes": DISPUTES,
    "reconciliation": RECONCILIATION,
    "proposals": PROPOSALS,
    "periods": PERIODS,
}
Shown = tuple[str, Page, Browser]


@pytest.fixture(params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    """Each of our languages."""
    return str(request.param)


def pages(bureau: Bureau, language: str) -> Iterator[Shown]:
    """Every page, with the browser in which it is open."""
    clerk, approver, auditor = (bureau.staff(role) for role in ("finance-clerk", "finance-approver", "auditor"))
    item, _ = suspended(bureau, "1.00")
    debit, _ = suspended(bureau, "1.00", direction="DBIT")
    dispute = opened(bureau, clerk)
    change = proposed(clerk, "terms", partner=bureau.office.new_partner(), **TERMS)
    file = upload(clerk, clerk.get("/finance/reconciliation"), notification(movement("1.00"))).location
    for browser in (clerk, approver, auditor):
        browser.get(f"/preferences?language={language}")
    paths = ["/reports", *(f"/reports/{name}" for name in REPORTS), "/reports/ageing?since=x", "/reconciliation"]
    paths += ["/suspense", "/disputes", "/proposals", "/proposals?show=all", "/periods"]
    whole = [f"/finance{path}" for path in paths] + [item, debit, dispute, change, file, f"{file}&again=1"]
    for browser in (clerk, approver, auditor):
        yield from ((path, browser.get(path), browser) for path in whole)
    for operation in FORMS:
        yield operation, clerk.get(f"{NEW}/{operation}?partner=CAFE"), clerk
        yield f"{operation}, wrong", check_change(clerk, operation, partner="CAFE", reason=""), clerk
    yield "terms, whose", clerk.get(f"{NEW}/terms"), clerk
    yield "terms, checked", check_change(clerk, "terms", partner=bureau.office.new_partner(), **TERMS), clerk
    yield "match, wrong", check_match(clerk, item, "x"), clerk
    yield "match, checked", check_match(clerk, item, open_notice(bureau)), clerk
    yield "dispute, wrong", check_decision(approver, dispute, ""), approver
    yield "dispute, checked", check_decision(approver, dispute, "for-acceptor"), approver
    yield "bad file", upload(clerk, clerk.get("/finance/reconciliation"), b"x"), clerk
    yield "no file", upload(clerk, clerk.get("/finance/reconciliation"), b""), clerk


def test_pages_keep_the_rules_of_all_pages(bureau: Bureau, language: str) -> None:
    links: dict[str, Browser] = {}
    for path, page, browser in pages(bureau, language):
        assert page.status in {200, 400, 422}, (path, page.status)
        refuse_malformed(path, page, language)
        refuse_inline(path, page)
        refuse_without_token(path, page)
        # What payers and partners are called is Chinese in either language.
        if language == "zh":
            refuse_other_language(path, page, language, AREAS)
        else:
            shown = page.root.one("body").text
            for words in AREAS.values():
                assert not [key for key, (_, chinese) in words.items() if len(chinese) > 4 and chinese in shown], path
        links |= {one.attributes["href"]: browser for one in page.root.every("a")}
    for link, browser in links.items():
        if link != "#main" and not link.startswith("/preferences"):
            assert browser.get(link).status == 200, link


@pytest.mark.parametrize("words", [REPORTS_PAGE, SUSPENSE, DISPUTES, RECONCILIATION, PROPOSALS, PERIODS, REFUSALS])
def test_every_text_is_there_in_both_languages(words: dict[str, tuple[str, str]]) -> None:
    assert not set(words) & set(FRAME)
    for key, (english, chinese) in words.items():
        assert english.strip(), key
        assert re.search(r"[\u4e00-\u9fff]", chinese), key
        assert not re.search(r"[\u4e00-\u9fff]", english), key


def test_everything_that_can_be_proposed_has_a_form_and_words() -> None:
    assert set(FORMS) == set(Operation.__args__)  # type: ignore[attr-defined]
    for operation, fields in FORMS.items():
        assert {f"operation_{operation}", f"propose_{operation}"} <= set(PROPOSALS)
        for field in fields:
            assert {f"field_{field.name}", f"hint_{field.name}"} <= set(PROPOSALS)
            assert {f"choice_{choice}" for choice in field.choices} <= set(PROPOSALS)
    assert {f"about_{name}" for name in REPORTS} | {f"chart_{name}" for name in REPORTS} <= set(REPORTS_PAGE)
