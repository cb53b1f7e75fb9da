"""The page with a member's code: a new one each time, and what was posted with the last."""

import re

from tests.api.street import Regular
from tests.pages.browsing import Page
from tests.pages.conftest import City


def digits_of(page: Page) -> str:
    """The digits that a page shows."""
    return page.root.one("p", **{"class": "digits"}).text.replace(" ", "")


def new_member(city: City, points: int = 100) -> Regular:
    """A member of the café's with points."""
    member = city.street.new_member()
    member.earn(points).raise_for_status()
    return member


def test_the_page_shows_a_code_that_a_till_can_use(city: City) -> None:
    member = new_member(city)
    page = city.citizen(member).get("/portal/code")
    assert (page.status, page.heading) == (200, "My code")
    assert re.fullmatch(r"[0-9]{20}", digits_of(page))
    assert page.root.one("svg").attributes["aria-label"] == "QR code of the digits below"
    assert page.response.headers["cache-control"] == "no-store"
    assert member.earn(18, member=f"code:{digits_of(page)}", key=city.street.books).status_code == 201


def test_what_was_posted_with_a_code_is_told(city: City) -> None:
    member = new_member(city)
    browser = city.citizen(member)
    page = browser.get("/portal/code")
    assert page.root.one("div", id="code-told").text == ""
    assert browser.get("/portal/code/used").response.json() == {"used": None}
    made = member.redeem(30, member=f"code:{digits_of(page)}", key=city.street.books).json()
    assert browser.get("/portal/code/used").response.json() == {"used": made["id"]}
    told = browser.get("/portal/code").root.one("div", id="code-told").text
    assert "You used 30 points at Partner BOOKS." in told
    assert told.endswith("Available afterwards 70")
    browser.get("/preferences?language=zh")
    assert "您在“Partner BOOKS”使用 30 积分。" in browser.get("/portal/code").root.one("div", id="code-told").text
    stranger = city.citizen(new_member(city))
    assert stranger.get("/portal/code/used").response.json() == {"used": None}


def test_each_look_shows_another_code_and_the_one_before_stays_good(city: City) -> None:
    member = new_member(city)
    browser = city.citizen(member)
    first, second = (digits_of(browser.get("/portal/code")) for _ in range(2))
    assert first != second
    assert member.earn(1, member=f"code:{first}").status_code == 201
    assert member.earn(1, member=f"code:{second}").status_code == 201


def test_without_script_the_page_turns_by_itself_and_ends_after_ten(city: City) -> None:
    browser = city.citizen(new_member(city))
    page = browser.get("/portal/code")
    for turn in range(1, 11):
        refresh = page.root.one("noscript").one("meta").attributes["content"]
        assert refresh == f"60;url=/portal/code?turn={turn}"
        page = browser.get(refresh.partition("url=")[2])
    assert not page.root.every("noscript")
    assert not page.root.every("script")
    assert "This code is the last that came by itself." in page.text


def test_a_frozen_or_closed_account_has_no_code(city: City) -> None:
    member = new_member(city)
    browser = city.citizen(member)
    for status, said in (("frozen", "Your account is frozen"), ("closed", "Your account is closed")):
        city.street.set_status(member.id, status)
        page = browser.get("/portal/code")
        assert page.status == 200
        assert said in page.text
        assert not page.root.every("svg")


def test_only_a_citizen_who_is_signed_in_has_a_code(city: City) -> None:
    assert city.browser().get("/portal/code").status == 303
    merchant = city.sign_in(to="/merchant", sub="m", citypoints_roles=["merchant"], citypoints_partner="CAFE")
    assert merchant.get("/portal/code").status == 403


def test_a_page_that_is_loaded_again_and_again_is_held_up(city: City) -> None:
    browser = city.citizen(new_member(city))
    statuses = [browser.get("/portal/code").status for _ in range(70)]
    assert set(statuses) == {200, 429}
