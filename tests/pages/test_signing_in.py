"""Signing in: who the provider's token names gets a session, and every other end leaves nothing behind."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from joserfc.jwk import RSAKey

from tests.pages.browsing import Page
from tests.pages.city_provider import CityProvider
from tests.pages.conftest import City, state_in

NOBODY = "01a22bf4-4550-801b-8000-000016f0761c"
"""An id such as members have, which none has."""


def new_subject() -> str:
    return f"subject-{uuid4()}"


def test_a_citizen_who_opens_a_page_signs_in_and_comes_back_to_it(city: City) -> None:
    member = city.street.new_member()
    browser = city.browser()
    page = browser.get("/portal/statement?scene=food")
    assert (page.status, page.location) == (303, "/sign-in?to=%2Fportal%2Fstatement%3Fscene%3Dfood")
    page = browser.follow(page)
    assert page.heading == "Sign in"
    start = page.root.one("a", role="button").attributes["href"]
    page = browser.get(start)
    address = page.location
    query = httpx.URL(address).params
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{city.service.base_url}/sign-in/callback"
    assert query["scope"] == "openid"
    page = city.finish(browser, address, citypoints_roles=["citizen"], citypoints_member=member.id)
    assert (page.status, page.location) == (303, "/portal/statement?scene=food")
    assert browser.follow(page).heading == "Statement"


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_the_pending_one_goes(city: City) -> None:
    browser = city.browser()
    address = city.begin(browser)
    page = city.finish(browser, address, sub=new_subject(), citypoints_roles=["operator"])
    session, pending = page.response.headers.get_list("set-cookie")
    assert re.fullmatch(r"session=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=43200; Path=/; SameSite=lax", session), session
    assert pending.startswith('sign-in=""; HttpOnly; Max-Age=0;')
    assert browser.cookie("sign-in") is None


def test_the_database_holds_neither_the_secret_nor_a_name(city: City) -> None:
    subject = new_subject()
    browser = city.sign_in(to=None, sub=subject, citypoints_roles=["finance-clerk", "auditor", "cleaner"])
    [row] = city.ask("select row_to_json(sessions)::text, roles from sessions where person = %s", subject)
    assert row[1] == ["finance-clerk", "auditor"]
    assert str(browser.cookie("session")) not in row[0]
    assert "Wang" not in row[0]
    assert "city.example" not in row[0]


@pytest.mark.parametrize(
    ("claims", "shown"),
    [
        ({"citypoints_roles": ["operator"]}, "staff Roles operator"),
        ({"citypoints_roles": ["finance-approver", "manager"]}, "staff Roles second approver, manager"),
        ({"citypoints_roles": ["merchant"], "citypoints_partner": "CAFE"}, "merchant Partner Partner CAFE"),
    ],
)
def test_staff_and_merchants_sign_in_and_see_who_they_are(city: City, claims: dict[str, Any], shown: str) -> None:
    browser = city.sign_in(to="/account", sub=new_subject(), **claims)
    assert f"Signed in as {shown}" in browser.get("/account").text


def test_who_is_several_is_signed_in_as_the_page_needs(city: City) -> None:
    member = city.street.new_member()
    claims = {
        "citypoints_roles": ["citizen", "merchant", "support"],
        "citypoints_partner": "CAFE",
        "citypoints_member": member.id,
    }
    assert city.sign_in(to="/portal", **claims).get("/portal").status == 200
    assert "Signed in as staff" in city.sign_in(to="/account", **claims).get("/account").text


def test_signing_in_changes_the_session_and_ends_the_former(city: City) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    former = str(browser.cookie("session"))
    page = city.finish(browser, city.begin(browser), citypoints_roles=["citizen"], citypoints_member=member.id)
    assert page.status == 303
    assert browser.cookie("session") != former
    assert city.sessions(member.id) == 1
    stale = city.browser()
    stale.client.cookies.set("session", former)
    assert stale.get("/portal").status == 303


def test_a_planted_session_is_no_session_and_does_not_become_one(city: City) -> None:
    member = city.street.new_member()
    browser = city.browser()
    planted = "A" * 43
    browser.client.cookies.set("session", planted, domain="127.0.0.1", path="/")
    assert browser.get("/portal").status == 303
    city.finish(browser, city.begin(browser), citypoints_roles=["citizen"], citypoints_member=member.id)
    attacker = city.browser()
    attacker.client.cookies.set("session", planted)
    assert attacker.get("/portal").status == 303


def _failed(page: Page, status: int, sentence: str) -> None:
    assert page.status == status, page.html
    assert page.heading == "You are not signed in"
    assert sentence in page.text
    assert not any("session=" in cookie for cookie in page.response.headers.get_list("set-cookie"))


@pytest.mark.parametrize(
    ("claims", "status", "sentence"),
    [
        ({"aud": "another client"}, 400, "could not be trusted"),
        ({"aud": ["city points", "another client"]}, 400, "could not be trusted"),
        ({"azp": "another client"}, 400, "could not be trusted"),
        ({"iss": "https://elsewhere.example"}, 400, "could not be trusted"),
        ({"exp": 1_700_000_000}, 400, "could not be trusted"),
        ({"exp": None}, 400, "could not be trusted"),
        ({"iat": None}, 400, "could not be trusted"),
        ({"nonce": "of another sign-in"}, 400, "could not be trusted"),
        ({"nonce": None}, 400, "could not be trusted"),
        ({"sub": None}, 400, "could not be trusted"),
        ({"sub": "x" * 256}, 400, "could not be trusted"),
        ({"citypoints_roles": None}, 403, "no role in this service"),
        ({"citypoints_roles": "operator"}, 403, "no role in this service"),
        ({"citypoints_roles": ["king", 7]}, 403, "no role in this service"),
        ({"citypoints_roles": ["citizen"]}, 403, "linked to no member"),
        ({"citypoints_roles": ["citizen"], "citypoints_member": "ref:guest-1"}, 403, "linked to no member"),
        (
            {"citypoints_roles": ["citizen"], "citypoints_member": "01a22bf4-4550-801b-8000-000016f0761c"},
            403,
            "linked to no member",
        ),
        ({"citypoints_roles": ["merchant"]}, 403, "linked to no partner"),
        ({"citypoints_roles": ["merchant"], "citypoints_partner": "NOBODY"}, 403, "linked to no partner"),
    ],
)
def test_a_token_that_is_not_for_us_or_names_nobody_signs_nobody_in(
    city: City, claims: dict[str, Any], status: int, sentence: str
) -> None:
    browser = city.browser()
    before = city.ask("select count(*) from sessions")
    page = city.finish(browser, city.begin(browser), **{"citypoints_roles": ["operator"], **claims})
    _failed(page, status, sentence)
    assert city.ask("select count(*) from sessions") == before
    assert browser.cookie("sign-in") is None


def test_a_token_signed_by_nobody_or_by_a_stranger_is_refused(city: City, honest: CityProvider) -> None:
    for algorithm, signing_key in (
        ("none", None),
        ("RS256", RSAKey.generate_key(2048, {"kid": "first"})),
        ("RS256", RSAKey.generate_key(2048, {"kid": "unknown"})),
    ):
        honest.algorithm, honest.signing_key = algorithm, signing_key
        browser = city.browser()
        page = city.finish(browser, city.begin(browser), citypoints_roles=["operator"])
        _failed(page, 400, "could not be trusted")


def test_new_keys_of_the_provider_are_found(city: City, honest: CityProvider) -> None:
    city.sign_in(to=None, citypoints_roles=["operator"])
    honest.key = RSAKey.generate_key(2048, {"kid": "second"})
    city.sign_in(to=None, citypoints_roles=["operator"])


def test_a_code_is_worth_something_once(city: City) -> None:
    browser = city.browser()
    address = city.begin(browser)
    pending = browser.cookie("sign-in")
    code = city.provider.sign_in(address, citypoints_roles=["operator"], sub=new_subject())
    answer = {"code": code, "state": state_in(address)}
    assert browser.get("/sign-in/callback", params=answer).status == 303
    _failed(browser.get("/sign-in/callback", params=answer), 400, "belongs to no sign-in")
    # Even with the cookie of then: the provider knows the code no more.
    thief = city.browser()
    thief.client.cookies.set("sign-in", str(pending))
    _failed(thief.get("/sign-in/callback", params=answer), 400, "no longer accepts")


def test_an_answer_fits_only_the_browser_and_the_sign_in_that_it_belongs_to(city: City) -> None:
    mine, other = city.browser(), city.browser()
    address = city.begin(mine)
    city.begin(other)
    code = city.provider.sign_in(address, citypoints_roles=["operator"])
    answer = {"code": code, "state": state_in(address)}
    _failed(city.browser().get("/sign-in/callback", params=answer), 400, "belongs to no sign-in")
    _failed(other.get("/sign-in/callback", params=answer), 400, "belongs to no sign-in")
    assert other.cookie("sign-in") is not None, "a stranger's answer must not end this sign-in"
    assert mine.get("/sign-in/callback", params=answer).status == 303


@pytest.mark.parametrize(
    "change",
    [
        {"state": None},
        {"state": "x"},
        {"code": None},
        {"iss": "https://elsewhere.example"},
    ],
)
def test_an_answer_that_is_not_whole_signs_nobody_in(city: City, change: dict[str, str | None]) -> None:
    browser = city.browser()
    address = city.begin(browser)
    code = city.provider.sign_in(address, citypoints_roles=["operator"])
    answer = {"code": code, "state": state_in(address), **change}
    page = browser.get("/sign-in/callback", params={name: value for name, value in answer.items() if value})
    _failed(page, 400, "belongs to no sign-in")


def test_an_altered_cookie_of_a_sign_in_is_worth_nothing(city: City) -> None:
    browser = city.browser()
    address = city.begin(browser, "/portal")
    whole = str(browser.cookie("sign-in"))
    code = city.provider.sign_in(address, citypoints_roles=["operator"])
    for altered in (whole[:-2], "A" + whole[1:], whole + "AAAA", "", "?", "A" * 3000):
        stranger = city.browser()
        stranger.client.cookies.set("sign-in", altered)
        page = stranger.get("/sign-in/callback", params={"code": code, "state": state_in(address)})
        _failed(page, 400, "belongs to no sign-in")


def test_what_the_provider_refuses_is_said(city: City) -> None:
    browser = city.browser()
    address = city.begin(browser)
    page = browser.get("/sign-in/callback", params={"error": "access_denied", "state": state_in(address)})
    _failed(page, 403, "did not sign you in, or you stopped there")


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "//evil.example/portal",
        "/\\evil.example/portal",
        "\\\\evil.example",
        "/portal\r\nSet-Cookie: a=b",
        "/portals",
        "javascript:alert(1)",
        "/v1/members",
        "/portal/" + "x" * 600,
        "@evil.example/portal",
    ],
)
def test_nobody_is_led_to_another_site(city: City, to: str) -> None:
    browser = city.browser()
    page = browser.get("/sign-in", params={"to": to})
    assert page.root.one("a", role="button").attributes["href"] == "/sign-in/start"
    member = city.street.new_member()
    page = city.finish(browser, city.begin(browser, to), citypoints_roles=["citizen"], citypoints_member=member.id)
    assert page.location == "/portal"
    assert browser.get("/sign-in", params={"to": to}).location == "/portal"
    assert browser.get("/preferences", params={"language": "zh", "to": to}).location == "/"


def test_a_failure_is_told_in_chinese_too(city: City) -> None:
    browser = city.browser()
    browser.client.headers["Accept-Language"] = "zh-CN,zh;q=0.9,en;q=0.8"
    page = browser.get("/sign-in/callback", params={"code": "x", "state": "y"})
    assert page.heading == "登录未完成"
    assert page.root.one("html").attributes["lang"] == "zh-Hans"


def test_what_the_provider_says_of_itself_is_remembered(city: City) -> None:
    for _ in range(6):
        city.begin(city.browser())
    city.provider.asked.clear()
    for _ in range(4):
        city.begin(city.browser())
    assert city.provider.asked == []
