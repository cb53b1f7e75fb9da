"""What holds of every page: well-formed, labelled, light, in both languages, and nothing inline."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import get_args

import pytest

from api.demo.demo_texts import DEMO
from api.demo.finance_texts import DEMO_FINANCE
from api.pages.console_texts import CONSOLE
from api.pages.finance.batch_texts import BATCHES, STATES
from api.pages.finance.day_texts import DAYS
from api.pages.finance.finance_texts import FINANCE
from api.pages.finance.refusal_texts import REFUSALS
from api.pages.finance.step_texts import STEPS
from api.pages.frame_texts import FRAME, SIGN_IN
from api.pages.merchant.counter_texts import COUNTER
from api.pages.merchant.import_texts import IMPORTS
from api.pages.merchant.key_texts import KEYS
from api.pages.merchant.merchant_texts import MERCHANT
from api.pages.merchant.statement_texts import DISPUTES, STATEMENTS
from api.pages.merchant.today_texts import TODAY
from api.pages.merchant.transaction_texts import REVERSAL, TRANSACTIONS
from api.pages.merchant.webhook_texts import WEBHOOKS
from api.pages.operator.appeal_texts import STAFF_APPEALS
from api.pages.operator.health_texts import HEALTH
from api.pages.operator.key_texts import KEYS as OPERATOR_KEYS
from api.pages.operator.operator_texts import OPERATOR
from api.pages.operator.set_up_texts import SET_UP
from api.pages.portal.action_texts import CONSENTS, DATA, ERASURE, GIFT
from api.pages.portal.appeal_texts import APPEALS
from api.pages.portal.code_texts import CODE_TEXTS
from api.pages.portal.portal_texts import PORTAL
from api.pages.texts import LANGUAGES
from ledger.reading.transaction_views import TRANSACTION_KINDS
from ledger.rules.consents import PURPOSES
from ledger.rules.scenes import CHANNELS, SCENES
from ledger.store.webhook_queue import Failure
from settlement.vocabulary import DISPUTE_STATES, PAYMENT_STATES
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.merchants import Shop, lasting_shop, upload
from tests.pages.page_rules import refuse_inline, refuse_malformed, refuse_other_language, refuse_without_token
from tests.pages.test_code_page import new_member
from tests.pages.test_counter import COUNTER as COUNTER_HOME
from tests.pages.test_counter import check, code_of, confirm, merchant, scan

MOST_BYTES = 100 * 1024
GROUNDS = "That was no return."
AREAS: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "frame": FRAME,
    "sign-in": SIGN_IN,
    "portal": PORTAL,
    "code": CODE_TEXTS,
    "counter": COUNTER,
    "gift": GIFT,
    "consents": CONSENTS,
    "data": DATA,
    "appeals": APPEALS,
    "operator": OPERATOR,
    "overview": HEALTH,
    "set-up": SET_UP,
    "operator's keys": OPERATOR_KEYS,
    "appeals of staff": STAFF_APPEALS,
    "erasure": ERASURE,
    "console": CONSOLE,
    "merchant": MERCHANT,
    "today": TODAY,
    "transactions": TRANSACTIONS,
    "reversal": REVERSAL,
    "imports": IMPORTS,
    "keys": KEYS,
    "webhooks": WEBHOOKS,
    "statements": STATEMENTS,
    "disputes": DISPUTES,
    "finance": FINANCE,
    "days": DAYS,
    "batches": BATCHES,
    "batch-states": STATES,
    "batch-steps": STEPS,
    "refusals-of-settlement": REFUSALS,
    "demo-finance": DEMO_FINANCE,
    "demo": DEMO,
}
MERCHANTS = [
    "/merchant",
    "/merchant?programme=NONE",
    "/merchant/transactions",
    "/merchant/transactions?q=nothing",
    "/merchant/transactions?q=refused",
    "/merchant/transactions?day=2026-11-24",
    "/merchant/transactions?day=x",
    "/merchant/transactions/x",
    "/merchant/imports",
    "/merchant/statements",
    "/merchant/disputes",
    "/merchant/webhooks",
    "/merchant/keys",
    "/merchant/keys?ended=1",
]
SIGNED_IN = [
    "/portal",
    "/portal/statement",
    "/portal/statement?scene=food",
    "/portal/code",
    "/portal/code?turn=10",
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
    browser.send(browser.get(_appeal_form(browser)), "/portal/appeals", grounds=GROUNDS)
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


AREA_BROWSERS: dict[str, Browser] = {}
"""Somebody signed in for each area of the pages besides the portal."""


@pytest.fixture(scope="module", autouse=True)
def busy_shop(city: City) -> Iterator[Shop]:
    """A shop with a full page of every kind of line."""
    with lasting_shop(city) as shop:
        member = shop.regular()
        for number in range(22):
            member.spend(f"{number + 10}.50", channel="pos", outlet=f"outlet-{number}").raise_for_status()
        member.redeem(9000, idempotency_key="refused")
        redeemed = member.redeem(30, scene="leisure", reference="<script>alert(1)</script>").raise_for_status().json()
        member.reverse(redeemed["id"], points=10).raise_for_status()
        imported = upload(shop.browser, f"invoice,customer,amount\n{shop.code},guest,5.00\nx,y,z\n".encode())
        while "progress.js" in shop.browser.get(imported.location).html:
            time.sleep(0.1)
        AREA_BROWSERS["/merchant"] = shop.browser
        yield shop


def merchant_pages(browser: Browser, language: str) -> Iterator[tuple[str, Page]]:
    """Every page of the merchant console in a language, with its address, and what its forms answer."""
    browser.get(f"/preferences?language={language}")
    yield from ((path, browser.get(path)) for path in MERCHANTS)
    of_import = browser.get("/merchant/imports").root.every("tbody")[-1].every("a")[0].attributes["href"]
    yield of_import, browser.get(of_import)
    yield "import, wrong", upload(browser, b"a,b\n1,2\n")
    listed = browser.get("/merchant/transactions").html
    links = sorted(set(re.findall(r'"(/merchant/transactions/[0-9a-f-]{36})"', listed)))
    for link in (links[0], links[-1]):
        yield link, browser.get(link)
    reversal = f"{links[0]}/reversal"
    form = browser.get(reversal)
    yield reversal, form
    yield "reversal, wrong", browser.send(form, f"{reversal}/check", extent="points")
    yield "reversal, checked", browser.send(form, f"{reversal}/check", reason="returned")
    form = browser.get("/merchant/keys")
    made = browser.send(form, "/merchant/keys", lifetime="none")
    yield "key, made", made
    yield "key, made already", browser.send(form, "/merchant/keys", lifetime="none")
    yield "key, wrong", browser.send(form, "/merchant/keys", lifetime="x")
    prefix = re.findall(r"cpk_([0-9a-f]{16})_", made.html)[0]
    for what in ("replacement", "end"):
        yield f"key, {what}", browser.get(f"/merchant/keys/{prefix}/{what}")
    browser.send(browser.get(f"/merchant/keys/{prefix}/end"), f"/merchant/keys/{prefix}/end")
    yield from endpoint_pages(browser)


def endpoint_pages(browser: Browser) -> Iterator[tuple[str, Page]]:
    """The pages of an endpoint, which is removed at their end."""
    form = browser.get("/merchant/webhooks")
    made = browser.send(form, "/merchant/webhooks", url="https://93.184.215.14/hooks", description="Till 3")
    yield "endpoint, made", made
    yield "endpoint, wrong", browser.send(form, "/merchant/webhooks")
    endpoint = made.root.one("a", role="button").attributes["href"]
    yield "endpoint, pinged", browser.follow(browser.send(browser.get(endpoint), f"{endpoint}/ping"))
    yield "endpoint, dead letters", browser.get(f"{endpoint}?only=dead")
    removal = browser.get(f"{endpoint}/removal")
    yield "endpoint, removal", removal


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
    yield from merchant_pages(AREA_BROWSERS["/merchant"], language)
    yield from counter_pages(city, language)


def counter_pages(city: City, language: str) -> Iterator[tuple[str, Page]]:
    """Every page of a counter, of a customer by its code and by its card."""
    till = merchant(city, outlet="north-2")
    till.get(f"/preferences?language={language}")
    yield "counter", till.get(COUNTER_HOME)
    yield "till", till.get(f"{COUNTER_HOME}/till")
    yield "till, wrong", till.send(till.get(f"{COUNTER_HOME}/till"), f"{COUNTER_HOME}/till", outlet="a b")
    yield "counter, wrong", scan(till, "1")
    member = new_member(city)
    code, card = code_of(city, member), member.card.removeprefix("card:")
    for typed in (code, card):
        page = scan(till, typed)
        yield "customer", page
        yield "sale, wrong", check(till, page, "earn")
        checked = check(till, page, "redeem", points="10", cash="2")
        yield "sale, checked", checked
        yield "sale, done", till.follow(confirm(till, checked))
    yield "code, used", scan(till, code)
    yield "sale, again", check(till, scan(till, card), "redeem", points="10", cash="2")


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
    for link in desk.get("/operator/appeals").root.one("table").every("a"):
        appeal = desk.get(link.attributes["href"])
        # Members of other tests write theirs in any language.
        if GROUNDS in appeal.text:
            yield link.attributes["href"], appeal


def test_pages_are_well_formed_and_can_be_heard(city: City, busy: Browser, desk: Browser, language: str) -> None:
    for path, page in pages(city, busy, desk, language):
        refuse_malformed(path, page, language)


def test_pages_hold_nothing_inline_and_ask_nobody_else(city: City, busy: Browser, desk: Browser, language: str) -> None:
    for path, page in pages(city, busy, desk, language):
        refuse_inline(path, page)


def test_every_form_that_changes_something_carries_the_sessions_token(city: City, busy: Browser, desk: Browser) -> None:
    for path, page in pages(city, busy, desk, "en"):
        refuse_without_token(path, page)


def test_every_link_leads_to_a_page(city: City, busy: Browser, desk: Browser, language: str) -> None:
    seen: set[str] = set()
    for path, page in pages(city, busy, desk, language):
        assert page.status in {200, 400, 401, 403, 404, 409, 422}, path
        seen |= {link.attributes["href"] for link in page.root.every("a")}
    seen -= {"#main", "/sign-in/start"}
    till = merchant(city)
    for link in seen:
        areas = {"/merchant/counter": till, **AREA_BROWSERS, "/operator": desk}
        status = next((browser for area, browser in areas.items() if link.startswith(area)), busy).get(link).status
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
    assert {f"scene_{scene}" for scene in SCENES} <= set(MERCHANT)
    assert {f"channel_{channel}" for channel in CHANNELS} <= set(TRANSACTIONS)
    assert {f"kind_{kind}" for kind in TRANSACTION_KINDS.values()} <= set(MERCHANT)
    assert {f"failure_{failure}" for failure in get_args(Failure)} <= set(WEBHOOKS)
    assert {f"payment_{state}" for state in PAYMENT_STATES} <= set(STATEMENTS)
    assert {f"dispute_{state}" for state in DISPUTE_STATES} <= set(DISPUTES)
    assert not set(FRAME) & set(SIGN_IN) - {"sign_in"}
    for area in (CODE_TEXTS, GIFT, CONSENTS, DATA, ERASURE, APPEALS):
        assert not set(area) & set(PORTAL)
        assert not set(area) & set(FRAME)
    assert not set(PORTAL) & set(FRAME)
    for area in (OPERATOR, HEALTH, SET_UP, OPERATOR_KEYS, STAFF_APPEALS):
        assert not set(area) & set(FRAME)


@pytest.mark.parametrize("shown", list(LANGUAGES))
def test_no_page_shows_a_text_of_the_other_language(city: City, busy: Browser, desk: Browser, shown: str) -> None:
    for path, page in pages(city, busy, desk, shown):
        refuse_other_language(path, page, shown, AREAS)
