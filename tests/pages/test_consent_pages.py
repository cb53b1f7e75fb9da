"""Consents by form: what is given is in force at once, and so is its end."""

from uuid import uuid4

import pytest

from tests.api.street import Regular
from tests.pages.browsing import Browser, Element, Page
from tests.pages.conftest import City


@pytest.fixture
def member(city: City) -> Regular:
    member = city.street.new_member()
    member.earn(12, scene="food").raise_for_status()
    return member


@pytest.fixture
def browser(city: City, member: Regular) -> Browser:
    return city.citizen(member)


def give(browser: Browser, purpose: str, partner: str = "") -> Page:
    return browser.send(browser.get("/portal/consents"), "/portal/consents", purpose=purpose, partner=partner)


def consents(page: Page) -> list[Element]:
    return [item for ul in page.root.every("ul") if ul.attributes.get("class") == "consents" for item in ul.inside]


def test_a_consent_opens_the_balance_to_its_partner_until_it_is_ended(
    city: City, member: Regular, browser: Browser
) -> None:
    path = f"/v1/members/{member.ref}/balances?programme=CITY"
    assert city.service.get(path, key=member.key).status_code == 403
    page = browser.follow(give(browser, "balance", "CAFE"))
    [consent] = consents(page)
    assert consent.text.startswith("May read my balance without asking each time · Partner CAFE given on ")
    assert city.service.get(path, key=member.key).json()["available"] == 12
    [form] = [form for form in page.root.every("form") if form.attributes["action"].endswith("/revocation")]
    page = browser.follow(browser.send(page, form.attributes["action"]))
    assert city.service.get(path, key=member.key).status_code == 403
    [ended] = consents(page)
    assert "ended on" in ended.text
    assert browser.send(page, "/sign-out").status == 303


def test_a_consent_that_is_given_twice_stands_once(browser: Browser) -> None:
    give(browser, "offers")
    page = browser.follow(give(browser, "offers"))
    assert len(consents(page)) == 1


@pytest.mark.parametrize(
    ("purpose", "partner"), [("balance", ""), ("balance", "NOBODY"), ("guardian", ""), ("", ""), ("everything", "CAFE")]
)
def test_a_form_that_names_no_consent_gives_none(browser: Browser, purpose: str, partner: str) -> None:
    page = give(browser, purpose, partner)
    assert page.status == 422
    assert page.root.one("p", role="alert").text.startswith("Choose what you agree to")
    assert consents(browser.get("/portal/consents")) == []


def test_a_child_needs_a_guardian_first(city: City) -> None:
    reference = uuid4().hex
    body = {"reference": reference, "birth_year": 2020}
    answer = city.service.post("/v1/members", body, key=city.street.cafe).raise_for_status().json()
    browser = city.sign_in(citypoints_roles=["citizen"], citypoints_member=answer["id"])
    assert "a guardian must agree" in give(browser, "offers").root.one("p", role="alert").text


def test_a_closed_account_consents_to_nothing_more(city: City, member: Regular, browser: Browser) -> None:
    city.street.close(member.id)
    assert "Your account is closed" in give(browser, "offers").root.one("p", role="alert").text
    assert "Your account is closed" in browser.get("/portal").text


def test_nobody_ends_another_members_consent(city: City, browser: Browser) -> None:
    other = city.citizen(city.street.new_member())
    page = other.follow(give(other, "offers"))
    [form] = [form for form in page.root.every("form") if form.attributes["action"].endswith("/revocation")]
    fields = browser.get("/portal/consents").form("/sign-out")
    for action in (form.attributes["action"], "/portal/consents/nonsense/revocation"):
        answer = browser.post(action, fields)
        assert (answer.status, answer.heading) == (404, "There is nothing here")
    [consent] = consents(other.get("/portal/consents"))
    assert "ended on" not in consent.text


def test_erasing_a_member_ends_its_sessions(city: City, member: Regular, browser: Browser) -> None:
    city.street.close(member.id)
    assert browser.get("/portal").status == 200
    city.service.post(f"/v1/members/{member.id}/erasure", {"reason": "member-asked"}).raise_for_status()
    assert browser.get("/portal").status == 303
    assert city.sessions(member.id) == 0
