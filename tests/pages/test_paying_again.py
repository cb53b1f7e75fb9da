"""What came back from the bank is paid again by a form: once, by who settles, to where the party is paid by now."""

import threading
from collections.abc import Iterator

import pytest

from api.pages.finance.payment_texts import PAY_AGAIN
from api.pages.texts import LANGUAGES
from ledger.embedded import EmbeddedPostgres
from tests.pages.browsing import Browser, Page
from tests.pages.city_provider import CityProvider
from tests.pages.finance_city import CAFE_ACCOUNT, HOUSE, FinanceCity, close, finance_city, run_batch, take
from tests.pages.page_rules import refuse_inline, refuse_malformed, refuse_other_language, refuse_without_token
from tests.pages.test_every_page import AREAS
from tests.settlement.mock_bank import MockBank

# What a person wrote stays as it was written.
SHOWN = {**AREAS, "pay-again": {key: texts for key, texts in PAY_AGAIN.items() if key != "again_usual"}}


@pytest.fixture(scope="module")
def finance(postgres: EmbeddedPostgres, migrated_template: str, provider: CityProvider) -> Iterator[FinanceCity]:
    """An office of this file's tests; each brings a programme of its own."""
    with finance_city(postgres, migrated_template, provider, "finance_again") as city:
        yield city


@pytest.fixture(autouse=True)
def _closed_browsers(finance: FinanceCity) -> Iterator[None]:
    yield
    finance.city.close_browsers()


@pytest.fixture
def clerk(finance: FinanceCity) -> Browser:
    return finance.browser_of("finance-clerk", sub="wang")


@pytest.fixture(scope="module")
def bank(finance: FinanceCity, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockBank]:
    """One bank for all tests: another one would name its messages alike."""
    with MockBank.start(tmp_path_factory.mktemp("bank"), clock=f"{finance.today.isoformat()}T09:00") as started:
        started.add_account("HOUSE", HOUSE["name"], balance_minor=1_000_00)
        yield started


def came_back(finance: FinanceCity, clerk: Browser, bank: MockBank, programme: str) -> tuple[str, str]:
    """A batch whose one payment came back, and that payment's id."""
    finance.new_programme(programme)
    close(clerk, programme, finance.next_morning())
    batch = run_batch(clerk, programme)
    take(clerk, batch, "submit")
    take(finance.browser_of("finance-approver", sub="li"), batch, "approve")
    [(payment,)] = finance.city.ask("select end_to_end_id from payments where batch = %s", batch)
    bank.return_later("HOUSE", payment, days=1)
    take(clerk, batch, "instruct")
    bank.send(clerk.get(f"/finance/batches/{batch}/payment-file").response.content)
    bank.advance(days=5)
    finance.read_in(bank)
    return batch, payment


def pay_again(browser: Browser, payment: str, **fields: str) -> Page:
    """Send the form; the answer itself, not where it leads."""
    action = f"/finance/payments/{payment}/again"
    return browser.send(browser.get(action), action, **fields)


def attempts(finance: FinanceCity, batch: str) -> list[tuple[int, str]]:
    """The payments of a batch, by attempt, with their states."""
    return list(finance.city.ask("select attempt, state from payments where batch = %s order by attempt", batch))


def test_a_payment_that_came_back_is_the_next_thing_and_is_paid_again_up_to_the_closed_batch(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "AGAIN")
    first = clerk.get("/finance?programme=AGAIN")
    assert first.root.one("h2", id="next").text == f"Next: A payment of {batch} came back"
    page = clerk.get(f"/finance/batches/{batch}")
    assert "wait to be paid again: 1" in page.text
    form = f"/finance/payments/{payment}/again"
    assert form in page.html
    assert form in clerk.get("/finance/reconciliation?programme=AGAIN").html
    asked = clerk.get(form)
    assert asked.heading == "Pay Partner CAFE again?"
    for said in ("returned", "CNY 2.88", "AC04", CAFE_ACCOUNT, "Attempt 2"):
        assert said in asked.text, said
    page = clerk.follow(pay_again(clerk, payment, reason="the account is right by now"))
    assert "The payment is ordered again" in page.text
    assert "the account is right by now" in page.text
    assert attempts(finance, batch) == [(1, "returned"), (2, "instructed")]
    assert form not in page.html
    bank.behave("HOUSE", "accept")
    bank.send(clerk.get(f"/finance/batches/{batch}/payment-file").response.content)
    bank.advance(days=5)
    finance.read_in(bank)
    assert take(clerk, batch, "close").status == 303
    assert finance.state_of(batch) == "closed"
    assert finance.office.audit().is_clean


def test_two_people_at_once_and_the_same_form_twice_make_one_more_attempt(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "ONCE")
    action = f"/finance/payments/{payment}/again"
    people = [clerk, finance.browser_of("manager", sub="qian")]
    opened = [one.get(action) for one in people]
    answers: list[int] = []
    threads = [
        threading.Thread(target=lambda one=one, page=page: answers.append(one.send(page, action).status))
        for one, page in zip(people, opened, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [303, 303]
    assert clerk.send(opened[0], action).status == 303
    assert attempts(finance, batch) == [(1, "returned"), (2, "instructed")]
    late = clerk.get(action)
    assert "ordered again already" in late.text
    assert late.root.one("main").every("form") == []


def test_who_does_not_settle_and_a_forged_form_order_nothing(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "LOOKING")
    action = f"/finance/payments/{payment}/again"
    fields = clerk.get(action).form(action)
    for role in ("auditor", "finance-approver"):
        reader = finance.browser_of(role, sub=f"{role}-looks")
        page = reader.get(action)
        assert "Your role looks on here" in page.text
        assert page.root.one("main").every("form") == []
        csrf = reader.get("/account").form("/sign-out")["csrf"]
        assert reader.post(action, {**fields, "csrf": csrf, "reason": "x"}).status == 403
    auditor = finance.browser_of("auditor")
    assert CAFE_ACCOUNT not in auditor.get(action).html
    merchant = finance.city.sign_in(to="/account", sub="m", citypoints_roles=["merchant"], citypoints_partner="CAFE")
    assert merchant.get(action).status == 403
    assert clerk.post(action, {**fields, "csrf": "0" * 64}).status == 403
    assert attempts(finance, batch) == [(1, "returned")]


def test_what_did_not_come_back_is_not_paid_again_and_what_is_unknown_is_not_found(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "NOTBACK")
    action = f"/finance/payments/{payment}/again"
    opened = clerk.get(action)
    clerk.send(opened, action)
    newer = f"{payment[:-1]}2"
    page = clerk.get(f"/finance/payments/{newer}/again")
    assert "did not come back" in page.text
    fields = opened.form(action)
    forged = clerk.post(f"/finance/payments/{newer}/again", {**fields, "key": "k" * 24, "reason": "x"})
    assert (forged.status, "did not come back" in forged.text) == (409, True)
    assert clerk.get("/finance/payments/NONE-1/again").status == 404
    assert clerk.get(f"/finance/payments/{'x' * 300}/again").status == 404
    assert attempts(finance, batch) == [(1, "returned"), (2, "instructed")]


def test_a_reason_that_is_none_stays_typed_and_orders_nothing(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "WHY")
    page = pay_again(clerk, payment, reason="x" * 201)
    assert (page.status, "1 to 200 characters" in page.text) == (422, True)
    assert page.root.one("input", id="reason").attributes["value"] == "x" * 201
    assert attempts(finance, batch) == [(1, "returned")]


def test_in_chinese_the_page_and_the_history_are_chinese(finance: FinanceCity, clerk: Browser, bank: MockBank) -> None:
    _, payment = came_back(finance, clerk, bank, "CHINESE")
    clerk.get("/preferences?language=zh")
    asked = clerk.get(f"/finance/payments/{payment}/again")
    assert asked.heading == "重新向 Partner CAFE 付款？"
    page = clerk.follow(pay_again(clerk, payment, reason="账号已核实"))
    for said in ("已重新发起付款", "重新付款", "账号已核实"):
        assert said in page.text, said
    for words in ("retried", "by the bank's files"):
        assert words not in page.text
    clerk.get("/preferences?language=en")


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_the_page_keeps_the_rules_of_every_page_in_each_of_its_states(
    finance: FinanceCity, clerk: Browser, bank: MockBank, language: str
) -> None:
    _, payment = came_back(finance, clerk, bank, f"RULES{language}")
    action = f"/finance/payments/{payment}/again"
    auditor = finance.browser_of("auditor")
    for browser in (clerk, auditor):
        browser.get(f"/preferences?language={language}")
    shown = [clerk.get(action), auditor.get(action), pay_again(clerk, payment, reason="")]
    pay_again(clerk, payment)
    shown += [clerk.get(action), clerk.get(f"/finance/payments/{payment[:-1]}2/again")]
    for page in shown:
        refuse_malformed(action, page, language)
        refuse_inline(action, page)
        refuse_without_token(action, page)
        refuse_other_language(action, page, language, SHOWN)
    clerk.get("/preferences?language=en")


def test_a_batch_whose_only_payment_came_back_after_it_was_confirmed_cannot_be_closed(
    finance: FinanceCity, clerk: Browser, bank: MockBank
) -> None:
    batch, payment = came_back(finance, clerk, bank, "ALL")
    states = finance.city.ask("select state from settlement_batch_steps where batch = %s order by step", batch)
    assert [state for (state,) in states][-2:] == ["confirmed", "partly_confirmed"]
    asked = clerk.get(f"/finance/batches/{batch}/close")
    assert asked.root.one("main").every("form") == []
    assert f"/finance/batches/{batch}/close" not in clerk.get(f"/finance/batches/{batch}").html
    assert pay_again(clerk, payment).status == 303
    assert finance.state_of(batch) == "partly_confirmed"
