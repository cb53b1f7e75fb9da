"""Sessions: how long they last, how they end, and that no form of another site or another session does anything."""

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City

FORMS = [
    "/portal/gift/check",
    "/portal/gift",
    "/portal/consents",
    "/portal/consents/01a22bf4-4550-801b-8000-000016f0761c/revocation",
    "/portal/data/erasure",
    "/sign-out",
]
PAGES = [
    "/portal",
    "/portal/statement",
    "/portal/flows",
    "/portal/gift",
    "/portal/notices",
    "/portal/consents",
    "/portal/data",
    "/portal/data/export",
    "/portal/data/erasure",
    "/account",
]


@pytest.fixture
def citizen(city: City) -> Browser:
    """A browser in which a member with a hundred points is signed in."""
    member = city.street.new_member()
    member.earn(100, scene="food").raise_for_status()
    return city.citizen(member)


def csrf(page: Page) -> str:
    return page.form("/sign-out")["csrf"]


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_a_session(city: City, path: str) -> None:
    page = city.browser().get(path)
    assert (page.status, page.location.partition("?")[0]) == (303, "/sign-in")


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_a_session_does_nothing_and_says_so(city: City, path: str) -> None:
    page = city.browser().post(path, {"csrf": "x"})
    assert page.status == 401
    assert page.text.startswith("You are signed out What you sent was not carried out.")


@pytest.mark.parametrize(
    "aged",
    [
        "update sessions set seen_at = seen_at - interval '30 minutes 1 second' where person = %s",
        "update sessions set ends_at = clock_timestamp() where person = %s",
        "delete from sessions where person = %s",
    ],
)
def test_a_session_ends_after_half_an_hour_of_rest_or_at_its_end(city: City, aged: str) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    assert browser.get("/portal").status == 200
    city.ask(aged, member.id)
    page = browser.get("/portal/statement")
    assert page.location == "/sign-in?to=%2Fportal%2Fstatement&notice=ended"
    assert "Your session has ended" in browser.follow(page).text
    assert browser.cookie("session") is None


def test_a_session_lasts_twelve_hours_and_every_request_keeps_it_awake(city: City) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    [(hours,)] = city.ask(
        "select extract(epoch from ends_at - created_at)::int / 3600 from sessions where person = %s", member.id
    )
    assert hours == 12
    for _ in range(3):
        city.ask("update sessions set seen_at = seen_at - interval '29 minutes' where person = %s", member.id)
        assert browser.get("/portal").status == 200
    [(rest,)] = city.ask(
        "select extract(epoch from clock_timestamp() - seen_at)::int from sessions where person = %s", member.id
    )
    assert rest < 60


def test_a_request_within_a_minute_of_the_last_writes_nothing(city: City) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    query = "select seen_at from sessions where person = %s"
    before = city.ask(query, member.id)
    browser.get("/portal")
    assert city.ask(query, member.id) == before


def test_signing_out_ends_the_session_for_every_copy_of_its_cookie(city: City) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    copy = city.browser()
    copy.client.cookies.set("session", str(browser.cookie("session")))
    assert copy.get("/portal").status == 200
    page = browser.send(browser.get("/portal"), "/sign-out")
    assert page.location == "/sign-in?notice=signed-out"
    assert "Your session here has ended" in browser.follow(page).text
    assert browser.cookie("session") is None
    assert city.sessions(member.id) == 0
    assert copy.get("/portal").status == 303


def test_signing_out_leaves_other_sessions_of_the_person_alone(city: City) -> None:
    member = city.street.new_member()
    one, other = city.citizen(member), city.citizen(member)
    one.send(one.get("/portal"), "/sign-out")
    assert other.get("/portal").status == 200


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("token", ["", "0" * 64, "é"])
def test_a_form_without_the_sessions_token_is_refused(citizen: Browser, path: str, token: str) -> None:
    page = citizen.post(path, {"csrf": token} if token else {})
    assert (page.status, page.heading) == (403, "The form was not accepted")
    assert citizen.get("/portal").status == 200, "the session goes on"


@pytest.mark.parametrize("path", FORMS)
def test_the_token_of_another_session_is_refused(city: City, citizen: Browser, path: str) -> None:
    member = city.street.new_member()
    other = city.citizen(member)
    of_another = csrf(other.get("/portal"))
    assert of_another != csrf(citizen.get("/portal"))
    assert citizen.post(path, {"csrf": of_another}).status == 403


def test_the_token_of_a_former_session_of_the_same_person_is_refused(city: City) -> None:
    member = city.street.new_member()
    browser = city.citizen(member)
    old = csrf(browser.get("/portal"))
    city.finish(browser, city.begin(browser), citypoints_roles=["citizen"], citypoints_member=member.id)
    assert browser.post("/sign-out", {"csrf": old}).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_token(citizen: Browser, headers: dict[str, str]) -> None:
    token = csrf(citizen.get("/portal"))
    page = citizen.post("/sign-out", {"csrf": token}, **headers)
    assert (page.status, page.heading) == (403, "The form was not accepted")
    assert citizen.get("/portal").status == 200


def test_a_browser_that_says_nothing_of_where_a_form_comes_from_needs_the_token_alone(citizen: Browser) -> None:
    token = csrf(citizen.get("/portal"))
    assert citizen.post("/sign-out", {"csrf": token}, Origin="", Sec_Fetch_Site="").status == 303


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b'{"csrf": "x"}', "application/json"),
        (b"csrf=x", "text/plain"),
        (b"csrf=x&csrf=x", "application/x-www-form-urlencoded"),
        (b"csrf=%ff%fe", "application/x-www-form-urlencoded"),
        (b"csrf=\xff", "application/x-www-form-urlencoded"),
        (b"&".join(b"f%d=1" % number for number in range(40)), "application/x-www-form-urlencoded"),
        (b"csrf=" + b"x" * 30_000, "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_form_of_ours_is_a_page_that_says_so(citizen: Browser, content: bytes, content_type: str) -> None:
    answer = citizen.client.post("/sign-out", content=content, headers={"Content-Type": content_type})
    page = Page(answer)
    assert (page.status, page.heading) == (400, "This could not be read")
    assert citizen.get("/portal").status == 200


@pytest.mark.parametrize("path", [path for path in PAGES if path.startswith("/portal")])
@pytest.mark.parametrize(
    "claims",
    [
        {"citypoints_roles": ["operator"]},
        {"citypoints_roles": ["merchant"], "citypoints_partner": "CAFE"},
    ],
)
def test_another_role_gets_a_clear_page(city: City, path: str, claims: dict[str, object]) -> None:
    browser = city.sign_in(to="/account", **claims)
    page = browser.get(path)
    assert (page.status, page.heading) == (403, "This page is not for you")


def test_staff_whom_the_provider_calls_by_a_members_id_are_not_that_member(city: City) -> None:
    member = city.street.new_member()
    browser = city.sign_in(to="/account", sub=member.id, citypoints_roles=["support"])
    assert browser.get("/portal").status == 403
    assert browser.get("/portal/data/export").status == 403


def test_a_session_opens_no_door_of_the_api(citizen: Browser) -> None:
    for path in ("/v1/partners", "/v1/members/x/balances?programme=CITY"):
        assert citizen.get(path).status == 401


def test_neither_pages_nor_downloads_are_kept_by_caches(citizen: Browser) -> None:
    for path in PAGES:
        assert citizen.get(path).response.headers["cache-control"] == "no-store", path
    assert city_headers(citizen.get("/portal")) >= {"content-security-policy", "referrer-policy"}


def city_headers(page: Page) -> set[str]:
    return set(page.response.headers)


def test_an_oversized_or_odd_cookie_is_no_session(city: City) -> None:
    for value in ("x" * 5_000, "\u00e9".encode().decode("latin-1"), '"', "a b"):
        answer = city.browser().client.get("/portal", headers={b"Cookie": f"session={value}".encode("latin-1")})
        assert answer.status_code == 303, value
