"""The citizen portal shows a member its own points, in words, and nobody else's."""

import json
import re
from datetime import date
from uuid import uuid4

import pytest

from ledger.ids import LedgerKey
from ledger.posting.engine import Engine
from ledger.posting.notices import post_notices
from tests.api.street import Regular
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City
from tests.service import LEDGER_KEY, run_apart


@pytest.fixture
def member(city: City) -> Regular:
    """A member who has earned, used, and has something held and something pending."""
    member = city.street.new_member()
    member.spend("120.50", scene="food", channel="pos").raise_for_status()
    member.earn(40, scene="health", available_from="2999-01-01T00:00:00Z").raise_for_status()
    used = member.redeem(30, scene="food").raise_for_status().json()
    member.reverse(used["id"], points=10, reason="one cup returned").raise_for_status()
    member.hold(25, scene="housing").raise_for_status()
    return member


@pytest.fixture
def browser(city: City, member: Regular) -> Browser:
    """A browser in which the member is signed in."""
    return city.citizen(member)


def figures(page: Page) -> dict[str, str]:
    """The figures of the balance by their names."""
    [balance] = [one for one in page.root.every("dl") if one.attributes.get("class") == "balance"]
    return {group.one("dt").text: group.every("dd")[0].text for group in balance.every("div")}


def lines(page: Page) -> list[tuple[str, str]]:
    """What stands in the statement: what, and how many points."""
    [ordered] = page.root.every("ol")
    return [(line.every("span")[0].text, line.every("span")[1].text) for line in ordered.inside]


def test_the_balance_is_told_at_a_glance(browser: Browser) -> None:
    page = browser.get("/portal")
    assert page.heading == "Your points"
    assert figures(page) == {"Available": "75", "Pending": "40", "Held": "25"}


def test_what_expires_when_is_a_table_with_bars(city: City, browser: Browser, member: Regular) -> None:
    page = browser.get("/portal")
    [table] = page.root.every("table")
    rows = [[cell.text for cell in row.inside] for row in table.every("tr")]
    answer = city.service.get(f"/v1/members/{member.id}/lots?programme=CITY").raise_for_status().json()
    left = sum(lot["remaining"] for lot in answer["lots"])
    assert rows[0] == ["Until the end of", "Points", "Share"]
    assert sum(int(row[1]) for row in rows[1:]) == left == 115
    bars = [bar for bar in table.every("rect") if bar.attributes["class"] == "bar"]
    assert max(float(bar.attributes["width"]) for bar in bars) == 100.0


def test_the_statement_tells_each_line_and_why(browser: Browser) -> None:
    page = browser.get("/portal/statement")
    assert lines(page) == [
        ("Held · Partner CAFE", "−25"),
        ("Given back · Partner CAFE", "+10"),
        ("Used · Partner CAFE", "−30"),
        ("Earned · Partner CAFE", "+40"),
        ("Earned · Partner CAFE", "+120"),
    ]
    assert "1 point for each whole 1.00 CNY: 120.50 CNY earn 120 points." in page.text
    assert "Partner CAFE gave 120 points (scene food, channel pos)." in page.text


def test_the_same_in_chinese(browser: Browser) -> None:
    page = browser.follow(browser.get("/preferences?language=zh&to=/portal"))
    assert figures(page) == {"可用": "75", "待生效": "40", "预留中": "25"}
    page = browser.get("/portal/statement")
    assert page.root.one("html").attributes["lang"] == "zh-Hans"
    assert lines(page)[0] == ("预留 · Partner CAFE", "−25")
    assert "Partner CAFE发放120积分（场景：食，渠道：收银台）。" in page.text
    assert "每满1.00 CNY得1积分：消费120.50 CNY，得120积分。" in page.text
    assert "Why" not in page.text


def test_the_statement_is_filtered_by_scene_with_what_was_given_back(browser: Browser) -> None:
    assert lines(browser.get("/portal/statement?scene=food")) == [
        ("Given back · Partner CAFE", "+10"),
        ("Used · Partner CAFE", "−30"),
        ("Earned · Partner CAFE", "+120"),
    ]
    assert lines(browser.get("/portal/statement?scene=public")) == [("Earned · Partner CAFE", "+40")]
    assert "Nothing here yet" in browser.get("/portal/statement?scene=leisure").text


def test_the_statement_has_pages_without_a_gap(city: City) -> None:
    member = city.street.new_member()
    for number in range(1, 46):
        member.earn(number, scene="food" if number % 2 else "leisure").raise_for_status()
    browser = city.citizen(member)
    seen: list[str] = []
    page = browser.get("/portal/statement?scene=food")
    while True:
        seen += [points for _, points in lines(page)]
        more = [link for link in page.root.every("a") if link.text == "Show more"]
        if not more:
            break
        page = browser.get(more[0].attributes["href"])
    assert seen == [f"+{number}" for number in range(45, 0, -2)]
    assert [link.text for link in page.root.every("a")].count("Back to the newest") == 1


def test_where_points_came_from_and_went_to_adds_up_to_what_is_there(city: City, browser: Browser) -> None:
    page = browser.get("/portal/flows")
    came, went = page.root.every("table")
    rows = [[cell.text for cell in row.inside] for row in came.every("tbody")[0].inside]
    assert rows == [
        ["Earned · Food", "Partner CAFE", "120"],
        ["Earned · Health", "Partner CAFE", "40"],
        ["Given back · Food", "Partner CAFE", "10"],
    ]
    assert [cell.text for cell in went.every("tbody")[0].inside[0].inside] == ["Used · Food", "Partner CAFE", "30"]
    totals = [int(table.every("tfoot")[0].every("td")[0].text) for table in (came, went)]
    shown = figures(browser.get("/portal"))
    assert totals[0] - totals[1] == sum(int(points) for points in shown.values())


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "until=2026-13-01",
        "since=2026-02-02&until=2026-02-01",
        "since=1066-10-14",
        "until=9999-12-31",
    ],
)
def test_days_that_are_none_are_said_beside_the_form(browser: Browser, query: str) -> None:
    page = browser.get(f"/portal/flows?{query}")
    assert page.status == 400
    assert "Wanted are two days" in page.text


def test_flows_are_of_the_days_asked_for(browser: Browser) -> None:
    page = browser.get("/portal/flows?since=2001-01-01&until=2001-12-31")
    assert page.root.every("table") == []
    assert page.text.count("Nothing here yet") == 2


def test_a_frozen_account_is_said(city: City, member: Regular, browser: Browser) -> None:
    city.service.post(f"/v1/members/{member.id}/freeze", {"reason": "card lost"}).raise_for_status()
    assert "Your account is frozen" in browser.get("/portal").text


def test_what_is_owed_is_said(city: City) -> None:
    member = city.street.new_member()
    earned = member.earn(50, scene="food").raise_for_status().json()
    member.redeem(50, scene="food").raise_for_status()
    member.reverse(earned["id"], reason="goods returned").raise_for_status()
    assert figures(city.citizen(member).get("/portal"))["Owed"] == "50"


def test_a_member_without_points_sees_zeros_and_no_fault(city: City) -> None:
    browser = city.citizen(city.street.new_member())
    assert figures(browser.get("/portal")) == {"Available": "0", "Pending": "0", "Held": "0"}
    for path in ("statement", "flows", "notices", "gift", "consents", "data"):
        assert browser.get(f"/portal/{path}").status == 200


def test_each_programme_of_a_member_has_its_own_balance(city: City) -> None:
    code = f"P-{uuid4().hex[:8]}"
    city.service.add_programme(code)
    city.service.permit(code, "CAFE", may_issue=True, may_accept=True)
    member = city.street.new_member()
    member.earn(7, scene="food").raise_for_status()
    body = {"programme": code, "member": member.ref, "points": 9, "scene": "food"}
    city.service.post("/v1/earnings", body, key=member.key).raise_for_status()
    browser = city.citizen(member)
    assert figures(browser.get("/portal"))["Available"] == "7"
    page = browser.get(f"/portal?programme={code}")
    assert figures(page)["Available"] == "9"
    links = [link.attributes["href"] for link in page.root.every("a")]
    assert f"/portal/statement?programme={code}" in links
    assert lines(browser.get(f"/portal/statement?programme={code}")) == [("Earned · Partner CAFE", "+9")]
    for other in ("NOWHERE", "", "<script>"):
        assert browser.get("/portal", params={"programme": other}).status == 404


@pytest.mark.parametrize(
    "query", ["scene=crime", "cursor=x", "cursor=" + "A" * 500, "scene=food&cursor=AAAA", "cursor=é"]
)
def test_an_address_that_cannot_be_used_is_a_clear_page(browser: Browser, query: str) -> None:
    page = browser.get(f"/portal/statement?{query}")
    assert (page.status, page.heading) == (400, "This could not be read")


def test_a_cursor_of_another_member_or_another_filter_leads_nowhere(city: City) -> None:
    members = [city.street.new_member() for _ in range(2)]
    browser = city.browser()
    cursors = []
    for member in members:
        for _number in range(21):
            member.earn(1, scene="food").raise_for_status()
        browser = city.citizen(member)
        [more] = [link for link in browser.get("/portal/statement").root.every("a") if link.text == "Show more"]
        cursors.append(re.sub(r".*cursor=", "", more.attributes["href"]))
    assert browser.get(f"/portal/statement?cursor={cursors[1]}").status == 200
    assert browser.get(f"/portal/statement?cursor={cursors[0]}").status == 400
    assert browser.get(f"/portal/statement?scene=food&cursor={cursors[1]}").status == 400


def programme_with(city: City, **rules: object) -> str:
    """A programme with rules of its own, in which the café gives points."""
    code = f"P-{uuid4().hex[:8]}"
    rate = {"earn_rate": {"points": 1, "per_amount": "1.00"}}
    city.service.add_programme(code, rules={**rate, **rules})
    city.service.permit(code, "CAFE", may_issue=True, may_accept=True)
    return code


def earn_in(city: City, programme: str, member: Regular, points: int) -> None:
    body = {"programme": programme, "member": member.ref, "points": points, "scene": "food"}
    city.service.post("/v1/earnings", body, key=member.key).raise_for_status()


def test_points_that_never_expire_are_said_to(city: City) -> None:
    member = city.street.new_member()
    code = programme_with(city)
    earn_in(city, code, member, 8)
    page = city.citizen(member).get("/portal")
    assert "Nothing of what you have expires." in page.text
    assert [cell.text for cell in page.root.one("tbody").every("tr")[0].inside][:2] == ["never", "8"]


def test_what_expires_soon_is_said_on_the_balance_and_in_the_notices(city: City) -> None:
    member = city.street.new_member()
    code = programme_with(city, validity_days=5)
    earn_in(city, code, member, 8)
    browser = city.citizen(member)
    assert "8 expire next: usable until the end of " in browser.get("/portal").text
    assert browser.get("/portal/notices").root.every("table") == []

    async def notify() -> int:
        async with Engine.open(city.service.database.service_url, LedgerKey(LEDGER_KEY)) as engine:
            return (await post_notices(engine)).notices

    assert run_apart(notify()) >= 1
    [row] = browser.get("/portal/notices").root.one("tbody").every("tr")
    cells = [cell.text for cell in row.inside]
    assert (cells[0], cells[2]) == ("8", "7")
    lot = city.service.get(f"/v1/members/{member.id}/lots?programme={code}").json()["lots"][0]
    assert cells[1] == f"{date.fromisoformat(lot['expires_on']):%-d %b %Y}"
    assert "notice" not in browser.get("/portal/statement").text.lower(), "a notice moves no points"


def test_a_member_that_moved_to_another_lane_sees_one_history(city: City, member: Regular, browser: Browser) -> None:
    paths = ("/portal/statement", "/portal/flows", "/portal/statement?scene=food")
    before = [browser.get(path).text for path in paths]
    lane = city.ask("select (lane + 1) %% 4 from members where public_id = %s", member.id)[0][0]
    body = {"lane": lane, "reason": "rebalancing"}
    city.service.post(f"/v1/members/{member.id}/move-lane", body).raise_for_status()
    # Each of the processes is asked at once, without time to hear of the move.
    for _ in range(6):
        assert figures(browser.get("/portal")) == {"Available": "75", "Pending": "40", "Held": "25"}
        assert [browser.get(path).text for path in paths] == before


def test_no_address_names_another_member(city: City, browser: Browser) -> None:
    other = city.street.new_member()
    other.earn(777_777, scene="leisure").raise_for_status()
    for query in (f"member={other.id}", f"citypoints_member={other.id}", f"person={other.id}"):
        for path in ("/portal", "/portal/statement", "/portal/data", "/portal/data/export"):
            page = browser.get(f"{path}?{query}")
            assert page.status == 200
            assert "777777" not in page.html.replace(other.id, "").replace(",", "")
    transaction = other.earn(1, scene="food").json()["id"]
    page = browser.get(f"/portal/gift/done?transaction={transaction}")
    assert (page.status, page.heading) == (404, "There is nothing here")
    assert browser.get("/portal/nothing").status == 404


def test_a_script_in_a_partners_name_is_only_text(city: City) -> None:
    code = f"EVIL-{uuid4().hex[:6]}"
    name = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
    city.service.post("/v1/partners", {"code": code, "kind": "merchant", "name": name}).raise_for_status()
    city.service.permit("CITY", code, may_issue=True, may_accept=True)
    key = city.service.add_key(code)
    member = city.street.new_member(key)
    member.earn(5, scene="food", outlet="o-1", reference="<b>ref</b>").raise_for_status()
    browser = city.citizen(member)
    for language in ("en", "zh"):
        browser.get(f"/preferences?language={language}")
        for path in ("/portal", "/portal/statement", "/portal/flows", "/portal/consents"):
            page = browser.get(path)
            assert page.status == 200
            assert "<script" not in page.html
            assert "<img src=x" not in page.html
            assert name in page.text or path == "/portal/flows"
            assert "<b>ref" not in page.html


def test_all_that_is_held_can_be_taken_along(city: City, browser: Browser, member: Regular) -> None:
    page = browser.get("/portal/data")
    assert member.id in page.text
    assert [link for link in page.root.every("a") if link.attributes["href"] == "/portal/data/export"]
    download = browser.get("/portal/data/export").response
    assert download.headers["content-disposition"] == 'attachment; filename="city-points.json"'
    token = city.service.add_member_token(member.id)
    exported = city.service.get(f"/v1/members/{member.id}/export", key=token).json()
    mine = json.loads(download.content)
    for part in ("lots", "statement"):
        assert mine["accounts"][0][part] == exported["accounts"][0][part] != []
    assert mine["id"] == member.id


def test_large_type_and_language_are_kept_and_lead_back(browser: Browser) -> None:
    page = browser.get("/preferences?type=large&to=/portal/statement%3Fscene%3Dfood")
    assert page.location == "/portal/statement?scene=food"
    page = browser.follow(page)
    assert page.root.one("html").attributes["class"] == "large"
    assert browser.follow(browser.get("/preferences?language=zh&to=/portal")).heading == "我的积分"
    assert browser.get("/portal").root.one("html").attributes["class"] == "large"
    browser.get("/preferences?type=normal")
    assert "class" not in browser.get("/portal").root.one("html").attributes
    assert browser.get("/preferences?type=huge").status == 400


def test_a_member_that_was_merged_sees_the_points_of_the_one_it_became(city: City) -> None:
    one, other = city.street.new_member(), city.street.new_member()
    one.earn(11, scene="food").raise_for_status()
    other.earn(22, scene="food").raise_for_status()
    browser = city.citizen(one)
    body = {"into": other.id, "reason": "same person"}
    city.service.post(f"/v1/members/{one.id}/merge", body).raise_for_status()
    for _ in range(6):
        assert figures(browser.get("/portal"))["Available"] == "33"
    assert ("Accounts merged", "+11") in lines(browser.get("/portal/statement"))
