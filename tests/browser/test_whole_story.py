"""A newcomer lives one whole story on the demo, by clicking alone: earn, redeem, return half, settle, be paid.

The story has a demo of its own, since it moves the city's clock, and is lived in Chinese, then in English a day later.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Download, Page, expect
from pypdf import PdfReader

from api.demo.finance_texts import DEMO_FINANCE
from api.pages.console_texts import CONSOLE
from api.pages.finance.batch_texts import BATCHES, STATES
from api.pages.finance.day_texts import DAYS
from api.pages.finance.finance_texts import FINANCE
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.step_texts import STEPS
from api.pages.finance.work_texts import SUSPENSE
from api.pages.frame_texts import FRAME
from api.pages.merchant.counter_texts import COUNTER
from api.pages.merchant.merchant_texts import MERCHANT
from api.pages.merchant.statement_texts import STATEMENTS
from api.pages.merchant.today_texts import TODAY
from api.pages.merchant.transaction_texts import REVERSAL, TRANSACTIONS
from api.pages.portal.code_texts import CODE_TEXTS
from api.pages.portal.portal_texts import PORTAL
from api.pages.texts import in_language
from settlement.reports.texts import TEXTS as REPORTS
from tests.browser.accessibility import check, small_targets, too_wide
from tests.browser.clicking import figure, go, heading, press
from tests.browser.visitor import DESK, PHONE, Guard, Resident, View
from tests.demo_service import demo_service

SPEND, EARNED = "128.50", 128
# What is redeemed and kept is worth more than what the points given cost, so that of this alone the merchant is paid.
REDEEMED, RETURNED = 400, 200
TEA = "老街茶馆 Old Street Tea House"
# One demo for both languages.
pytestmark = pytest.mark.xdist_group("whole-story")


@dataclass(frozen=True)
class Settled:
    """The batch that settles the story's days."""

    batch: str
    days: list[str]


@dataclass
class Story:
    """Who takes part, each in a browser of their own, and what they saw."""

    resident: Resident
    language: str
    pages: dict[str, Page] = field(default_factory=dict)

    def as_(self, role: str, to: str) -> Page:
        """The page of a person, signed in when it first appears."""
        if role not in self.pages:
            width = PHONE if role == "citizen" else DESK
            self.pages[role] = self.resident.sign_in(role, View(self.language, width), to)
        return self.pages[role]

    def look(self, page: Page) -> None:
        """Hold a stop to everything in Chinese; in English, the same pages again, to width and targets alone."""
        if self.language == "zh":
            check(page)
        else:
            complaints = [*too_wide(page), *small_targets(page)]
            assert not complaints, "\n".join(complaints)

    def words(self, *areas: Mapping[str, tuple[str, str]]) -> dict[str, str]:
        """The texts of areas in the story's language."""
        merged: dict[str, tuple[str, str]] = {}
        for area in (CONSOLE, FRAME, *areas):
            merged |= area
        return in_language(merged, self.language)


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo whose clock only this file moves."""
    with demo_service(tmp_path_factory.mktemp("story")) as running:
        yield running.url


@pytest.fixture(params=["zh", "en"])
def story(browser: Browser, city: str, request: pytest.FixtureRequest) -> Iterator[Story]:
    """A story in one language; it fails if a page did what no page may."""
    guard = Guard(city)
    resident = Resident(browser, city, guard)
    yield Story(resident, request.param)
    resident.leave()
    assert not guard.complaints, "\n".join(guard.complaints)


def test_a_newcomer_earns_redeems_returns_half_settles_the_day_and_downloads_the_statement(
    story: Story, tmp_path: Path
) -> None:
    before = _figures_of_today(story)
    _sell(story, "earn", spend=SPEND, points=EARNED)
    _sell(story, "redeem", points=REDEEMED)
    _return_half(story)
    after = _figures_of_today(story)
    assert [now - then for now, then in zip(after, before, strict=True)] == [EARNED, REDEEMED, RETURNED, 3]
    _citizen_reads_all_three(story)
    settled = _close_days_and_run(story)
    expected = _points_of_the_days(story, settled.days)
    _submit_but_not_approve(story, settled.batch)
    _second_person_approves(story, settled.batch)
    _pay_and_close(story, settled.batch)
    _read_and_download_the_statement(story, settled.batch, expected, tmp_path)


def _figures_of_today(story: Story) -> list[int]:
    """Points issued, accepted and reversed, and the number of transactions, as the merchant sees its day."""
    texts = story.words(TODAY, MERCHANT)
    page = story.as_("merchant", "/merchant")
    go(page, texts["nav_today"])
    return [
        _whole(figure(page, texts[name]).inner_text())
        for name in ("issued", "accepted", "reversed", "transactions_count")
    ]


def _sell(story: Story, operation: str, *, points: int, spend: str | None = None) -> None:
    """The citizen shows a code, the cashier types it and posts in two steps, the citizen is told."""
    texts = story.words(COUNTER, MERCHANT, CODE_TEXTS)
    phone = story.as_("citizen", "/portal")
    go(phone, texts["nav_code"])
    digits = phone.locator("p.digits").inner_text()
    story.look(phone)
    till = story.as_("merchant", "/merchant")
    till.locator("nav.sections").first.get_by_role("link", name=texts["nav_counter"], exact=True).click()
    if heading(till) == texts["till_title"]:
        story.look(till)
        till.get_by_label(texts["till_scene"], exact=True).select_option(texts["scene_food"])
        press(till, texts["till_keep"])
    expect(till.get_by_role("heading", level=1)).to_have_text(texts["counter_title"])
    story.look(till)
    till.get_by_label(texts["counter_member"], exact=True).fill(digits)
    till.keyboard.press("Enter")
    expect(till.get_by_role("heading", level=1)).to_contain_text(texts["customer_code"])
    story.look(till)
    field = till.get_by_label(texts["earn_spend" if spend else "redeem_points"]).first
    field.fill(spend or str(points))
    press(till, texts[f"{operation}_check"])
    expect(till.get_by_role("heading", level=1)).to_have_text(texts[f"check_{operation}_title"])
    story.look(till)
    press(till, texts[f"confirm_{operation}"].format(points=points))
    expect(till.get_by_role("status")).to_contain_text(texts[f"done_say_{operation}"].format(points=points))
    story.look(till)
    go(phone, texts["nav_code"])
    expect(phone.get_by_role("status")).to_contain_text(
        texts[f"code_used_{operation}"].format(points=points, partner=TEA)
    )


def _return_half(story: Story) -> None:
    """The merchant finds the redemption in its list, and takes half of it back."""
    texts = story.words(TRANSACTIONS, REVERSAL, MERCHANT)
    page = story.as_("merchant", "/merchant")
    go(page, texts["nav_transactions"])
    story.look(page)
    row = page.locator("tbody tr").first
    expect(row).to_contain_text(texts["kind_redeem"])
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{texts['kind_redeem']} · {REDEEMED}")
    story.look(page)
    press(page, texts["reversal_go"])
    page.get_by_label(texts["how_much"], exact=True).select_option(texts["extent_points"])
    page.get_by_label(texts["points_back"], exact=True).fill(str(RETURNED))
    page.get_by_label(texts["reason"], exact=True).fill("退货一半 half returned")
    story.look(page)
    press(page, texts["check"])
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["check_title"])
    story.look(page)
    press(page, texts["reverse_now"])
    expect(page.get_by_role("status")).to_have_text(texts["was_posted"])
    story.look(page)


def _citizen_reads_all_three(story: Story) -> None:
    """The citizen's statement has all three lines, the newest first."""
    texts = story.words(PORTAL)
    page = story.as_("citizen", "/portal")
    go(page, texts["nav_statement"])
    lines = page.locator(".lines > li")
    expected = [("reverse_in", f"+{RETURNED}"), ("redeem", f"−{REDEEMED}"), ("earn", f"+{EARNED}")]
    for line, (kind, points) in zip(lines.all(), expected, strict=False):
        expect(line.locator(".what")).to_have_text(f"{texts[f'kind_{kind}']} · {TEA}")
        expect(line.locator(".points")).to_have_text(points)
    story.look(page)


def _close_days_and_run(story: Story) -> Settled:
    """The clerk lets the day end, closes every day that is over, and runs the batch."""
    texts = story.words(FINANCE, DAYS, DEMO_FINANCE, BATCHES, STATES)
    page = story.as_("finance-clerk", "/finance")
    go(page, texts["nav_days"])
    story.look(page)
    press(page, texts["demo_next_day"])
    closed: list[str] = []
    run = page.get_by_role("button", name=texts["run_now"], exact=True)
    while True:
        expect(page.locator("#next")).to_be_visible()
        if run.count():
            break
        page.locator(".todo a[role=button]").first.click()
        [day] = re.findall(r"/finance/days/([0-9-]+)/close", page.url)
        story.look(page)
        press(page, texts["close_now"])
        expect(page.get_by_role("status")).to_be_visible()
        closed.append(day)
    story.look(page)
    run.click()
    story.look(page)
    press(page, texts["run_now"])
    expect(page.locator(".heading .badge")).to_have_text(texts["state_draft"])
    story.look(page)
    if len(closed) == 1:
        # Nobody else has lived this day: the whole city's points are those of the story.
        shown = [figure(page, texts[f"points_{name}"]).inner_text() for name in ("issued", "redeemed", "restored")]
        assert shown == [str(EARNED), str(REDEEMED), str(RETURNED)]
    return Settled(page.url.rpartition("/")[2].partition("?")[0], closed)


def _points_of_the_days(story: Story, days: list[str]) -> tuple[int, int]:
    """Points that the merchant accepted on days and gave back of it, added up from its own lists."""
    texts = story.words(TRANSACTIONS, MERCHANT)
    page = story.as_("merchant", "/merchant")
    accepted = 0
    reversals: list[tuple[str, int]] = []
    for day in days:
        go(page, texts["nav_transactions"])
        page.get_by_label(texts["day_filter"], exact=True).fill(day)
        press(page, texts["show_day"])
        while True:
            for row in page.locator("tbody tr").all():
                what, points = (row.locator("td").nth(at).inner_text() for at in (0, 1))
                if what.startswith((texts["kind_redeem"], texts["kind_capture"])):
                    accepted += _whole(points)
                elif what.startswith(texts["kind_reverse"]):
                    reversals.append((row.get_by_role("link").get_attribute("href") or "", _whole(points)))
            older = page.get_by_role("button", name=texts["older"], exact=True)
            if not older.count():
                break
            older.click()
    returned = 0
    for address, taken_back in reversals:
        page.goto(address)
        page.locator("dl.facts a").first.click()
        if texts["kind_redeem"] in heading(page):
            returned += taken_back
    return accepted, returned


def _submit_but_not_approve(story: Story, batch: str) -> None:
    """The clerk looks at the review and submits; approving is the other person's, also by a typed address."""
    texts = story.words(FINANCE, BATCHES, STATES, STEPS, REFUSALS)
    page = story.as_("finance-clerk", "/finance")
    expect(page.locator("#whom")).to_be_visible()
    expect(page.locator(".marked .badge.bad")).to_have_count(0)
    _step(story, page, texts, "submit")
    expect(page.locator(".heading .badge")).to_have_text(texts["state_submitted"])
    expect(page.get_by_text(texts["now_submitted_own"], exact=True)).to_be_visible()
    expect(page.get_by_role("button", name=texts["step_approve"], exact=True)).to_have_count(0)
    story.look(page)
    page.goto(f"/finance/batches/{batch}/approve")
    expect(page.locator("main form")).to_have_count(0)
    story.look(page)
    page.goto(f"/finance/batches/{batch}")


def _second_person_approves(story: Story, batch: str) -> None:
    texts = story.words(FINANCE, DAYS, BATCHES, STATES, STEPS)
    page = story.as_("finance-approver", "/finance")
    go(page, texts["nav_days"])
    expect(page.locator("#next")).to_contain_text(texts["next_approve"].format(batch=batch))
    story.look(page)
    press(page, texts["look"])
    story.look(page)
    _step(story, page, texts, "approve")
    expect(page.get_by_role("status")).to_have_text(texts["did_approved"])
    story.look(page)


def _pay_and_close(story: Story, batch: str) -> None:
    """The clerk makes the payment file, the demo's bank answers, and the batch is closed."""
    texts = story.words(FINANCE, DAYS, BATCHES, STATES, STEPS, DEMO_FINANCE)
    page = story.as_("finance-clerk", "/finance")
    go(page, texts["nav_days"])
    expect(page.locator("#next")).to_contain_text(texts["next_instruct"].format(batch=batch))
    press(page, texts["look"])
    _step(story, page, texts, "instruct")
    story.look(page)
    if story.language == "zh":
        _place_what_waits(story)
    press(page, texts["demo_bank"])
    expect(page.locator(".heading .badge")).to_have_text(texts["state_confirmed"])
    story.look(page)
    _step(story, page, texts, "close")
    expect(page.locator(".heading .badge")).to_have_text(texts["state_closed"])
    story.look(page)


def _place_what_waits(story: Story) -> None:
    """The clerk places the money that no notice explained with one that is open."""
    texts = story.words(FINANCE, SUSPENSE)
    page = story.as_("finance-clerk", "/finance")
    batch = page.url
    go(page, texts["nav_suspense"])
    page.get_by_role("link", name=texts["place"], exact=True).click()
    story.look(page)
    reference = page.locator("tbody code").first.inner_text()
    page.get_by_label(texts["reference_label"], exact=True).fill(reference)
    press(page, texts["check"])
    expect(page.locator("main dl")).to_contain_text(reference)
    story.look(page)
    press(page, texts["confirm"])
    expect(page.get_by_role("heading", level=1)).to_have_text(texts["placed_title"])
    story.look(page)
    go(page, texts["nav_suspense"])
    expect(page.get_by_text(texts["suspense_none"], exact=True)).to_be_visible()
    page.goto(batch)


def _read_and_download_the_statement(story: Story, batch: str, expected: tuple[int, int], folder: Path) -> None:
    """The merchant's statement says what its lists said, is paid, and arrives as a file in the reader's language."""
    texts = story.words(MERCHANT, STATEMENTS)
    labels = in_language(REPORTS, story.language)
    page = story.as_("merchant", "/merchant")
    go(page, texts["nav_statements"])
    story.look(page)
    row = page.locator("tbody tr").first
    # Right after midnight the batch also has the demo's day before, in which the merchant gave more than it took.
    owes = texts["against"] in row.inner_text()
    expect(row).to_contain_text(texts["notice_paid" if owes else "payment_confirmed"])
    row.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(labels["title_statement"])
    assert page.url.endswith(batch)
    story.look(page)
    assert (
        _points_of_lines(page, labels["line_redemption_gross"]),
        _points_of_lines(page, labels["line_return_gross"]),
    ) == expected
    with page.expect_download() as download:
        press(page, f"{texts['download_as']} PDF")
    _is_the_statement(download.value, labels, folder)
    clerk = story.as_("finance-clerk", "/finance")
    row = clerk.locator("tr").filter(has_text=TEA).filter(has_text="XLSX")
    with clerk.expect_download() as download:
        row.get_by_role("link", name="PDF").click()
    _is_the_statement(download.value, labels, folder)


def _is_the_statement(download: Download, labels: dict[str, str], folder: Path) -> None:
    """The file that arrived is the merchant's statement in the reader's language."""
    file = folder / download.suggested_filename
    download.save_as(file)
    text = "".join(one.extract_text() for one in PdfReader(file).pages)
    for word in ("title_statement", "line_redemption_gross", "line_return_gross"):
        assert labels[word] in text
    assert TEA in text


def _points_of_lines(page: Page, label: str) -> int:
    """The points of a statement's lines with a label; returns without a sign."""
    table = page.locator("table").first
    heads = [one.inner_text() for one in table.locator("thead th").all()]
    at = next(number for number, head in enumerate(heads) if head in {"积分", "Points"})
    rows = table.locator("tbody tr").filter(has_text=label)
    return sum(abs(_whole(row.locator("th, td").nth(at).inner_text())) for row in rows.all())


def _step(story: Story, page: Page, texts: dict[str, str], step: str) -> None:
    """Take a step of a batch by its two forms."""
    press(page, texts[f"step_{step}"])
    expect(page.get_by_label(texts["reason_label"], exact=True)).not_to_have_value("")
    story.look(page)
    press(page, texts[f"now_{step}"])


def _whole(shown: str) -> int:
    return int(shown.replace(",", "").replace("−", "-"))
