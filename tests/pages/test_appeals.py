"""A member appeals against points taken back or against a freeze; staff answer; nothing is posted by itself."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.api.street import Regular
from tests.pages.browsing import Browser, Page
from tests.pages.conftest import City

LIST = "/portal/appeals"
GROUNDS = "I kept the goods; the shop took back the wrong receipt."


@pytest.fixture
def member(city: City) -> Regular:
    """A member that had 100 points and lost 40 of them."""
    return robbed(city)


def robbed(city: City) -> Regular:
    member = city.street.new_member()
    earned = member.earn(100, scene="food").raise_for_status().json()["id"]
    member.reverse(earned, points=40, reason="wrong receipt").raise_for_status()
    return member


def staff(city: City, *roles: str) -> Browser:
    return city.sign_in(
        to="/operator/appeals", sub=f"{'-'.join(roles)}-{uuid4().hex[:6]}", citypoints_roles=list(roles)
    )


def taken_from(browser: Browser) -> str:
    """The address of the form against the newest line that may be appealed against."""
    page = browser.get("/portal/statement")
    return next(
        link.attributes["href"]
        for link in page.root.every("a")
        if "/appeals/new?transaction=" in link.attributes["href"]
    )


def appeal(browser: Browser, address: str | None = None, grounds: str = GROUNDS) -> Page:
    page = browser.get(address or taken_from(browser))
    return browser.send(page, LIST, grounds=grounds)


def freeze(city: City, member: Regular) -> None:
    city.service.post(f"/v1/members/{member.id}/freeze", {"reason": "card reported lost"}).raise_for_status()


def one_of(city: City, member: Regular) -> str:
    [(found,)] = city.ask("select appeal_id::text from appeals where public_id = %s and state = 'open'", member.id)
    return f"/operator/appeals/{found}"


def decide(browser: Browser, address: str, verdict: str, answer: str = "We looked at the receipts.") -> Page:
    return browser.send(browser.get(address), address, verdict=verdict, answer=answer)


def available(member: Regular) -> int:
    return int(member.balance()["available"])


def test_a_member_appeals_from_the_line_and_reads_the_answer(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    form = browser.get(taken_from(browser))
    assert form.heading == "Appeal"
    assert "Points taken 40" in form.text
    assert "at most 1,500 characters" in form.text
    assert "answered within 10 working days" in form.text
    listed = browser.follow(browser.send(form, LIST, grounds=GROUNDS))
    assert "Your appeal has been received." in listed.text
    assert "being looked at" in listed.text
    assert GROUNDS in listed.text
    address = one_of(city, member)
    support = staff(city, "support")
    shown = support.get(address)
    assert GROUNDS in shown.text
    assert "Reason that was given wrong receipt" in shown.text
    assert "Earned, 100 points" in shown.text
    done = support.follow(decide(support, address, "rejected", "The receipt\nwas returned."))
    assert "rejected" in done.text
    listed = browser.get(LIST)
    assert "rejected" in listed.text
    assert "Answer The receipt was returned." in listed.text
    assert available(member) == 60


def test_only_what_took_points_back_has_the_link(city: City, member: Regular) -> None:
    member.redeem(10, scene="food").raise_for_status()
    browser = city.citizen(member)
    page = browser.get("/portal/statement")
    lines = page.root.one("ol").inside
    assert [("appeal" in line.text, "Taken back" in line.text) for line in lines] == [
        (False, False),
        (True, True),
        (False, False),
    ]
    for line in (lines[0], lines[2]):
        number = line.text.rpartition("Number ")[2]
        refused = browser.get(f"/portal/appeals/new?transaction={number}")
        assert (refused.status, refused.heading) == (409, "Appeal")


def test_a_form_that_is_sent_twice_or_at_once_is_one_appeal(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    fields = {**browser.get(taken_from(browser)).form(LIST), "grounds": GROUNDS}
    with ThreadPoolExecutor(4) as executor:
        pages = list(executor.map(lambda _: browser.post(LIST, fields), range(4)))
    assert {page.status for page in pages} == {303}
    assert city.ask("select count(*) from appeals where public_id = %s", member.id) == [(1,)]
    changed = browser.post(LIST, {**fields, "grounds": "something else"})
    assert changed.status == 409


def test_two_tabs_make_one_open_appeal_and_after_the_answer_another_may_follow(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    address = taken_from(browser)
    first, second = browser.get(address), browser.get(address)
    assert browser.send(first, LIST, grounds=GROUNDS).status == 303
    refused = browser.send(second, LIST, grounds="the same once more")
    assert (refused.status, "open already" in refused.text) == (409, True)
    assert browser.get(address).status == 409
    support = staff(city, "support")
    decide(support, one_of(city, member), "rejected")
    assert appeal(browser, address, "I have found the receipt.").status == 303


@pytest.mark.parametrize(
    ("grounds", "count"), [("", "0"), ("  \r\n ", "0"), ("字" * 1_501, "1,501")], ids=["nothing", "spaces", "too long"]
)
def test_grounds_that_say_nothing_or_too_much_are_told_and_kept(
    city: City, member: Regular, grounds: str, count: str
) -> None:
    browser = city.citizen(member)
    page = appeal(browser, grounds=grounds)
    assert page.status == 422
    assert f"there are {count}." in page.text
    assert page.root.one("textarea").text == grounds.strip()
    assert not city.ask("select 1 from appeals where public_id = %s", member.id)
    assert appeal(browser, grounds="字" * 1_500).status == 303


def test_what_is_written_is_shown_as_text(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    attack = '<script>alert(1)</script><img src=x onerror=alert(1)>\x00"'
    appeal(browser, grounds=attack)
    support = staff(city, "support")
    address = one_of(city, member)
    decide(support, address, "rejected", "</textarea><script>alert(2)</script>")
    for page in (browser.get(LIST), support.get(address)):
        assert not page.root.every("script")
        assert not page.root.one("main").every("img")
        assert "<script>alert(1)</script><img src=x onerror=alert(1)>" in page.text
        assert "<script>alert(2)</script>" in page.text
    page = browser.post(LIST, {**browser.get("/portal/gift").form("/portal/gift/check"), "about": "freeze"})
    assert page.status == 400


def test_another_members_transaction_and_unknown_ones_are_missing_alike(city: City, member: Regular) -> None:
    other_member = robbed(city)
    address = taken_from(city.citizen(other_member))
    browser = city.citizen(member)
    fields = browser.get(taken_from(browser)).form(LIST)
    own = fields["transaction"]
    other = address.rpartition("=")[2]
    for transaction in (other, str(uuid4()), "x", own[:-1] + ("0" if own[-1] != "0" else "1")):
        shown = browser.get("/portal/appeals/new", params={"transaction": transaction})
        sent = browser.post(LIST, {**fields, "key": uuid4().hex, "transaction": transaction, "grounds": GROUNDS})
        assert (shown.status, sent.status) == (404, 404), transaction
        assert shown.heading == sent.heading == "There is nothing here"
    assert browser.post(LIST, {**fields, "transaction": "", "grounds": GROUNDS}).status == 404
    assert not city.ask("select 1 from appeals where public_id in (%s, %s)", member.id, other_member.id)


def test_a_member_sees_its_own_appeals_alone_and_no_staff_page(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    appeal(browser)
    stranger = city.citizen(robbed(city))
    assert GROUNDS not in stranger.get(LIST).text
    address = one_of(city, member)
    for one in (browser, stranger):
        assert one.get(address).status == 403
        assert one.get("/operator/appeals").status == 403
        csrf = one.get("/portal/gift").form("/portal/gift/check")["csrf"]
        sent = one.post(address, {"csrf": csrf, "key": "k" * 20, "verdict": "upheld", "answer": "yes"})
        assert sent.status == 403


def test_a_freeze_is_appealed_against_from_the_balance_and_lifted_by_staff(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    assert browser.get("/portal/appeals/new?about=freeze").status == 409
    freeze(city, member)
    page = browser.get("/portal")
    [link] = [link for link in page.root.every("a") if link.text == "Appeal against it"]
    assert appeal(browser, link.attributes["href"]).status == 303
    assert browser.get(link.attributes["href"]).status == 409, "one open appeal against it"
    support, address = staff(city, "support"), one_of(city, member)
    assert "Reason that was given card reported lost" in support.get(address).text
    unfreeze = f"{address}/unfreeze"
    csrf = support.get(address).form(address)["csrf"]
    early = support.post(unfreeze, {"csrf": csrf, "key": uuid4().hex})
    assert early.status == 409, "not before it is upheld"
    decided = support.follow(decide(support, address, "upheld"))
    assert "The account is still frozen" in decided.text
    assert "frozen" in browser.get("/portal").text
    released = support.follow(support.send(decided, unfreeze))
    assert "The account is not frozen any more." in released.text
    assert "frozen" not in browser.get("/portal").text
    again = support.post(unfreeze, decided.form(unfreeze))
    assert again.status == 303, "the same form again"
    assert support.post(unfreeze, {**decided.form(unfreeze), "key": uuid4().hex}).status == 409


def test_points_are_given_back_by_two_persons_alone(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    appeal(browser)
    support, address = staff(city, "support"), one_of(city, member)
    proposal = f"{address}/proposal"
    csrf = support.get(address).form(address)["csrf"]
    assert support.post(proposal, {"csrf": csrf}).status == 409, "not before it is upheld"
    decided = support.follow(decide(support, address, "upheld", "You are right."))
    assert available(member) == 60, "nothing is posted by itself"
    page = support.follow(support.send(decided, proposal))
    assert "waits for a second person" in page.text
    assert support.post(proposal, {"csrf": csrf}).status == 303
    [(number, request)] = city.ask(
        "select approval_id::text, convert_from(request, 'UTF8')::json from approvals"
        " where approval_id = (select approval_id from appeals where public_id = %s)",
        member.id,
    )
    assert (request["points"], request["partner"], request["programme"]) == (40, "CAFE", "CITY")
    assert available(member) == 60
    key = city.street.staff_key("finance-approver")
    city.service.post(f"/v1/approvals/{number}/approval", {}, key=key).raise_for_status()
    assert available(member) == 100
    assert "points given back" in support.get(address).text


def upheld_and_proposed(city: City, member: Regular, proposer: Browser) -> str:
    """The address of an appeal that was upheld, with the points' giving back proposed."""
    appeal(city.citizen(member))
    address = one_of(city, member)
    decided = proposer.follow(decide(proposer, address, "upheld", "You are right."))
    proposer.send(decided, f"{address}/proposal")
    return address


def test_another_operator_gives_the_points_back_on_the_page_once(city: City, member: Regular) -> None:
    first, second = staff(city, "operator"), staff(city, "operator")
    address = upheld_and_proposed(city, member, first)
    approval = f"{address}/approval"
    asked = second.get(address)
    assert "Approve: give 40 points back" in asked.text
    with ThreadPoolExecutor(4) as executor:
        pages = list(executor.map(lambda _: second.post(approval, asked.form(approval)), range(4)))
    assert {page.status for page in pages} == {303}
    assert available(member) == 100
    done = second.get(address)
    assert "points given back" in done.text
    assert approval not in done.html


def test_who_proposed_to_give_points_back_and_support_do_not_approve_it(city: City, member: Regular) -> None:
    first, support = staff(city, "operator"), staff(city, "support")
    address = upheld_and_proposed(city, member, first)
    approval = f"{address}/approval"
    for reader in (first, support):
        page = reader.get(address)
        assert approval not in page.html
        assert f"/v1/approvals/{number_of(city, member)}/approval" in page.text
    csrf = first.get(address).form("/sign-out")["csrf"]
    own = first.post(approval, {"csrf": csrf})
    assert (own.status, "so another person approves it" in own.text) == (409, True)
    csrf = support.get(address).form("/sign-out")["csrf"]
    assert support.post(approval, {"csrf": csrf}).status == 403
    assert available(member) == 60


def test_what_was_rejected_or_never_proposed_is_not_approved_on_the_page(city: City, member: Regular) -> None:
    first, second = staff(city, "operator"), staff(city, "operator")
    address = upheld_and_proposed(city, member, first)
    opened = second.get(address)
    key = city.street.staff_key("finance-approver")
    rejected = {"reason": "the amount is wrong"}
    city.service.post(f"/v1/approvals/{number_of(city, member)}/rejection", rejected, key=key).raise_for_status()
    late = second.send(opened, f"{address}/approval")
    assert (late.status, "rejected meanwhile" in late.text) == (409, True)
    other = robbed(city)
    appeal(city.citizen(other))
    unproposed = one_of(city, other)
    csrf = second.get(unproposed).form("/sign-out")["csrf"]
    assert second.post(f"{unproposed}/approval", {"csrf": csrf}).status == 409
    assert (available(member), available(other)) == (60, 60)


def number_of(city: City, member: Regular) -> str:
    """The number of the approval that a member's appeal led to."""
    [(number,)] = city.ask("select approval_id::text from appeals where public_id = %s", member.id)
    return str(number)


def test_who_is_second_to_decide_is_told_what_was_decided(city: City, member: Regular) -> None:
    appeal(city.citizen(member))
    address = one_of(city, member)
    first, second = staff(city, "support"), staff(city, "operator")
    before = second.get(address)
    sent = decide(first, address, "upheld", "You are right.")
    assert sent.status == 303
    late = second.send(before, address, verdict="rejected", answer="You are wrong.")
    assert late.status == 409
    assert "You are right." in late.text
    assert "Yours was not taken" in late.text
    assert city.ask("select state, answer from appeals where public_id = %s", member.id) == [
        ("upheld", "You are right.")
    ]


@pytest.mark.parametrize(
    ("verdict", "answer"), [("", "because"), ("maybe", "because"), ("upheld", " "), ("upheld", "x" * 1_501)]
)
def test_a_decision_without_verdict_or_reason_is_told_and_kept(
    city: City, member: Regular, verdict: str, answer: str
) -> None:
    appeal(city.citizen(member))
    address, support = one_of(city, member), staff(city, "support")
    page = decide(support, address, verdict, answer)
    assert page.status == 422
    assert page.root.one("textarea").text == answer.strip()
    assert city.ask("select state from appeals where public_id = %s", member.id) == [("open",)]


def test_the_auditor_sees_appeals_and_decides_none(city: City, member: Regular) -> None:
    appeal(city.citizen(member))
    address = one_of(city, member)
    auditor = staff(city, "auditor")
    page = auditor.get(address)
    assert GROUNDS in page.text
    assert {form.attributes["action"] for form in page.root.every("form")} == {"/sign-out"}
    csrf = page.form("/sign-out")["csrf"]
    for path in ("", "/proposal", "/unfreeze"):
        sent = auditor.post(address + path, {"csrf": csrf, "key": "k" * 20, "verdict": "upheld", "answer": "yes"})
        assert sent.status == 403
    assert city.ask("select state from appeals where public_id = %s", member.id) == [("open",)]


def test_support_sees_the_appeals_and_nothing_else_of_the_operators(city: City) -> None:
    support = staff(city, "support")
    page = support.get("/operator/appeals")
    sections = page.root.one("nav", **{"aria-label": "Sections"})
    assert [link.text for link in sections.every("a")] == ["Appeals"]
    for path in ("/operator", "/operator/programmes", "/operator/partners", "/operator/keys", "/operator/keys/new"):
        assert support.get(path).status == 403, path
    for unknown in (str(uuid4()), "x"):
        assert support.get(f"/operator/appeals/{unknown}").status == 404


def test_the_oldest_comes_first_and_a_late_one_is_marked(city: City) -> None:
    members = [robbed(city), robbed(city)]
    for member in members:
        appeal(city.citizen(member))
    first = one_of(city, members[0])
    city.ask(
        "update appeals set appealed_at = appealed_at - %s where public_id = %s", timedelta(days=16), members[0].id
    )
    page = staff(city, "operator").get("/operator/appeals")
    links = [link.attributes["href"] for link in page.root.one("table").every("a")]
    assert links.index(first) < links.index(one_of(city, members[1]))
    [row] = [row for row in page.root.every("tr") if row.every("a") and row.one("a").attributes["href"] == first]
    assert "waits for 16 days late" in row.text


def test_the_export_contains_appeals_and_erasure_leaves_no_word(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    appeal(browser)
    decide(staff(city, "support"), one_of(city, member), "rejected", "No receipt was found anywhere.")
    appeal(browser, grounds="and once more, please")
    document: Any = browser.get("/portal/data/export").response.json()
    newest, oldest = document["appeals"]
    assert (oldest["grounds"], oldest["answer"], oldest["state"]) == (
        GROUNDS,
        "No receipt was found anywhere.",
        "rejected",
    )
    assert (newest["grounds"], newest["about"]) == ("and once more, please", "points")
    city.street.close(member.id)
    city.service.post(f"/v1/members/{member.id}/erasure", {"reason": "member-asked"}).raise_for_status()
    assert not city.ask("select 1 from appeals where public_id = %s", member.id)
    everything = city.ask("select convert_from(answer, 'UTF8') from idempotency_keys where answer is not null")
    assert GROUNDS not in str(everything)


def test_a_member_that_has_left_cannot_appeal(city: City, member: Regular) -> None:
    browser = city.citizen(member)
    form = browser.get(taken_from(browser))
    city.street.close(member.id)
    assert browser.send(form, LIST, grounds=GROUNDS).status == 409


def test_after_a_move_and_a_merge_the_member_finds_its_appeals(city: City, member: Regular) -> None:
    appeal(city.citizen(member))
    into = city.street.new_member()
    body = {"into": into.id, "reason": "one person"}
    city.service.post(f"/v1/members/{member.id}/merge", body).raise_for_status()
    browser = city.citizen(into)
    assert GROUNDS in browser.get(LIST).text
    city.street.close(into.id)
    city.service.post(f"/v1/members/{into.id}/erasure", {"reason": "member-asked"}).raise_for_status()
    assert not city.ask("select 1 from appeals where grounds = %s and public_id = %s", GROUNDS, member.id)


def test_an_appeal_against_a_freeze_is_read_in_chinese_by_member_and_staff(city: City) -> None:
    member = city.street.new_member()
    freeze(city, member)
    browser, desk = city.citizen(member), staff(city, "support")
    for one in (browser, desk):
        one.get("/preferences?language=zh")
    form = browser.get("/portal/appeals/new?about=freeze")
    assert "账户被冻结" in form.text
    assert browser.send(form, LIST, grounds=GROUNDS).status == 303
    page = desk.get(one_of(city, member))
    assert page.status == 200
    assert GROUNDS in page.text
