"""Days and batches in the finance console: two people settle a day by forms, and nobody does what is not theirs."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.embedded import EmbeddedPostgres
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CityProvider
from tests.pages.finance_city import CAFE_ACCOUNT, HOUSE, FinanceCity, close, finance_city, run_batch, take
from tests.settlement.mock_bank import MockBank


@pytest.fixture(scope="module")
def finance(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> Iterator[FinanceCity]:
    """An office of this file's tests; each brings a programme of its own."""
    with finance_city(postgres, migrated_template, provider, "finance_batches") as city:
        yield city


@pytest.fixture(autouse=True)
def _closed_browsers(finance: FinanceCity) -> Iterator[None]:
    yield
    finance.city.close_browsers()


@pytest.fixture
def clerk(finance: FinanceCity) -> Browser:
    return finance.browser_of("finance-clerk", sub="wang")


@pytest.fixture
def approver(finance: FinanceCity) -> Browser:
    return finance.browser_of("finance-approver", sub="li")


def next_thing(browser: Browser, programme: str) -> str:
    """What the first page says is next."""
    return browser.get(f"/finance?programme={programme}").root.one("h2", id="next").text


def buttons(page: Page) -> list[str]:
    """Where the buttons of a page lead."""
    links = page.root.one("main").every("a")
    return [link.attributes["href"] for link in links if link.attributes.get("role") == "button"]


def submitted(finance: FinanceCity, clerk: Browser, programme: str, issued: int = 1_000, redeemed: int = 300) -> str:
    """A batch of one traded day that the clerk has submitted."""
    finance.new_programme(programme, issued=issued, redeemed=redeemed)
    close(clerk, programme, finance.next_morning())
    batch = run_batch(clerk, programme)
    assert take(clerk, batch, "submit").status == 303
    return batch


def test_two_people_settle_a_day_from_its_closing_to_the_banks_answer(
    finance: FinanceCity, clerk: Browser, approver: Browser, tmp_path: Path
) -> None:
    finance.new_programme("WHOLE")
    assert "Close" in next_thing(clerk, "WHOLE")
    day = finance.next_morning()
    page = clerk.get("/finance?programme=WHOLE")
    assert buttons(page)[0] == f"/finance/days/{day.isoformat()}/close?programme=WHOLE"
    assert "is closed" in close(clerk, "WHOLE", day).text
    assert "Run the batch" in next_thing(clerk, "WHOLE")
    batch = run_batch(clerk, "WHOLE")
    assert next_thing(clerk, "WHOLE") == f"Next: Look at {batch} and submit it"
    page = clerk.follow(take(clerk, batch, "submit"))
    assert "Another person decides: hand over" in page.text
    assert buttons(page) == [f"/finance/batches/{batch}/cancel"]
    assert next_thing(approver, "WHOLE") == f"Next: Check {batch} and approve it"
    page = approver.follow(take(approver, batch, "approve"))
    assert "You have approved this batch" in page.text
    assert "CNY 2.88" in page.text, "300 points at 0.0098, less 2 %"
    assert next_thing(clerk, "WHOLE") == f"Next: Instruct the payments of {batch}"
    page = clerk.follow(take(clerk, batch, "instruct"))
    assert buttons(page) == [f"/finance/batches/{batch}/payment-file"]
    file = clerk.get(buttons(page)[0]).response
    assert file.headers["content-disposition"].startswith("attachment")
    assert file.content == clerk.get(buttons(page)[0]).response.content
    with MockBank.start(tmp_path, clock=f"{finance.today.isoformat()}T09:00") as bank:
        bank.add_account("HOUSE", HOUSE["name"], balance_minor=1_000_00)
        bank.send(file.content)
        bank.advance(days=5)
        finance.read_in(bank)
    page = clerk.get(f"/finance/batches/{batch}")
    assert "The bank has confirmed every payment" in page.text
    assert next_thing(clerk, "WHOLE") == f"Next: Close {batch}"
    page = clerk.follow(take(clerk, batch, "close"))
    assert "Done: every payment is confirmed" in page.text
    assert buttons(page) == [f"/finance/batches/{batch}/payment-file"]
    assert finance.office.audit().is_clean


def test_whoever_prepared_a_batch_cannot_approve_it_by_any_form(finance: FinanceCity) -> None:
    both = finance.browser_of("finance-clerk", "finance-approver", sub="both")
    batch = submitted(finance, both, "SECOND")
    asked = both.get(f"/finance/batches/{batch}/approve")
    assert "hand over to an approver" in asked.text
    assert asked.root.one("main").every("form") == []
    fields = both.get(f"/finance/batches/{batch}/cancel").form(f"/finance/batches/{batch}/cancel")
    forged = both.post(f"/finance/batches/{batch}/approve", {**fields, "reason": "mine"})
    assert (forged.status, finance.state_of(batch)) == (409, "submitted")
    assert "another person decides" in forged.text
    assert "Another person decides" in both.get("/finance?programme=SECOND").text


def test_an_auditor_sees_everything_and_can_do_nothing(finance: FinanceCity, clerk: Browser) -> None:
    batch = submitted(finance, clerk, "AUDITED")
    auditor = finance.browser_of("auditor")
    page = auditor.get(f"/finance/batches/{batch}")
    assert (page.status, buttons(page)) == (200, [])
    csrf = auditor.get("/account").form("/sign-out")["csrf"]
    day = finance.today.isoformat()
    for action, fields in (
        (f"/finance/batches/{batch}/approve", {"reason": "x"}),
        (f"/finance/batches/{batch}/cancel", {"reason": "x"}),
        (f"/finance/days/{day}/close", {"programme": "AUDITED"}),
        ("/finance/run", {"programme": "AUDITED"}),
    ):
        page = auditor.get(f"{action}?programme=AUDITED")
        assert len(page.root.every("form")) == 1, "only signing out"
        answer = auditor.post(action, {"csrf": csrf, "key": "forged", **fields})
        assert (answer.status, "Your role looks on here" in answer.text) == (403, True), action
    assert finance.state_of(batch) == "submitted"


def test_others_than_finance_and_forged_forms_change_nothing(finance: FinanceCity, clerk: Browser) -> None:
    batch = submitted(finance, clerk, "FORGED")
    merchant = finance.city.sign_in(to="/account", sub="m", citypoints_roles=["merchant"], citypoints_partner="CAFE")
    for path in ("/finance", "/finance/batches", f"/finance/batches/{batch}", f"/finance/batches/{batch}/cancel"):
        assert merchant.get(path).status == 403, path
    assert merchant.post(f"/finance/batches/{batch}/cancel", {"reason": "x"}).status == 403
    fields = clerk.get(f"/finance/batches/{batch}/cancel").form(f"/finance/batches/{batch}/cancel")
    assert clerk.post(f"/finance/batches/{batch}/cancel", {**fields, "csrf": "0" * 64}).status == 403
    foreign = clerk.post(
        f"/finance/batches/{batch}/cancel", fields, Origin="https://evil.example", Sec_Fetch_Site="cross-site"
    )
    assert (foreign.status, finance.state_of(batch)) == (403, "submitted")
    assert clerk.get("/finance/batches/NONE-20260101-1").status == 404
    assert clerk.get(f"/finance/batches/{batch}/explode").status == 404
    assert clerk.get("/finance/days/2026-13-01/close").status == 404
    assert clerk.get("/finance?programme=NONE").status == 404


def test_a_day_is_refused_before_its_cut_off_and_out_of_order_in_peoples_words(
    finance: FinanceCity, clerk: Browser
) -> None:
    finance.new_programme("ORDER")
    today = finance.today
    action = f"/finance/days/{today.isoformat()}/close"
    page = clerk.send(clerk.get(f"{action}?programme=ORDER"), action)
    assert page.status == 409
    assert "The cut-off has not come" in page.text
    assert "00:00" in page.text
    first = finance.next_morning()
    close(clerk, "ORDER", first)
    finance.next_morning()
    third = finance.next_morning()
    action = f"/finance/days/{third.isoformat()}/close"
    page = clerk.send(clerk.get(f"{action}?programme=ORDER"), action)
    assert (page.status, "Days are closed in order" in page.text) == (409, True)
    again = close(clerk, "ORDER", first)
    assert "is closed" in again.text
    rows = clerk.get("/finance?programme=ORDER").root.one("tbody").every("tr")
    assert ["waits for the day before it" in row.text for row in rows] == [False, True, False, False]


def test_the_same_form_twice_has_one_effect_and_another_text_under_its_key_none(
    finance: FinanceCity, clerk: Browser
) -> None:
    batch = submitted(finance, clerk, "TWICE")
    action = f"/finance/batches/{batch}/cancel"
    fields = {**clerk.get(action).form(action), "reason": "wrong day"}
    assert [clerk.post(action, fields).status for _ in range(2)] == [303, 303]
    other = clerk.post(action, {**fields, "reason": "another reason"})
    assert "This form was sent before" in other.text
    steps = finance.city.ask("select state from settlement_batch_steps where batch = %s", batch)
    assert [state for (state,) in steps].count("cancelled") == 1
    assert "wrong day" in clerk.get(f"/finance/batches/{batch}").text


def test_a_batch_that_was_cancelled_in_between_cannot_be_approved(
    finance: FinanceCity, clerk: Browser, approver: Browser
) -> None:
    batch = submitted(finance, clerk, "BETWEEN")
    action = f"/finance/batches/{batch}/approve"
    opened = approver.get(action)
    assert take(clerk, batch, "cancel", reason="wrong").status == 303
    answer = approver.send(opened, action)
    assert answer.status == 409
    assert "it is “cancelled” now" in answer.text
    assert "it is “cancelled” now" in approver.get(action).text
    assert finance.state_of(batch) == "cancelled"
    again = run_batch(clerk, "BETWEEN")
    assert again == f"{batch[:-1]}2"


def test_two_approvers_at_once_have_one_effect_and_the_slower_is_told(finance: FinanceCity, clerk: Browser) -> None:
    batch = submitted(finance, clerk, "RACE")
    action = f"/finance/batches/{batch}/approve"
    approvers = [finance.browser_of("finance-approver", sub=name) for name in ("li", "zhao")]
    opened = [one.get(action) for one in approvers]
    answers: list[Page] = []
    threads = [
        threading.Thread(target=lambda one=one, page=page: answers.append(one.follow(one.send(page, action))))
        for one, page in zip(approvers, opened, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = sorted("You have approved" in page.text for page in answers)
    assert told == [False, True], [page.text for page in answers]
    assert any("was faster" in page.text for page in answers)
    steps = finance.city.ask("select state from settlement_batch_steps where batch = %s", batch)
    assert [state for (state,) in steps].count("approved") == 1


def test_a_missing_contract_is_named_and_nothing_is_kept(finance: FinanceCity, clerk: Browser) -> None:
    finance.new_programme("NOTERMS", agreed=False)
    close(clerk, "NOTERMS", finance.next_morning())
    page = clerk.send(clerk.get("/finance/run?programme=NOTERMS"), "/finance/run")
    assert page.status == 409
    assert "has no contract" in page.text
    assert "There is no batch yet" in clerk.get("/finance/batches?programme=NOTERMS").text


@pytest.mark.parametrize(("reason", "shown"), [("", ""), ("x" * 201, "x" * 201), ("<script>a</script>\n", "script")])
def test_a_reason_that_is_none_stays_typed_with_a_word_about_it(
    finance: FinanceCity, clerk: Browser, reason: str, shown: str
) -> None:
    programme = f"REASON{len(reason)}"
    batch = submitted(finance, clerk, programme)
    page = take(clerk, batch, "cancel", reason=f"{reason}\u0007" if reason.startswith("<") else reason)
    assert (page.status, finance.state_of(batch)) == (422, "submitted")
    assert "1 to 200 characters" in page.text
    assert shown in page.root.one("input", id="reason").attributes["value"]
    assert "<script>" not in page.html


def test_a_script_in_a_reason_is_shown_as_text(finance: FinanceCity, clerk: Browser) -> None:
    batch = submitted(finance, clerk, "SCRIPT")
    page = clerk.follow(take(clerk, batch, "cancel", reason="<script>alert(1)</script>"))
    assert "<script>alert" not in page.html
    assert "<script>alert(1)</script>" in page.text


def test_accounts_are_whole_for_who_pays_and_masked_for_the_auditor(
    finance: FinanceCity, clerk: Browser, approver: Browser
) -> None:
    batch = submitted(finance, clerk, "MASKED")
    take(approver, batch, "approve")
    assert CAFE_ACCOUNT in clerk.get(f"/finance/batches/{batch}").text
    shown = finance.browser_of("auditor").get(f"/finance/batches/{batch}")
    assert CAFE_ACCOUNT not in shown.html
    assert f"****{CAFE_ACCOUNT[-4:]}" in shown.text


def test_the_review_shows_what_changed_since_the_last_batch_and_what_is_unusual(
    finance: FinanceCity, clerk: Browser, approver: Browser
) -> None:
    first = submitted(finance, clerk, "CHANGED", issued=20_000, redeemed=1_000)
    page = approver.get(f"/finance/batches/{first}")
    assert "first batch of the programme" in page.text
    assert "Nothing stands out" in page.text
    assert [badge.text for badge in page.root.one("section", **{"aria-labelledby": "proofs"}).every("span")][0::2] == [
        "✓ holds"
    ] * 5
    take(approver, first, "approve")
    take(clerk, first, "instruct")
    finance.trade("CHANGED", 100_000, 50_000)
    close(clerk, "CHANGED", finance.next_morning())
    second = run_batch(clerk, "CHANGED")
    page = approver.get(f"/finance/batches/{second}")
    assert f"What changed since {first}" in page.text
    # 1,000 and 50,000 points at 0.0098, less 2 %; BANK also takes none: 20,000 and 100,000 at 0.012.
    [cafe] = [row for row in page.root.every("tr") if "Partner CAFE" in row.text and "%" in row.text]
    assert [cell.text for cell in cafe.every("td")] == ["CNY 9.60", "CNY 480.20", "+CNY 470.60", "+4,902.1%"]
    assert "Partner BANK: −CNY 1,200.00, usually about CNY 240.00" in page.text
    assert "Partner CAFE: CNY 480.20, usually about CNY 9.60" in page.text
    assert len(page.root.one("svg").every("rect")) == 4
    in_chinese = approver.get(f"/preferences?language=zh&to=/finance/batches/{second}")
    assert "¥480.20，平时约 ¥9.60" in approver.follow(in_chinese).text


def test_older_days_and_batches_are_paged(finance: FinanceCity, clerk: Browser, approver: Browser) -> None:
    finance.new_programme("PAGED")
    days = []
    for _ in range(17):
        days.append(finance.next_morning())
        close(clerk, "PAGED", days[-1])
    page = clerk.get("/finance?programme=PAGED")
    shown = [row.one("th").text for row in page.root.one("tbody").every("tr")]
    assert len(shown) == 15
    older = clerk.get(f"/finance?programme=PAGED&before={days[3].isoformat()}")
    assert len(older.root.one("tbody").every("tr")) == 3
    assert not [one for one in older.root.every("h2") if one.attributes.get("id") == "next"]
    assert approver.get("/finance?programme=PAGED&before=nonsense").status == 200
    assert clerk.get("/finance/batches?programme=PAGED&after=NOPE").status == 200


def test_each_partys_statement_comes_from_the_batch_in_the_readers_language(finance: FinanceCity) -> None:
    clerk = finance.browser_of("finance-clerk", sub="wang")
    batch = submitted(finance, clerk, "PARTIES")
    page = clerk.get(f"/finance/batches/{batch}")
    links = [one.attributes["href"] for one in page.root.every("a") if "/statements/" in one.attributes["href"]]
    of_batch = f"/finance/batches/{batch}/statements"
    assert sorted(links) == [f"{of_batch}/{party}/{form}" for party in ("BANK", "CAFE") for form in ("pdf", "xlsx")]
    for link in links:
        party, form = link.rsplit("/", 2)[1:]
        answer = clerk.get(link).response
        assert answer.headers["content-disposition"] == f'attachment; filename="{batch}-{party}.{form}"'
        assert answer.content.startswith(b"%PDF" if form == "pdf" else b"PK")
    titles = []
    for language in ("en", "zh"):
        clerk.get(f"/preferences?language={language}")
        titles.append(clerk.get(f"{of_batch}/CAFE/json").response.json()["title"])
    assert titles == ["Settlement statement", "结算对账单"]
    clerk.get("/preferences?language=en")
    for address in (f"{of_batch}/NOBODY/pdf", f"/finance/batches/{batch}x/statements/CAFE/pdf"):
        assert clerk.get(address).status == 404
    assert clerk.get(f"{of_batch}/CAFE/exe").status == 400
    assert finance.browser_of("operator", sub="chen").get(f"{of_batch}/CAFE/pdf").status == 403
