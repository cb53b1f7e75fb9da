"""What holds of every page: well-formed, labelled, light, in both languages, and nothing inline."""

import re
from collections.abc import Iterator, Mapping

import pytest

from api.demo.demo_texts import DEMO
from api.pages.frame_texts import FRAME, SIGN_IN
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.health_texts import HEALTH
from api.pages.operator.key_texts import KEYS
from api.pages.operator.operator_texts import OPERATOR
from api.pages.operator.set_up_texts import SET_UP
from api.pages.portal.action_texts import CONSENTS, DATA, ERASURE, GIFT
from api.pages.portal.appeal_texts import APPEALS
from api.pages.portal.portal_texts import PORTAL
from api.pages.texts import LANGUAGES
from ledger.rules.consents import PURPOSES
from ledger.rules.scenes import SCENES
from tests.pages.browsing import Browser, Element, Page
from tests.pages.conftest import City

MOST_BYTES = 100 * 1024
AREAS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "frame": FRAME,
    "sign-in": SIGN_IN,
    "portal": PORTAL,
    "gift": GIFT,
    "consents": CONSENTS,
    "data": DATA,
    "appeals": APPEALS,
    "operator": OPERATOR,
    "overview": HEALTH,
    "set-up": SET_UP,
    "keys": KEYS,
    "appeals of staff": STAFF_APPEALS,
    "erasure": ERASURE,
    "demo": DEMO,
}
SIGNED_IN = [
    "/portal",
    "/portal/statement",
    "/portal/statement?scene=food",
    "/portal/flows",
    "/portal/flows?since=x",
    "/portal/notices",
    "/portal/gift",
    "/portal/appeals",
    "/portal/appeals/new?about=freeze",
    "/portal/consents",
    "/portal/data",
    "/portal/data/erasure",
    "/portal?programme=NONE",
    "/account",
]
OPERATOR_PAGES = [
    "/operator",
    "/operator/programmes",
    "/operator/programmes/CITY",
    "/operator/partners",
    "/operator/partners?sought=nobody-is-called-this",
    "/operator/partners/CAFE",
    "/operator/keys",
    "/operator/keys?partner=CAFE",
    "/operator/keys/new",
    "/operator/appeals",
    "/operator/appeals?decided=yes",
    "/operator/keys/none",
]
PUBLIC = ["/sign-in", "/sign-in?to=/portal&notice=ended", "/sign-in?notice=signed-out", "/sign-in/callback"]


@pytest.fixture(scope="module")
def busy(city: City) -> Iterator[Browser]:
    """A browser in which a member with a full page of every kind of line is signed in."""
    member = city.street.new_member()
    for number in range(18):
        member.spend(f"{number + 10}.50", scene="food", channel="pos", outlet=f"outlet-{number}").raise_for_status()
    member.redeem(30, scene="leisure").raise_for_status()
    member.hold(20, scene="housing").raise_for_status()
    browser = Browser(city.service.base_url)
    address = city.begin(browser, "/portal")
    city.finish(browser, address, citypoints_roles=["citizen"], citypoints_member=member.id)
    browser.send(browser.get("/portal/consents"), "/portal/consents", purpose="balance", partner="CAFE")
    earned = member.earn(20, scene="food").raise_for_status().json()["id"]
    member.reverse(earned, points=5).raise_for_status()
    browser.send(browser.get(_appeal_form(browser)), "/portal/appeals", grounds="That was no return.")
    yield browser
    browser.client.close()


def _appeal_form(browser: Browser) -> str:
    links = [link.attributes["href"] for link in browser.get("/portal/statement").root.every("a")]
    return next(link for link in links if link.startswith("/portal/appeals/new?transaction="))


@pytest.fixture(scope="module")
def desk(city: City) -> Iterator[Browser]:
    """A browser in which an operator is signed in."""
    browser = Browser(city.service.base_url)
    city.finish(browser, city.begin(browser, "/operator"), sub="operator-of-every-page", citypoints_roles=["operator"])
    yield browser
    browser.client.close()


@pytest.fixture(params=list(LANGUAGES))
def language(request: pytest.FixtureRequest) -> str:
    """Each of our languages."""
    return str(request.param)


def pages(city: City, busy: Browser, desk: Browser, language: str) -> Iterator[tuple[str, Page]]:
    """Every page in a language, with its address."""
    busy.get(f"/preferences?language={language}")
    stranger = city.browser()
    stranger.get(f"/preferences?language={language}")
    yield from ((path, stranger.get(path)) for path in PUBLIC)
    yield from ((path, busy.get(path)) for path in SIGNED_IN)
    wrong = busy.get("/portal/gift").form("/portal/gift/check")
    yield "gift, wrong", busy.post("/portal/gift/check", wrong)
    card = city.street.new_member().card.removeprefix("card:")
    checked = busy.post("/portal/gift/check", {**wrong, "receiver": card, "points": "1"})
    yield "gift, checked", checked
    done = busy.post("/portal/gift", checked.form("/portal/gift"))
    yield "gift, done", busy.follow(done)
    yield from operator_pages(desk, language)
    yield "forged", busy.post("/portal/gift", {})
    yield "ended", stranger.post("/portal/gift", {})


def operator_pages(desk: Browser, language: str) -> Iterator[tuple[str, Page]]:
    """Every page of the operator's in a language."""
    desk.get(f"/preferences?language={language}")
    yield from ((path, desk.get(path)) for path in OPERATOR_PAGES)
    keys = desk.get("/operator/keys?partner=CAFE").root.one("table").every("a")
    key = keys[0].attributes["href"]
    yield from ((path, desk.get(path)) for path in (key, f"{key}/revocation"))
    new = desk.get("/operator/keys/new")
    forms = [form for form in new.root.every("form") if form.attributes["action"] == "/operator/keys"]
    partner = {one.attributes["name"]: one.attributes.get("value", "") for one in forms[0].every("input")}
    yield "key, wrong", desk.post("/operator/keys", {**partner, "partner": "NONE", "days": "x"})
    yield "key of staff, wrong", desk.post("/operator/keys", {**partner, "staff": "", "days": "x"})
    yield "key", desk.post("/operator/keys", {**partner, "partner": "CAFE"})
    yield "key, again", desk.post("/operator/keys", {**partner, "partner": "CAFE"})
    yield "partner, wrong", desk.send(desk.get("/operator/partners"), "/operator/partners")
    for link in desk.get("/operator/appeals").root.one("table").every("a")[:3]:
        yield link.attributes["href"], desk.get(link.attributes["href"])


def test_pages_are_well_formed_and_can_be_heard(city: City, busy: Browser, desk: Browser, language: str) -> None:
    for path, page in pages(city, busy, desk, language):
        root = page.root
        assert len(root.every("h1")) == 1, path
        assert root.one("html").attributes["lang"] == {"en": "en", "zh": "zh-Hans"}[language], path
        assert root.one("title").text, path
        assert len(root.every("main")) == 1, path
        identifiers = re.findall(r'\sid="([^"]*)"', page.html)
        assert len(identifiers) == len(set(identifiers)), path
        labelled = {label.attributes["for"] for label in root.every("label")}
        for tag in ("input", "select", "textarea"):
            for field in root.every(tag):
                if field.attributes.get("type") != "hidden":
                    assert field.attributes["id"] in labelled, (path, field)
        for reference in re.findall(r'aria-(?:describedby|labelledby)="([^"]*)"', page.html):
            assert reference in identifiers, (path, reference)
        for heading in root.every("th"):
            assert heading.attributes.get("scope") in {"col", "row"}, path
        for button in [*root.every("button"), *root.every("a")]:
            assert button.text, (path, button)
        for picture in root.every("img"):
            assert "alt" in picture.attributes, path
        assert root.every("a")[0].attributes["href"] == "#main", path


def test_pages_hold_nothing_inline_and_ask_nobody_else(city: City, busy: Browser, desk: Browser, language: str) -> None:
    for path, page in pages(city, busy, desk, language):
        # By elements: a partner of another test is called like a script, and may be named as text.
        assert not {"script", "style"} & {one.tag for one in _every(page.root)}, path
        names = {name for one in _every(page.root) for name in one.attributes}
        assert not [name for name in names if name == "style" or name.startswith("on")], path
        assert "javascript:" not in page.html, path
        policy = page.response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.response.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r'(?:src|href|action)="(?!/|#)', page.html), path


def _every(element: Element) -> list[Element]:
    return [found for one in element.inside for found in (one, *_every(one))]


def test_every_form_that_changes_something_carries_the_sessions_token(city: City, busy: Browser, desk: Browser) -> None:
    for path, page in pages(city, busy, desk, "en"):
        for form in page.root.every("form"):
            if form.attributes["method"] == "post":
                tokens = [one for one in form.every("input") if one.attributes["name"] == "csrf"]
                assert [len(token.attributes["value"]) for token in tokens] == [64], path


def test_every_link_leads_to_a_page(city: City, busy: Browser, desk: Browser, language: str) -> None:
    seen: set[str] = set()
    for path, page in pages(city, busy, desk, language):
        assert page.status in {200, 400, 401, 403, 404, 409, 422}, path
        seen |= {link.attributes["href"] for link in page.root.every("a")}
    seen -= {"#main", "/sign-in/start"}
    for link in seen:
        status = (desk if link.startswith("/operator") else busy).get(link).status
        # A line that was appealed against leads to the page that says so.
        is_open = link.startswith("/portal/appeals/new") and status == 409
        assert is_open or status == (303 if link.startswith(("/preferences", "/sign-in")) else 200), link


def test_the_first_load_of_the_portal_is_light_and_needs_no_script(city: City, busy: Browser) -> None:
    for path in ("/portal", "/portal/statement"):
        headers = {"Accept-Encoding": "gzip"}
        page = busy.get(path, headers=headers)
        loaded = re.findall(r'(?:src|<link[^>]* href)="(/static/[^"]*)"', page.html)
        assert len(set(loaded)) == 4
        total = sum(_bytes_on_the_line(busy, address) for address in {path, *loaded})
        assert total <= MOST_BYTES, f"{path} takes {total} bytes"
        # Also for who takes nothing pressed, such as an old proxy.
        plain = sum(_bytes_on_the_line(busy, address, "identity") for address in {path, *loaded})
        assert plain <= 1.3 * MOST_BYTES


def _bytes_on_the_line(browser: Browser, path: str, encoding: str = "gzip") -> int:
    with browser.client.stream("GET", path, headers={"Accept-Encoding": encoding}) as answer:
        headers = sum(len(name) + len(value) + 4 for name, value in answer.headers.raw)
        return headers + sum(len(piece) for piece in answer.iter_raw())


def test_what_holds_a_secret_is_never_pressed(busy: Browser) -> None:
    page = busy.get("/portal/gift", headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in page.response.headers


@pytest.mark.parametrize("area", list(AREAS))
def test_every_text_is_there_in_both_languages(area: str) -> None:
    for key, (english, chinese) in AREAS[area].items():
        assert english.strip(), key
        assert chinese.strip(), key
        assert re.search(r"[\u4e00-\u9fff]", chinese), key
        assert not re.search(r"[\u4e00-\u9fff]", english), key


def test_everything_that_can_be_named_has_a_name() -> None:
    assert {f"scene_{scene}" for scene in SCENES} <= set(PORTAL)
    assert {f"purpose_{purpose}" for purpose in PURPOSES} <= set(CONSENTS)
    assert not set(FRAME) & set(SIGN_IN) - {"sign_in"}
    for area in (GIFT, CONSENTS, DATA, ERASURE, APPEALS):
        assert not set(area) & set(PORTAL)
        assert not set(area) & set(FRAME)
    assert not set(PORTAL) & set(FRAME)
    for area in (OPERATOR, HEALTH, SET_UP, KEYS, STAFF_APPEALS):
        assert not set(area) & set(FRAME)


def test_no_page_shows_a_text_of_the_other_language(city: City, busy: Browser, desk: Browser) -> None:
    for path, page in pages(city, busy, desk, "en"):
        shown = re.sub(r"简体中文", "", page.root.one("body").text)
        assert not re.search(r"[\u4e00-\u9fff]", shown), path
    for path, page in pages(city, busy, desk, "zh"):
        words = {key: english for area in AREAS.values() for key, (english, _) in area.items() if " " in english}
        for key, english in words.items():
            assert english not in page.root.one("body").text, (path, key)
