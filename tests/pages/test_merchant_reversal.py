"""The merchant console: reversing a transaction, checked first, then posted once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.pages.browsing import Page
from tests.pages.conftest import City
from tests.pages.merchants import Shop, open_shop


@pytest.fixture
def shop(city: City) -> Shop:
    return open_shop(city)


def form_of(shop: Shop, transaction: str) -> Page:
    return shop.browser.get(f"/merchant/transactions/{transaction}/reversal")


def check(shop: Shop, transaction: str, **fields: str) -> Page:
    action = f"/merchant/transactions/{transaction}/reversal/check"
    return shop.browser.send(form_of(shop, transaction), action, **{"reason": "returned", **fields})


def confirm(shop: Shop, transaction: str, page: Page) -> Page:
    return shop.browser.send(page, f"/merchant/transactions/{transaction}/reversal")


def read(shop: Shop, transaction: str) -> dict[str, Any]:
    answer = shop.city.service.get(f"/v1/transactions/{transaction}", key=shop.key).raise_for_status()
    return dict(answer.json())


@pytest.mark.parametrize(
    ("fields", "points", "state"),
    [
        ({"extent": "all"}, "90", "Reversed"),
        ({"extent": "points", "points": "1,0"}, "10", "Reversed in part"),
        ({"extent": "spend", "spend": "45.00"}, "45", "Reversed in part"),
    ],
)
def test_it_is_checked_then_posted_and_said(shop: Shop, fields: dict[str, str], points: str, state: str) -> None:
    posted = shop.regular().spend("90.00").raise_for_status().json()["id"]
    page = check(shop, posted, **fields)
    assert (page.status, page.heading) == (200, "Is this right?")
    assert f"Points that are reversed {points}" in page.text
    assert not read(shop, posted).get("reversed_by"), "checking posts nothing"
    done = shop.browser.follow(confirm(shop, posted, page))
    assert done.heading == f"Reversal · {points}"
    assert done.root.one("p", role="status").text == "The reversal is posted."
    original = shop.browser.get(f"/merchant/transactions/{posted}")
    assert original.root.one("span", **{"class": "badge warn"}).text == state
    [reversal] = read(shop, posted)["reversed_by"]
    assert reversal in original.html


def test_a_form_that_is_sent_twice_or_at_once_reverses_once(shop: Shop) -> None:
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    fields = check(shop, posted, extent="points", points="10").form(f"/merchant/transactions/{posted}/reversal")
    action = f"/merchant/transactions/{posted}/reversal"
    with ThreadPoolExecutor(4) as executor:
        pages = list(executor.map(lambda _: shop.browser.post(action, fields), range(4)))
    assert {page.status for page in pages} == {303}
    assert len({page.location for page in pages}) == 1
    assert len(read(shop, posted)["reversed_by"]) == 1


def test_two_tabs_reverse_twice_only_as_far_as_there_is_something(shop: Shop) -> None:
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    first, second = (check(shop, posted, extent="points", points="30") for _ in range(2))
    assert confirm(shop, posted, first).status == 303
    page = confirm(shop, posted, second)
    assert (page.status, page.root.one("p", role="alert").text) == (422, "That is more than what is not reversed yet.")
    assert "20" in page.root.one("strong").text


def test_a_key_cannot_be_used_for_another_reversal(shop: Shop) -> None:
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    page = check(shop, posted, extent="points", points="10")
    confirm(shop, posted, page)
    page = shop.browser.send(page, f"/merchant/transactions/{posted}/reversal", points="20")
    assert page.status == 422
    assert "used for another reversal" in page.root.one("p", role="alert").text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"extent": "points", "points": "0"}, "Wanted is a whole number above zero."),
        ({"extent": "points", "points": "１０"}, "Wanted is a whole number above zero."),
        ({"extent": "points", "points": "9" * 40}, "Wanted is a whole number above zero."),
        ({"extent": "spend", "spend": "1.005"}, "Wanted is an amount above zero"),
        ({"extent": "spend", "spend": "-3"}, "Wanted is an amount above zero"),
        ({"extent": "nothing"}, "Choose how much is reversed."),
        ({"extent": "all", "reason": "  "}, "Say why"),
        ({"extent": "all", "reason": "x" * 201}, "Say why"),
        ({"extent": "all", "reason": "a\nb"}, "Say why"),
    ],
)
def test_what_cannot_be_used_is_said_at_its_field_and_kept(shop: Shop, fields: dict[str, str], said: str) -> None:
    posted = shop.regular().spend("90.00").raise_for_status().json()["id"]
    page = check(shop, posted, **fields)
    assert page.status == 422
    assert said in page.text
    for name in {"points", "spend"} & set(fields):
        assert page.root.one("input", id=name).attributes["value"] == fields[name]
    action = f"/merchant/transactions/{posted}/reversal"
    whole = {"extent": "all", "reason": "returned", "points": "", "spend": "", **fields}
    direct = shop.browser.post(action, {**form_of(shop, posted).form(f"{action}/check"), **whole, "key": uuid4().hex})
    assert direct.status == 422
    assert not read(shop, posted).get("reversed_by")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_refusal_is_said_in_both_languages(shop: Shop, language: str) -> None:
    shop.browser.get(f"/preferences?language={language}")
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    page = check(shop, posted, extent="points", points="51")
    said = {"en": "That is more than what is not reversed yet.", "zh": "超出该交易尚可冲正的部分。"}[language]
    assert (page.status, page.root.one("p", role="alert").text) == (422, said)


def test_what_is_reversed_or_is_a_reversal_offers_none(shop: Shop) -> None:
    member = shop.regular()
    posted = member.earn(50).raise_for_status().json()["id"]
    reversal = member.reverse(posted).raise_for_status().json()["id"]
    for one in (posted, reversal):
        page = shop.browser.get(f"/merchant/transactions/{one}")
        assert "reversal" not in {a.attributes["href"].rpartition("/")[2] for a in page.root.every("a")}
        assert form_of(shop, one).status == 303


def test_another_partners_transaction_cannot_be_reversed_by_any_form(city: City, shop: Shop) -> None:
    member = city.street.new_member()
    posted = member.earn(50).raise_for_status().json()["id"]
    own = shop.regular().earn(50).raise_for_status().json()["id"]
    page = check(shop, own, extent="all")
    fields = page.form(f"/merchant/transactions/{own}/reversal")
    for path in ("reversal", "reversal/check"):
        answer = shop.browser.post(f"/merchant/transactions/{posted}/{path}", fields)
        assert (answer.status, answer.heading) == (404, "There is nothing here")
    smuggled = shop.browser.post(
        f"/merchant/transactions/{own}/reversal", {**fields, "transaction": posted, "partner": "CAFE"}
    )
    assert smuggled.status == 303
    answer = city.service.get(f"/v1/transactions/{posted}", key=city.street.cafe).json()
    assert not answer.get("reversed_by")


def test_a_forged_form_reverses_nothing(city: City, shop: Shop) -> None:
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    action = f"/merchant/transactions/{posted}/reversal"
    fields = check(shop, posted, extent="all").form(action)
    other = open_shop(city).browser
    stolen = other.get("/merchant").form("/sign-out")["csrf"]
    assert shop.browser.post(action, {**fields, "csrf": stolen}).status == 403
    assert shop.browser.post(action, {**fields, "csrf": ""}).status == 403
    assert shop.browser.post(action, fields, Origin="https://evil.example").status == 403
    assert city.citizen(city.street.new_member()).post(action, fields).status == 403
    assert city.browser().post(action, fields).status == 401
    assert not read(shop, posted).get("reversed_by")


def test_a_script_in_the_reason_stays_text(shop: Shop) -> None:
    posted = shop.regular().earn(50).raise_for_status().json()["id"]
    page = check(shop, posted, extent="all", reason="<script>alert(1)</script>")
    assert "<script>alert" not in page.html
    assert "<script>alert(1)</script>" in page.text
    assert confirm(shop, posted, page).status == 303
