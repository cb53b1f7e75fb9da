"""A citizen closes its own account and has itself erased."""

import time

import pytest

from tests.api.street import Regular
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City

PAGE = "/portal/data/erasure"
FORGOTTEN_WITHIN_SECONDS = 10


@pytest.fixture
def member(city: City) -> Regular:
    """A member with points and with a text that only it has."""
    member = city.street.new_member()
    member.earn(30, scene="food", reference="receipt of the member").raise_for_status()
    return member


@pytest.fixture
def browser(city: City, member: Regular) -> Browser:
    """A browser in which the member is signed in."""
    return city.citizen(member)


def erase(browser: Browser, **changes: str) -> Page:
    return browser.send(browser.get(PAGE), PAGE, **changes)


def wait_until_unknown(city: City, member: Regular) -> None:
    """The other process of the service remembers who is called so for about a second."""
    deadline = time.monotonic() + FORGOTTEN_WITHIN_SECONDS
    while city.service.get(f"/v1/members/{member.ref}", key=member.key).status_code != 404:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status_of(city: City, member: Regular) -> str:
    return str(city.service.get(f"/v1/members/{member.id}").raise_for_status().json()["status"])


def test_an_account_is_closed_and_erased_and_everybody_is_signed_out(
    city: City, member: Regular, browser: Browser
) -> None:
    elsewhere = city.citizen(member)
    page = browser.get(PAGE)
    assert "Points that you give up · CITY 30" in page.text
    page = browser.send(page, PAGE)
    assert page.location == "/sign-in?notice=erased"
    assert "everything that said who you are is erased" in browser.follow(page).text
    assert (browser.cookie("session"), city.sessions(member.id)) == (None, 0)
    assert elsewhere.get("/portal").status == 303
    assert status_of(city, member) == "closed"
    wait_until_unknown(city, member)
    proofs = city.ask("select erased_by, reason from erasures where public_id = %s", member.id)
    assert proofs == [("member", "member-asked")]
    texts = city.ask(
        "select count(*) from details d join transactions t using (lane, sequence)"
        " join members m on m.lane = t.lane and m.member = t.member where m.public_id = %s",
        member.id,
    )
    assert texts == [(0,)]


@pytest.mark.parametrize("sure", ["", "no"])
def test_without_the_tick_nothing_is_done(city: City, member: Regular, browser: Browser, sure: str) -> None:
    page = erase(browser, sure=sure)
    assert (page.status, page.root.one("p", role="alert").text[:16]) == (422, "Nothing was done")
    assert status_of(city, member) == "active"


def test_what_is_held_is_settled_first(city: City, member: Regular, browser: Browser) -> None:
    hold = member.hold(10, scene="housing").raise_for_status().json()["id"]
    page = erase(browser)
    assert (page.status, page.root.one("p", role="alert").text[:8]) == (422, "Not yet:")
    assert (status_of(city, member), city.sessions(member.id)) == ("active", 1)
    city.street.void(hold, member.key, reason="cancelled").raise_for_status()
    assert erase(browser).location == "/sign-in?notice=erased"


def test_an_erasure_that_was_cut_short_after_closing_goes_on(city: City, member: Regular, browser: Browser) -> None:
    page = browser.get(PAGE)
    city.street.close(member.id)
    assert browser.send(page, PAGE).location == "/sign-in?notice=erased"


def test_another_sites_form_erases_nobody(city: City, member: Regular, browser: Browser) -> None:
    fields = browser.get(PAGE).form(PAGE)
    assert browser.post(PAGE, fields, Origin="https://evil.example").status == 403
    assert browser.post(PAGE, {**fields, "csrf": "0" * 64}).status == 403
    assert status_of(city, member) == "active"
