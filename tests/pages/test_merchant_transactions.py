"""The merchant console: the day's figures, finding transactions, and one on its own page."""

import re
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.merchants import Shop, open_shop


@pytest.fixture
def shop(city: City) -> Shop:
    return open_shop(city)


def find(browser: Browser, query: str) -> Page:
    return browser.get("/merchant/transactions", params={"q": query})


def figures(page: Page) -> dict[str, str]:
    rows = [one for one in page.root.one("dl", **{"class": "figures"}).inside if one.tag == "div"]
    return {row.one("dt").text: row.every("dd")[0].text for row in rows}


def test_a_day_without_anything_says_so(shop: Shop) -> None:
    page = shop.browser.get("/merchant")
    assert page.heading == "Today"
    assert set(figures(page).values()) == {"0"}
    assert "Nothing was posted today so far" in page.text


def test_the_days_figures_are_of_the_partner_alone_and_stand_in_chart_and_table(city: City, shop: Shop) -> None:
    member, other = shop.regular(), city.street.new_member()
    earned = member.spend("200.00").raise_for_status().json()["id"]
    member.redeem(40).raise_for_status()
    member.reverse(earned, points=10).raise_for_status()
    other.earn(7777).raise_for_status()
    page = shop.browser.get("/merchant")
    assert figures(page) == {
        "Points issued": "200",
        "Points accepted": "40",
        "Points reversed": "10",
        "Transactions": "3",
    }
    hours, latest = page.root.every("table")
    [row] = hours.one("tbody").every("tr")
    assert [cell.text for cell in row.every("td")] == ["200", "40", "10", "3"]
    assert len(page.root.one("svg").every("rect")) == 1
    assert len(latest.one("tbody").every("tr")) == 3
    assert "7,777" not in page.html


def test_a_programme_that_the_partner_is_not_in_is_not_there(city: City, shop: Shop) -> None:
    city.service.add_programme(f"P{uuid4().hex[:8].upper()}")
    assert shop.browser.get("/merchant?programme=CITY").status == 200
    assert shop.browser.get("/merchant?programme=NONE").status == 404


def test_a_partner_of_two_programmes_sees_each_by_itself(city: City) -> None:
    second = f"P{uuid4().hex[:8].upper()}"
    city.service.add_programme(second)
    shop = open_shop(city, "CITY", second)
    shop.regular().earn(9).raise_for_status()
    for programme, points in (("CITY", "9"), (second, "0")):
        page = shop.browser.get(f"/merchant?programme={programme}")
        assert figures(page)["Points issued"] == points
        links = page.root.one("nav", **{"aria-label": "Programme"}).every("a")
        assert [link.text for link in links if "aria-current" in link.attributes] == [programme]


@pytest.mark.parametrize("by", ["reference", "key", "id"])
def test_a_transaction_is_found_by_what_the_partner_calls_it(shop: Shop, by: str) -> None:
    reference, key = f"订单 {uuid4().hex}", uuid4().hex
    posted = shop.regular().earn(12, reference=reference, idempotency_key=key, outlet="WEST-1").raise_for_status()
    query = {"reference": reference, "key": key, "id": posted.json()["id"]}[by]
    page = find(shop.browser, f"  {query} ")
    [row] = page.root.one("tbody").every("tr")
    assert [cell.text for cell in row.every("td")] == ["Points issued", "12", "WEST-1", "Food", "CITY"]
    link = row.one("th").one("a").attributes["href"]
    assert link == f"/merchant/transactions/{posted.json()['id']}"
    assert shop.browser.get(link).heading == "Points issued · 12"


def test_another_partners_transaction_is_nowhere(city: City, shop: Shop) -> None:
    reference, key = uuid4().hex, uuid4().hex
    posted = city.street.new_member().earn(12, reference=reference, idempotency_key=key).raise_for_status().json()
    for query in (reference, key, posted["id"], f"ref:{reference}"):
        page = find(shop.browser, query)
        assert (page.status, "Nothing of yours" in page.text) == (200, True)
        assert not page.root.every("table")
    for path in ("", "/reversal"):
        assert shop.browser.get(f"/merchant/transactions/{posted['id']}{path}").status == 404
        assert shop.browser.get(f"/merchant/transactions/{uuid4()}{path}").status == 404
    assert posted["id"] not in shop.browser.get("/merchant/transactions").html


def test_a_key_whose_request_was_refused_says_why_in_both_languages(shop: Shop) -> None:
    key = uuid4().hex
    assert shop.regular().redeem(5, idempotency_key=key).status_code == 409
    assert "fewer points available" in find(shop.browser, key).root.one("p", role="status").text
    shop.browser.get("/preferences?language=zh")
    assert "会员可用积分不足" in find(shop.browser, key).root.one("p", role="status").text


@pytest.mark.parametrize("query", ["x" * 5000, "\x00", "%00", "'; drop table transactions; --", "é\u202e", "\ud7ff"])
def test_whatever_is_searched_for_finds_nothing_and_breaks_nothing(shop: Shop, query: str) -> None:
    page = find(shop.browser, query)
    assert page.status == 200
    assert not page.root.every("table")


def test_a_script_in_the_search_or_a_reference_stays_text(shop: Shop) -> None:
    script = "<script>alert(1)</script>"
    shop.regular().earn(3, reference=script).raise_for_status()
    page = find(shop.browser, script)
    assert len(page.root.one("tbody").every("tr")) == 1
    assert "<script>" not in page.html
    assert page.root.one("input", id="q").attributes["value"] == script


def test_the_list_goes_page_by_page_and_misses_and_repeats_nothing(shop: Shop) -> None:
    members = [shop.regular() for _ in range(5)]
    posted = [members[number % 5].earn(number + 1).raise_for_status().json()["id"] for number in range(43)]
    seen: list[str] = []
    page = shop.browser.get("/merchant/transactions")
    while True:
        seen += re.findall(r'href="/merchant/transactions/([0-9a-f-]{36})"', page.html)
        following = [a for a in page.root.one("main").every("a") if a.text == "Older"]
        if not following:
            break
        page = shop.browser.get(following[0].attributes["href"])
    assert seen == posted[::-1]
    assert [a.text for a in page.root.one("main").every("a") if a.text == "Newest"]


def test_a_cursor_of_another_partner_or_an_altered_one_is_refused(city: City, shop: Shop) -> None:
    member = shop.regular()
    for number in range(21):
        member.earn(number + 1).raise_for_status()
    page = shop.browser.get("/merchant/transactions")
    [link] = [a.attributes["href"] for a in page.root.one("main").every("a") if a.text == "Older"]
    assert shop.browser.get(link).status == 200
    assert open_shop(city).browser.get(link).status == 400
    assert shop.browser.get(link + "A").status == 400


def test_a_day_shows_what_was_posted_on_it(shop: Shop) -> None:
    shop.regular().earn(5).raise_for_status()
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date().isoformat()
    page = shop.browser.get(f"/merchant/transactions?day={today}")
    assert len(page.root.one("tbody").every("tr")) == 1
    page = shop.browser.get("/merchant/transactions?day=2020-01-01")
    assert "Nothing was posted in this time" not in page.text or not page.root.every("table")
    for wrong in ("2026-13-01", "yesterday", "0001-01-01", "9999-12-31"):
        page = shop.browser.get(f"/merchant/transactions?day={wrong}")
        assert page.status == 422
        assert "Wanted is a day" in page.text


def test_a_transactions_page_tells_nothing_of_the_member(shop: Shop) -> None:
    member = shop.regular()
    posted = member.spend("80.00", channel="pos", outlet="EAST").raise_for_status().json()
    page = shop.browser.get(f"/merchant/transactions/{posted['id']}")
    for word in ("CNY 80.00", "EAST", "Till", "Food", "Posted"):
        assert word in page.text
    assert member.id not in page.html
    assert member.card.removeprefix("card:") not in page.html
    assert "available" not in page.text.lower()
