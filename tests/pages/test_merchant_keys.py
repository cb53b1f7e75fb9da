"""The merchant console: API keys, shown once, replaced and ended by their partner alone."""

import re
import time
from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.merchants import Shop, open_shop

KEY = re.compile(r"cpk_[0-9a-f]{16}_[0-9a-f]{64}")


@pytest.fixture
def shop(city: City) -> Shop:
    return open_shop(city)


def make(browser: Browser, lifetime: str = "90") -> Page:
    return browser.send(browser.get("/merchant/keys"), "/merchant/keys", lifetime=lifetime)


def shown_key(page: Page) -> str:
    [key] = KEY.findall(page.html)
    return str(key)


def prefix_of(key: str) -> str:
    return key.split("_")[1]


def is_good(city: City, key: str) -> bool:
    return city.service.get("/v1/events", key=key).status_code == 200


def until_refused(city: City, key: str) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not is_good(city, key):
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize("lifetime", ["90", "365", "none"])
def test_a_key_is_made_shown_once_and_works(city: City, shop: Shop, lifetime: str) -> None:
    page = make(shop.browser, lifetime)
    assert (page.status, page.heading) == (200, "Your new key")
    assert page.response.headers["cache-control"] == "no-store"
    key = shown_key(page)
    assert is_good(city, key)
    listed = shop.browser.get("/merchant/keys")
    assert prefix_of(key) in listed.html
    assert not KEY.findall(listed.html)
    [row] = [one for one in listed.root.one("tbody").every("tr") if prefix_of(key) in one.text]
    assert row.every("td")[0].text == "In use"
    assert (row.every("td")[2].text == "until it is ended") == (lifetime == "none")


def test_loading_the_answer_again_makes_no_other_key_and_shows_none(shop: Shop) -> None:
    fields = shop.browser.get("/merchant/keys").form("/merchant/keys")
    first = shop.browser.post("/merchant/keys", fields)
    before = shop.browser.get("/merchant/keys").html.count("<tr>")
    again = shop.browser.post("/merchant/keys", fields)
    assert (again.status, again.heading) == (200, "This key was made already")
    assert not KEY.findall(again.html)
    assert prefix_of(shown_key(first)) in again.html
    assert shop.browser.get("/merchant/keys").html.count("<tr>") == before


@pytest.mark.parametrize(("overlap", "old_works"), [("86400", True), ("0", False)])
def test_a_key_is_replaced_and_the_old_one_works_on_as_long_as_asked(
    city: City, shop: Shop, overlap: str, old_works: bool
) -> None:
    old = shown_key(make(shop.browser))
    path = f"/merchant/keys/{prefix_of(old)}/replacement"
    fields = {**shop.browser.get(path).form(path), "overlap": overlap}
    new = shown_key(shop.browser.post(path, fields))
    assert is_good(city, new)
    assert until_refused(city, old) != old_works
    again = shop.browser.post(path, fields)
    assert again.heading == "This key was made already"
    assert not KEY.findall(again.html)


def test_a_key_is_ended_only_after_the_question(city: City, shop: Shop) -> None:
    key = shown_key(make(shop.browser))
    path = f"/merchant/keys/{prefix_of(key)}/end"
    page = shop.browser.get(path)
    assert page.heading == "End this key?"
    assert is_good(city, key)
    listed = shop.browser.follow(shop.browser.send(page, path))
    assert listed.root.one("p", role="status").text == "The key is ended."
    assert until_refused(city, key)
    assert shop.browser.send(page, path).status == 303, "again changes nothing"


def test_another_partners_or_a_persons_key_cannot_be_seen_replaced_or_ended(city: City, shop: Shop) -> None:
    token = shop.browser.get("/merchant/keys").form("/merchant/keys")
    for foreign in (open_shop(city).key, city.service.operator_key):
        prefix = prefix_of(foreign)
        assert prefix not in shop.browser.get("/merchant/keys").html
        for what in ("replacement", "end"):
            path = f"/merchant/keys/{prefix}/{what}"
            assert shop.browser.get(path).status == 404
            page = shop.browser.post(path, {**token, "overlap": "0", "key": uuid4().hex})
            assert (page.status, KEY.findall(page.html)) == (404, [])
        assert is_good(city, foreign)
    for prefix in ("x", "%00", "0" * 5000, "é"):
        assert shop.browser.get(f"/merchant/keys/{prefix}/end").status == 404


def test_no_field_makes_a_key_of_somebody_else(city: City, shop: Shop) -> None:
    fields = shop.browser.get("/merchant/keys").form("/merchant/keys")
    page = shop.browser.post(
        "/merchant/keys", {**fields, "partner": "CAFE", "staff": "me", "roles": "operator", "prefix": "x"}
    )
    key = shown_key(page)
    owners = city.ask(
        "select p.code, c.staff_name, c.roles from credentials c join partners p using (partner) where c.prefix = %s",
        prefix_of(key),
    )
    assert owners == [(shop.code, None, [])]


@pytest.mark.parametrize("lifetime", ["", "0", "-1", "99999", "ninety"])
def test_a_lifetime_that_is_none_of_the_choices_makes_nothing(shop: Shop, lifetime: str) -> None:
    page = make(shop.browser, lifetime)
    assert (page.status, "Choose one of the possibilities." in page.text) == (422, True)


def test_a_forged_form_makes_and_ends_nothing(city: City, shop: Shop) -> None:
    fields = shop.browser.get("/merchant/keys").form("/merchant/keys")
    assert shop.browser.post("/merchant/keys", {**fields, "csrf": "0" * 64}).status == 403
    prefix = prefix_of(shop.key)
    assert shop.browser.post(f"/merchant/keys/{prefix}/end", {"csrf": "x"}).status == 403
    assert city.browser().post("/merchant/keys", fields).status == 401
    assert is_good(city, shop.key)


def test_a_key_shown_on_a_page_is_not_in_the_log_nor_in_the_database(city: City, shop: Shop) -> None:
    key = shown_key(make(shop.browser))
    assert key not in city.service.log()
    kept = city.ask("select answer from idempotency_keys where answer is not null")
    assert not [one for (one,) in kept if key.encode() in bytes(one)]
