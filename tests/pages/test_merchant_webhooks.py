"""The merchant console: endpoints with their secrets shown once, deliveries, dead letters and replay."""

import re
from uuid import uuid4

import pytest

from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.merchants import Shop, open_shop

URL = "https://93.184.215.14/hooks"
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


@pytest.fixture
def shop(city: City) -> Shop:
    return open_shop(city)


def add(browser: Browser, url: str = URL, **fields: str) -> Page:
    return browser.send(browser.get("/merchant/webhooks"), "/merchant/webhooks", url=url, **fields)


def added(browser: Browser, **fields: str) -> str:
    """Add an endpoint; return the address of its page."""
    return str(add(browser, **fields).root.one("a", role="button").attributes["href"])


def deliver(city: City, endpoint: str, event: str, state: str, failure: str | None = None) -> None:
    """A delivery as a worker would have left it."""
    city.ask(
        "insert into webhook_deliveries"
        " (webhook, event, type, state, attempts, last_failure, last_attempt_at, ended_at)"
        " values (%s, %s, 'citypoints.transaction.earn.v1', %s, 9, %s, now(), now())",
        endpoint.rpartition("/")[2],
        event,
        state,
        failure,
    )


def states(city: City, endpoint: str) -> list[tuple[str, int]]:
    webhook = endpoint.rpartition("/")[2]
    return [
        (state, int(attempts))
        for state, attempts in city.ask(
            "select state, attempts from webhook_deliveries where webhook = %s order by event", webhook
        )
    ]


def test_an_endpoint_is_added_and_its_secret_shown_once(shop: Shop) -> None:
    assert "No endpoint yet" in shop.browser.get("/merchant/webhooks").text
    fields = {**shop.browser.get("/merchant/webhooks").form("/merchant/webhooks"), "url": URL, "description": "Till 3"}
    page = shop.browser.post("/merchant/webhooks", fields)
    assert (page.status, page.heading) == (200, "The endpoint's secret")
    assert len(SECRET.findall(page.html)) == 1
    assert page.response.headers["cache-control"] == "no-store"
    again = shop.browser.post("/merchant/webhooks", fields)
    assert (again.heading, SECRET.findall(again.html)) == ("This was done already", [])
    listed = shop.browser.get("/merchant/webhooks")
    [row] = listed.root.one("tbody").every("tr")
    assert "Till 3" in row.text
    endpoint = page.root.one("a", role="button").attributes["href"]
    assert not SECRET.findall(listed.html + shop.browser.get(endpoint).html)
    listed_by_key = shop.city.service.get("/v1/webhooks", key=shop.key).json()["items"]
    assert [one["url"] for one in listed_by_key] == [URL]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "Wanted is an address"),
        ("http://93.184.215.14/hooks", "This address may not be sent to"),
        ("https://127.0.0.1/hooks", "This address may not be sent to"),
        ("https://10.0.0.1/x", "This address may not be sent to"),
        ("javascript:alert(1)", "This address may not be sent to"),
        ("https://user:pass@93.184.215.14/", "This address may not be sent to"),
        ("<script>alert(1)</script>", "This address may not be sent to"),
        ("https://x/" + "y" * 2000, "Wanted is an address"),
    ],
)
def test_an_address_that_may_not_be_sent_to_is_refused_and_kept(shop: Shop, url: str, said: str) -> None:
    page = add(shop.browser, url)
    assert (page.status, said in page.text) == (422, True)
    assert page.root.one("input", id="url").attributes["value"] == url
    assert "<script>alert" not in page.html
    assert not shop.city.service.get("/v1/webhooks", key=shop.key).json()["items"]


def test_only_points_can_be_chosen_and_no_more_endpoints_than_are_possible(shop: Shop) -> None:
    added(shop.browser, types="points")
    [made] = shop.city.service.get("/v1/webhooks", key=shop.key).json()["items"]
    assert [one.split(".")[2] for one in made["types"]] == ["earn", "redeem", "capture", "reverse"]
    for _ in range(9):
        assert add(shop.browser).status == 200
    page = add(shop.browser)
    assert (page.status, "as many endpoints as are possible" in page.text) == (422, True)


def test_an_endpoint_is_pinged_paused_resumed_and_given_a_new_secret(city: City, shop: Shop) -> None:
    endpoint = added(shop.browser)
    page = shop.browser.follow(shop.browser.send(shop.browser.get(endpoint), f"{endpoint}/ping"))
    assert "A ping is on its way" in page.text
    [row] = page.root.one("tbody").every("tr")
    assert "Ping" in row.text
    fields = page.form(f"{endpoint}/ping")
    for _ in range(2):
        shop.browser.post(f"{endpoint}/ping", fields)
    assert len(states(city, endpoint)) == 2, "the same form pings once"
    page = shop.browser.follow(shop.browser.send(page, f"{endpoint}/state"))
    assert "Paused" in page.text
    page = shop.browser.follow(shop.browser.send(page, f"{endpoint}/state"))
    assert "Active again." in page.text
    fields = page.form(f"{endpoint}/secret")
    new = shop.browser.post(f"{endpoint}/secret", fields)
    assert len(SECRET.findall(new.html)) == 1
    assert not SECRET.findall(shop.browser.post(f"{endpoint}/secret", fields).html)
    assert "The former secret signs, too, until" in shop.browser.get(endpoint).text


def test_dead_letters_are_listed_and_sent_again_one_or_all(city: City, shop: Shop) -> None:
    endpoint = added(shop.browser)
    member = shop.regular()
    events = [member.earn(number + 1).raise_for_status().json()["id"] for number in range(3)]
    for event in events[:2]:
        deliver(city, endpoint, event, "dead", "timeout")
    deliver(city, endpoint, events[2], "delivered")
    assert len(shop.browser.get(endpoint).root.one("tbody").every("tr")) == 3
    page = shop.browser.get(f"{endpoint}?only=dead")
    rows = page.root.one("tbody").every("tr")
    assert len(rows) == 2
    assert "no answer in time" in rows[0].text
    assert rows[0].one("a").attributes["href"] == f"/merchant/transactions/{events[1]}"
    one = {field.attributes["name"]: field.attributes["value"] for field in rows[0].every("input")}
    assert shop.browser.post(f"{endpoint}/replay", one).status == 303
    assert sorted(states(city, endpoint)) == [("dead", 9), ("delivered", 9), ("pending", 0)]
    page = shop.browser.get(f"{endpoint}?only=dead")
    [of_all] = [form for form in page.root.every("form") if form.text == "Send all dead letters again"]
    every = {field.attributes["name"]: field.attributes["value"] for field in of_all.every("input")}
    assert "It will be sent again." in shop.browser.follow(shop.browser.post(f"{endpoint}/replay", every)).text
    assert sorted(states(city, endpoint)) == [("delivered", 9), ("pending", 0), ("pending", 0)]
    assert "No dead letters" in shop.browser.get(f"{endpoint}?only=dead").text


def test_an_event_of_another_partner_is_not_sent(city: City, shop: Shop) -> None:
    endpoint = added(shop.browser)
    foreign = city.street.new_member().earn(5).raise_for_status().json()["id"]
    form = shop.browser.get(endpoint).form(f"{endpoint}/ping")
    for event in (foreign, str(uuid4()), "x", ""):
        page = shop.browser.post(f"{endpoint}/replay", {**form, "key": uuid4().hex, "event": event})
        assert page.status == 404
    assert not states(city, endpoint)


def test_an_endpoint_is_removed_only_after_the_question(shop: Shop) -> None:
    endpoint = added(shop.browser)
    page = shop.browser.get(f"{endpoint}/removal")
    assert page.heading == "Remove this endpoint?"
    listed = shop.browser.follow(shop.browser.send(page, f"{endpoint}/removal"))
    assert "The endpoint is removed." in listed.text
    assert shop.browser.get(endpoint).status == 404
    assert shop.browser.send(page, f"{endpoint}/removal").status == 404


def test_another_partners_endpoint_cannot_be_seen_or_changed(city: City, shop: Shop) -> None:
    theirs = added(open_shop(city).browser, description="Theirs")
    form = shop.browser.get("/merchant/webhooks").form("/merchant/webhooks")
    for path in ("", "/removal", "?only=dead"):
        assert shop.browser.get(theirs + path).status == 404
    for path in ("/ping", "/state", "/secret", "/replay", "/removal"):
        page = shop.browser.post(theirs + path, {**form, "key": uuid4().hex, "change": "pause"})
        assert (page.status, SECRET.findall(page.html)) == (404, []), path
    assert "Theirs" not in shop.browser.get("/merchant/webhooks").html
    assert not states(city, theirs)
    assert city.ask("select state from webhooks where webhook = %s", theirs.rpartition("/")[2]) == [("active",)]


def test_what_no_form_of_ours_sends_changes_nothing(city: City, shop: Shop) -> None:
    endpoint = added(shop.browser)
    form = shop.browser.get(endpoint).form(f"{endpoint}/ping")
    assert shop.browser.post(f"{endpoint}/state", {**form, "change": "delete"}).status == 400
    assert shop.browser.get(f"{endpoint}?only=everything").status == 400
    assert shop.browser.get("/merchant/webhooks/x").status == 404
    for path in ("ping", "state", "secret", "replay", "removal"):
        assert shop.browser.post(f"{endpoint}/{path}", {**form, "csrf": "0" * 64, "change": "pause"}).status == 403
    assert not states(city, endpoint)
