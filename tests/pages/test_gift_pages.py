"""A gift by form: checked, then made, once however often the form is sent."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.api.street import Regular
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City


@pytest.fixture
def giver(city: City) -> Regular:
    """A member with a hundred points."""
    member = city.street.new_member()
    member.earn(100, scene="food").raise_for_status()
    return member


@pytest.fixture
def browser(city: City, giver: Regular) -> Browser:
    """A browser in which the giver is signed in."""
    return city.citizen(giver)


def available(city: City, member: Regular) -> int:
    answer = city.service.get(f"/v1/members/{member.id}/balances?programme=CITY").raise_for_status()
    return int(answer.json()["available"])


def card_of(member: Regular) -> str:
    return member.card.removeprefix("card:")


def check(browser: Browser, receiver: str, points: str) -> Page:
    return browser.send(browser.get("/portal/gift"), "/portal/gift/check", receiver=receiver, points=points)


@pytest.mark.parametrize("written", ["plain", "spaced", "id"])
def test_a_gift_is_checked_then_made(city: City, giver: Regular, browser: Browser, written: str) -> None:
    receiver = city.street.new_member()
    number = card_of(receiver)
    names = {"plain": number, "spaced": f"{number[:4]} {number[4:8]} {number[8:12]} {number[12:]}", "id": receiver.id}
    page = check(browser, names[written], "30")
    assert (page.status, page.heading) == (200, "Is this right?")
    assert "Available to you afterwards 70" in page.text
    assert available(city, giver) == 100, "checking gives nothing"
    page = browser.send(page, "/portal/gift")
    done = browser.follow(page)
    assert done.heading == "Given"
    assert "Points 30" in done.text
    assert (available(city, giver), available(city, receiver)) == (70, 30)
    [line] = [line for line in browser.get("/portal/statement").root.one("ol").inside if "Gift given" in line.text]
    assert "30 points given to another member." in line.text
    assert receiver.id not in line.text
    assert "None" not in line.text
    received = city.citizen(receiver).get("/portal/statement").root.one("ol").text
    assert "Gift received" in received
    assert "None" not in received


def test_a_form_that_is_sent_twice_or_at_once_gives_once(city: City, giver: Regular, browser: Browser) -> None:
    receiver = city.street.new_member()
    page = check(browser, card_of(receiver), "10")
    fields = page.form("/portal/gift")
    with ThreadPoolExecutor(4) as executor:
        pages = list(executor.map(lambda _: browser.post("/portal/gift", fields), range(4)))
    assert {page.status for page in pages} == {303}
    assert len({page.location for page in pages}) == 1
    assert browser.post("/portal/gift", fields).location == pages[0].location
    assert (available(city, giver), available(city, receiver)) == (90, 10)


def test_a_key_cannot_be_used_for_another_gift(city: City, giver: Regular, browser: Browser) -> None:
    receiver = city.street.new_member()
    page = check(browser, card_of(receiver), "10")
    browser.send(page, "/portal/gift")
    page = browser.send(page, "/portal/gift", points="20")
    assert (page.status, page.root.one("p", role="alert").text) == (422, "The ledger does not allow it at the moment.")
    assert available(city, giver) == 90


def test_nobody_sees_that_another_has_given(city: City, browser: Browser) -> None:
    receiver = city.street.new_member()
    done = browser.send(check(browser, card_of(receiver), "10"), "/portal/gift").location
    assert browser.get(done).heading == "Given"
    for stranger in (city.street.new_member(), receiver):
        page = city.citizen(stranger).get(done)
        assert (page.status, page.heading) == (404, "There is nothing here")


def test_two_gifts_that_are_alike_are_two_gifts(city: City, giver: Regular, browser: Browser) -> None:
    receiver = city.street.new_member()
    for _ in range(2):
        browser.send(check(browser, card_of(receiver), "10"), "/portal/gift")
    assert available(city, receiver) == 20


def test_the_check_can_be_left_to_change_it(city: City, browser: Browser) -> None:
    receiver = city.street.new_member()
    page = check(browser, card_of(receiver), "10")
    fields = page.form("/portal/gift") | {"change": "1"}
    page = browser.post("/portal/gift/check", fields)
    assert (page.status, page.heading) == (200, "Give points to somebody")
    assert page.form("/portal/gift/check")["points"] == "10"


@pytest.mark.parametrize(
    ("receiver", "points", "wrong"),
    [
        ("", "10", "receiver"),
        ("1234", "10", "receiver"),
        ("ref:guest-1", "10", "receiver"),
        ("card:1234567890123456", "10", "receiver"),
        ("１２３４５６７８９０１２３４５６", "10", "receiver"),
        ("<script>alert(1)</script>", "10", "receiver"),
        ("1234567890123456", "", "points"),
        ("1234567890123456", "0", "points"),
        ("1234567890123456", "-5", "points"),
        ("1234567890123456", "1.5", "points"),
        ("1234567890123456", "١٢", "points"),
        ("1234567890123456", "9" * 13, "points"),
        ("1234567890123456", "ten", "points"),
    ],
)
def test_a_field_that_cannot_be_used_is_marked_with_what_is_wanted(
    browser: Browser, receiver: str, points: str, wrong: str
) -> None:
    for action in ("/portal/gift/check", "/portal/gift"):
        fields = browser.get("/portal/gift").form("/portal/gift/check")
        page = browser.post(action, {**fields, "receiver": receiver, "points": points, "key": uuid4().hex})
        assert page.status == 422
        marked = [one for one in page.root.every("input") if one.attributes.get("aria-invalid") == "true"]
        assert [one.attributes["name"] for one in marked] == [wrong]
        note = marked[0].attributes["aria-describedby"]
        assert page.root.one("small", id=note).text.startswith("Wanted is ")
        assert page.form("/portal/gift/check")["receiver"] == receiver
        assert "<script>alert" not in page.html


def _own_card(_: City, giver: Regular) -> str:
    return card_of(giver)


def _unknown_card(_city: City, _giver: Regular) -> str:
    return "0000000000000000"


def _frozen_receiver(city: City, _: Regular) -> str:
    receiver = city.street.new_member()
    city.service.post(f"/v1/members/{receiver.id}/freeze", {"reason": "card lost"}).raise_for_status()
    return card_of(receiver)


def _good_receiver(city: City, _: Regular) -> str:
    return card_of(city.street.new_member())


def _good_receiver_of_frozen(city: City, giver: Regular) -> str:
    city.service.post(f"/v1/members/{giver.id}/freeze", {"reason": "card lost"}).raise_for_status()
    return card_of(city.street.new_member())


@pytest.mark.parametrize(
    ("receiver_of", "points", "said"),
    [
        (_own_card, "10", ("This is your own card.", "这是您自己的卡号。")),
        (_unknown_card, "10", ("No member has this card.", "没有会员使用此卡号。")),
        (_frozen_receiver, "10", ("The receiver cannot take gifts at the moment.", "对方目前不能接收转赠。")),
        (_good_receiver, "101", ("You have fewer points available than that.", "您的可用积分不足。")),
        (
            _good_receiver,
            "5001",
            (
                "That is more than may be given, or received, in a calendar month.",
                "超出每个自然月可转赠或可接收的积分上限。",
            ),
        ),
        (_good_receiver_of_frozen, "10", ("Your account is frozen.", "您的账户已冻结。")),
    ],
)
def test_a_refusal_is_said_in_both_languages_and_changes_nothing(
    city: City,
    giver: Regular,
    browser: Browser,
    receiver_of: Callable[[City, Regular], str],
    points: str,
    said: tuple[str, str],
) -> None:
    receiver = receiver_of(city, giver)
    for language, sentence in zip(("en", "zh"), said, strict=True):
        browser.get(f"/preferences?language={language}")
        page = check(browser, receiver, points)
        assert (page.status, page.root.one("p", role="alert").text) == (422, sentence)
        fields = page.form("/portal/gift/check") | {"key": uuid4().hex}
        page = browser.post("/portal/gift", fields)
        assert (page.status, page.root.one("p", role="alert").text) == (422, sentence)
    assert available(city, giver) == 100


@pytest.mark.parametrize("key", ["", "é", "a b", "x" * 256])
def test_a_key_that_was_tampered_with_gives_nothing(city: City, giver: Regular, browser: Browser, key: str) -> None:
    page = check(browser, card_of(city.street.new_member()), "10")
    page = browser.send(page, "/portal/gift", key=key)
    assert (page.status, page.heading) == (400, "This could not be read")
    assert available(city, giver) == 100


def test_the_form_names_the_giver_nowhere_and_takes_no_other(city: City, giver: Regular, browser: Browser) -> None:
    other = city.street.new_member()
    other.earn(50, scene="food").raise_for_status()
    receiver = city.street.new_member()
    page = check(browser, card_of(receiver), "10")
    assert giver.id not in page.html
    for name in ("member", "from", "giver"):
        fields = check(browser, card_of(receiver), "10").form("/portal/gift")
        assert browser.post("/portal/gift", {**fields, name: other.id}).status == 303
    assert (available(city, giver), available(city, other)) == (70, 50)


def test_checks_are_limited_so_that_cards_cannot_be_tried_out(city: City) -> None:
    browser = city.citizen(city.street.new_member())
    fields = browser.get("/portal/gift").form("/portal/gift/check") | {"receiver": "0000000000000000", "points": "1"}
    statuses = [browser.post("/portal/gift/check", fields).status for _ in range(125)]
    assert statuses[0] == 422
    assert 429 in statuses, "two processes let 60 a minute pass each"
    page = next(page for page in (browser.post("/portal/gift/check", fields) for _ in range(20)) if page.status == 429)
    assert page.heading == "Too many requests"
    assert int(page.response.headers["retry-after"]) <= 60
