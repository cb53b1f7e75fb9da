"""The counter: a customer is scanned, what to post is checked, and it is posted once, also when the line drops."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode
from uuid import uuid4

import httpx
import pytest

from tests.api.street import PROGRAMME, Regular
from tests.faults.cutting_proxy import CuttingProxy
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.pages.test_code_page import digits_of, new_member

COUNTER = "/merchant/counter"


def merchant(city: City, partner: str = "CAFE", scene: str = "food", outlet: str = "") -> Browser:
    """A browser at a till of a partner's."""
    browser = city.sign_in(to="/merchant", sub=uuid4().hex, citypoints_roles=["merchant"], citypoints_partner=partner)
    page = browser.follow(browser.get(COUNTER))
    assert page.heading == "This till"
    kept = browser.send(page, f"{COUNTER}/till", scene=scene, outlet=outlet)
    assert browser.follow(kept).heading == "Counter"
    return browser


@pytest.fixture
def member(city: City) -> Regular:
    """A member with a hundred points."""
    return new_member(city)


@pytest.fixture
def till(city: City) -> Browser:
    """A till of the café's."""
    return merchant(city)


def code_of(city: City, member: Regular) -> str:
    """What a scanner types when the member shows its page."""
    return f"CP{digits_of(city.citizen(member).get('/portal/code'))}"


def scan(till: Browser, typed: str) -> Page:
    return till.send(till.get(COUNTER), f"{COUNTER}/member", member=typed)


def fields_of(page: Page, operation: str) -> dict[str, str]:
    """The fields of the one form of a customer's page that gives, or takes, points."""
    for form in page.root.every("form"):
        fields = {one.attributes["name"]: one.attributes.get("value", "") for one in form.every("input")}
        fields |= {one.attributes["name"]: one.every("option")[0].attributes["value"] for one in form.every("select")}
        if fields.get("operation") == operation:
            return fields
    raise AssertionError(f"no form to {operation}: {page.text}")


def check(till: Browser, page: Page, operation: str, **typed: str) -> Page:
    return till.post(f"{COUNTER}/check", {**fields_of(page, operation), **typed})


def confirm(till: Browser, page: Page) -> Page:
    return till.send(page, COUNTER)


def available(member: Regular) -> int:
    return int(member.balance()["available"])


def test_a_customer_earns_by_a_code_in_two_steps(city: City, member: Regular) -> None:
    till = merchant(city, scene="leisure", outlet="north-2")
    page = scan(till, code_of(city, member))
    assert page.status == 200
    assert page.heading.startswith("Code •••• ")
    assert "Available points 100" in page.text
    page = check(till, page, "earn", spend="18.50")
    assert page.heading == "Give these points?"
    assert "Amount paid CNY 18.50" in page.text
    assert "Points given 18" in page.text
    assert "Customer's points afterwards 118" in page.text
    assert available(member) == 100, "checking posts nothing"
    done = till.follow(confirm(till, page))
    assert done.heading == "Points given"
    assert "You have earned 18 points. You have 118 points now." in done.text
    assert "Outlet north-2" in done.text
    assert available(member) == 118
    [line] = city.service.get(f"/v1/members/{member.id}/statement?programme={PROGRAMME}&limit=1").json()["lines"]
    assert line["scene"] == "leisure"
    told = city.citizen(member).get("/portal/code").root.one("div", id="code-told").text
    assert "You earned 18 points at Partner CAFE." in told


def test_a_customer_pays_with_points_and_cash(city: City, member: Regular, till: Browser) -> None:
    page = check(till, scan(till, code_of(city, member)), "redeem", points="30", cash="12")
    assert page.heading == "Take these points?"
    assert "Paid in money CNY 12.00" in page.text
    done = till.follow(confirm(till, page))
    assert "You have paid 30 points. You have 70 points now." in done.text
    assert available(member) == 70


def test_points_can_be_given_without_an_amount_and_a_card_shows_no_balance(
    city: City, member: Regular, till: Browser
) -> None:
    number = member.card.removeprefix("card:")
    page = scan(till, f"{number[:4]} {number[4:8]}-{number[8:]}")
    assert page.heading == f"Card •••• {number[-4:]}"
    assert "100" not in page.text.replace(number[-4:], "")
    page = check(till, page, "earn", points="7")
    assert "afterwards" not in page.text
    done = till.follow(confirm(till, page))
    assert "You have earned 7 points." in done.text
    assert "now" not in done.text
    assert available(member) == 107


@pytest.mark.parametrize("typed", ["", "1", "CP12345678901234567890", "ref:x", "<script>", "9" * 300, "१२३४" * 4])
def test_what_is_no_code_or_card_is_said_and_kept(till: Browser, typed: str) -> None:
    page = scan(till, typed)
    assert page.status == 422
    assert "This is no code or card number." in page.root.one("div", role="alert").text
    assert page.form(f"{COUNTER}/member")["member"] == typed[:60]


def test_a_slip_of_one_digit_is_noticed_before_anybody_is_asked(city: City, member: Regular, till: Browser) -> None:
    code = code_of(city, member)
    slipped = f"{code[:-5]}{(int(code[-5]) + 1) % 10}{code[-4:]}"
    assert "This is no code or card number." in scan(till, slipped).text


def test_a_form_sent_twice_at_once_and_from_two_browsers_posts_once(city: City, member: Regular) -> None:
    tills = [merchant(city), merchant(city)]
    page = check(tills[0], scan(tills[0], code_of(city, member)), "redeem", points="10")
    sent = page.form(COUNTER)
    other = tills[1].get(COUNTER).form(f"{COUNTER}/member")["csrf"]
    with ThreadPoolExecutor(4) as executor:
        pages = list(
            executor.map(
                lambda number: tills[number % 2].post(COUNTER, {**sent, "csrf": other} if number % 2 else sent),
                range(4),
            )
        )
    assert {page.status for page in pages} == {303}
    assert len({page.location for page in pages}) == 1
    assert available(member) == 90


def test_reloading_the_result_and_going_back_change_nothing(city: City, member: Regular, till: Browser) -> None:
    page = check(till, scan(till, code_of(city, member)), "earn", points="5")
    answer = confirm(till, page)
    assert till.follow(answer).text == till.follow(answer).text
    assert confirm(till, page).location == answer.location
    assert available(member) == 105


def age_codes(city: City) -> None:
    """Make every code that there is older than it is good for."""
    city.ask(
        "update member_codes set made_at = made_at - interval '121 seconds',"
        " expires_at = expires_at - interval '121 seconds'"
    )


def test_the_same_form_is_answered_alike_after_the_code_has_expired(city: City, member: Regular, till: Browser) -> None:
    page = check(till, scan(till, code_of(city, member)), "redeem", points="10")
    answer = confirm(till, page)
    age_codes(city)
    assert confirm(till, page).location == answer.location
    city.ask("delete from member_codes")
    assert confirm(till, page).location == answer.location
    assert available(member) == 90


def test_a_code_that_expires_before_it_is_confirmed_is_asked_for_again_and_what_was_typed_is_kept(
    city: City, member: Regular, till: Browser
) -> None:
    page = check(till, scan(till, code_of(city, member)), "redeem", points="10", cash="2.00")
    age_codes(city)
    page = confirm(till, page)
    assert page.status == 422
    assert "no longer good" in page.root.one("div", role="alert").text
    assert page.form(f"{COUNTER}/member")["member"] == ""
    page = till.send(page, f"{COUNTER}/member", member=code_of(city, member))
    fields = fields_of(page, "redeem")
    assert (fields["points"], fields["cash"]) == ("10", "2.00")
    till.follow(confirm(till, check(till, page, "redeem")))
    assert available(member) == 90


@pytest.fixture
def cutting(city: City) -> Iterator[CuttingProxy]:
    """A line to the service that drops each answer, after the service has given it."""
    port = httpx.URL(city.service.base_url).port
    assert port is not None
    with CuttingProxy(port, "before the answer", every=1) as proxy:
        yield proxy


def test_a_line_that_drops_between_commit_and_answer_costs_nothing(
    city: City, member: Regular, till: Browser, cutting: CuttingProxy
) -> None:
    page = check(till, scan(till, code_of(city, member)), "redeem", points="10")
    fields = page.form(COUNTER)
    with pytest.raises(httpx.TransportError):
        httpx.post(
            f"{cutting.base_url}{COUNTER}",
            content=urlencode(fields),
            headers={
                "Origin": city.service.base_url,
                "Content-Type": "application/x-www-form-urlencoded",
                "Cookie": "; ".join(f"{name}={value}" for name, value in till.client.cookies.items()),
            },
            timeout=30,
        )
    assert cutting.cuts == 1
    assert available(member) == 90, "it was posted, and nobody was told"
    done = till.follow(till.post(COUNTER, fields))
    assert done.heading == "Points taken"
    assert available(member) == 90


def test_whoever_begins_anew_after_a_lost_answer_is_led_to_the_result(
    city: City, member: Regular, till: Browser
) -> None:
    code = code_of(city, member)
    answer = confirm(till, check(till, scan(till, code), "redeem", points="10"))
    page = scan(till, code)
    assert "This code has been used." in page.root.one("div", role="alert").text
    [link] = page.root.one("div", role="alert").every("a")
    assert link.attributes["href"] == answer.location
    elsewhere = scan(merchant(city, "BOOKS"), code)
    assert not elsewhere.root.one("div", role="alert").every("a"), "what another shop posted is not told"


def test_the_same_again_by_a_card_is_asked_about(city: City, member: Regular, till: Browser) -> None:
    card = member.card.removeprefix("card:")
    answer = confirm(till, check(till, scan(till, card), "earn", spend="20"))
    page = check(till, scan(till, card), "earn", spend="20")
    alert = page.root.one("div", role="alert")
    assert "The same was posted for this customer a moment ago." in alert.text
    assert alert.one("a").attributes["href"] == answer.location
    assert "a moment ago" not in check(till, scan(till, card), "earn", spend="21").text
    till.follow(confirm(till, page))
    assert available(member) == 140, "who means it may do it again"


@pytest.mark.parametrize(
    ("operation", "typed", "said"),
    [
        ("earn", {}, "Wanted is either the amount paid or points."),
        ("earn", {"spend": "5", "points": "5"}, "Wanted is either the amount paid or points."),
        ("earn", {"spend": "5.555"}, "Wanted is an amount above zero"),
        ("earn", {"spend": "0"}, "Wanted is an amount above zero"),
        ("earn", {"spend": "-1"}, "Wanted is an amount above zero"),
        ("earn", {"points": "1.5"}, "Wanted is a whole number above zero."),
        ("redeem", {"points": "0"}, "Wanted is a whole number above zero."),
        ("redeem", {}, "Wanted is a whole number above zero."),
        ("redeem", {"points": "<b>1</b>"}, "Wanted is a whole number above zero."),
        ("redeem", {"points": "9" * 14}, "Wanted is a whole number above zero."),
        ("redeem", {"points": "1", "cash": "x"}, "Wanted is an amount above zero"),
        ("redeem", {"points": "101"}, "The customer has fewer points than that."),
        ("redeem", {"points": "9" * 13}, "That is more than can be posted at once."),
        ("earn", {"spend": "0.20"}, "For this amount there are no points."),
    ],
)
def test_what_cannot_be_posted_is_said_and_what_was_typed_is_kept(
    city: City, member: Regular, till: Browser, operation: str, typed: dict[str, str], said: str
) -> None:
    page = check(till, scan(till, code_of(city, member)), operation, **typed)
    assert page.status == 422
    assert said in page.text
    kept = fields_of(page, operation)
    assert {name: kept[name] for name in typed} == typed
    assert available(member) == 100


def test_a_key_cannot_be_used_for_other_figures(city: City, member: Regular, till: Browser) -> None:
    page = check(till, scan(till, member.card.removeprefix("card:")), "earn", points="5")
    confirm(till, page)
    page = till.send(page, COUNTER, points="500")
    assert page.status == 422
    assert "sent before with other figures" in page.root.one("div", role="alert").text
    assert available(member) == 105


@pytest.mark.parametrize("status", ["frozen", "closed"])
def test_a_customer_whose_account_is_frozen_or_closed_is_told(
    city: City, member: Regular, till: Browser, status: str
) -> None:
    page = scan(till, code := code_of(city, member))
    city.street.set_status(member.id, status)
    assert f"The customer's account is {status}." in scan(till, code).root.one("p", role="alert").text
    assert f"account is {status}" in check(till, page, "earn", points="5").text


@pytest.mark.parametrize(
    "tampered",
    [
        {"operation": "adjust"},
        {"operation": ""},
        {"programme": "NONE"},
        {"scene": "casino"},
        {"outlet": "a b"},
        {"key": ""},
        {"key": "ä"},
        {"member": "x"},
    ],
)
def test_a_form_that_was_tampered_with_posts_nothing(
    city: City, member: Regular, till: Browser, tampered: dict[str, str]
) -> None:
    page = check(till, scan(till, code_of(city, member)), "earn", points="5")
    page = till.send(page, COUNTER, **tampered)
    assert page.status in {400, 404}, page.text
    assert available(member) == 100


def test_a_forged_form_posts_nothing(city: City, member: Regular, till: Browser) -> None:
    fields = check(till, scan(till, code_of(city, member)), "earn", points="5").form(COUNTER)
    for answer in (
        till.post(COUNTER, {**fields, "csrf": "0" * 64}),
        till.post(COUNTER, fields, Origin="https://evil.example"),
        till.post(COUNTER, fields, Sec_Fetch_Site="cross-site"),
        city.browser().post(COUNTER, fields),
        city.citizen(member).post(COUNTER, fields),
    ):
        assert answer.status in {401, 403}
    assert available(member) == 100


def test_another_shops_result_is_not_there(city: City, member: Regular, till: Browser) -> None:
    answer = confirm(till, check(till, scan(till, code_of(city, member)), "earn", points="5"))
    stranger = merchant(city, "BOOKS")
    assert stranger.get(answer.location).status == 404
    assert stranger.get(f"{COUNTER}/done?transaction={uuid4()}").status == 404
    assert stranger.get(f"{COUNTER}/done").status == 400


def test_a_till_keeps_what_it_sells_and_refuses_other_names(city: City, till: Browser) -> None:
    page = till.send(till.get(f"{COUNTER}/till"), f"{COUNTER}/till", outlet="north 2<")
    assert page.status == 422
    assert page.form(f"{COUNTER}/till")["outlet"] == "north 2<"
    till.client.cookies.set("till", "casino.x")
    assert till.get(COUNTER).status == 303, "what the browser keeps is not trusted"


def test_a_shop_is_offered_only_what_it_may_do(city: City, member: Regular) -> None:
    city.service.add_partner("GIVER", [PROGRAMME], may_accept=False)
    city.service.add_partner("IDLE-SHOP", [])
    page = scan(merchant(city, "GIVER"), code_of(city, member))
    assert [heading.text for heading in page.root.every("h2")] == ["Give points"]
    fields = fields_of(page, "earn") | {"operation": "redeem", "points": "5"}
    assert merchant(city, "GIVER").post(f"{COUNTER}/check", fields).status in {403, 404}
    assert "may give or take points of no programme" in merchant(city, "IDLE-SHOP").get(COUNTER).text


def test_no_address_and_no_log_holds_a_code(city: City, member: Regular, till: Browser) -> None:
    code = code_of(city, member)
    page = check(till, scan(till, code), "earn", points="5")
    answer = confirm(till, page)
    assert code[2:] not in answer.location
    assert code[2:] not in till.follow(answer).html
    assert code[2:] not in city.service.log()


def test_redemptions_by_a_card_cannot_be_tried_out(city: City, member: Regular, till: Browser) -> None:
    fields = {**fields_of(scan(till, member.card.removeprefix("card:")), "redeem"), "points": "5"}
    statuses = {till.post(f"{COUNTER}/check", fields).status for _ in range(130)}
    assert statuses == {200, 429}


def test_a_sale_has_one_key_so_going_back_after_a_lost_answer_leads_to_the_result(
    city: City, member: Regular, till: Browser
) -> None:
    first = till.get(COUNTER)
    looked = till.send(first, f"{COUNTER}/member", member=member.card.removeprefix("card:"))
    checked = check(till, looked, "earn", spend="9")
    answer = confirm(till, checked)
    # The answer is lost; the cashier goes back a page, or two, or three, and on again.
    for page in (looked, till.send(first, f"{COUNTER}/member", member=member.card.removeprefix("card:"))):
        again = check(till, page, "earn", spend="9")
        assert (again.status, again.location) == (303, answer.location)
    assert available(member) == 109
    other = till.post(COUNTER, {**checked.form(COUNTER), "spend": "10"})
    alert = other.root.one("div", role="alert")
    assert "sent before with other figures" in alert.text
    assert alert.one("a").attributes["href"] == answer.location
    assert available(member) == 109


def test_a_refused_sale_can_be_mended_and_posted(city: City, member: Regular, till: Browser) -> None:
    page = check(till, scan(till, code_of(city, member)), "redeem", points="100")
    member.redeem(60).raise_for_status()
    page = confirm(till, page)
    assert (page.status, page.root.one("div", role="alert").text) == (422, "The customer has fewer points than that.")
    page = confirm(till, check(till, page, "redeem", points="40"))
    assert till.follow(page).heading == "Points taken"
    assert available(member) == 0


def test_a_till_says_what_it_sells_before_it_is_used(city: City) -> None:
    browser = city.sign_in(to="/merchant", sub=uuid4().hex, citypoints_roles=["merchant"], citypoints_partner="CAFE")
    page = browser.send(browser.get(f"{COUNTER}/till"), f"{COUNTER}/till")
    assert (page.status, page.root.one("small", id="scene-wrong").text) == (422, "Wanted is one of these.")
